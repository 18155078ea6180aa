//! The link to Redis, a server or a cluster: what is asked goes to whoever has the key.

use crate::cluster::Cluster;
use crate::error::store_error;
use crate::handshake::Found;
use crate::identity::Identity;
use crate::node::{Failure, Node, Request};
use crate::scripts::Call;
use crate::topology::{slot, tag};
use crate::{RedisOptions, address};
use parking_lot::Mutex;
use redis::{Arg, Cmd, ConnectionInfo, FromRedisValue, Pipeline, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use taskcast_core::Millis;
use taskcast_store::{Clock, Dependency, FailureKind, StoreError, SystemClock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The link.
pub(crate) struct Link {
    common: Arc<Common>,
    servers: Servers,
}

enum Servers {
    One(Node),
    Many(Arc<Cluster>),
}

/// What all connections share.
pub(crate) struct Common {
    pub(crate) options: RedisOptions,
    pub(crate) identity: Identity,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// The server as an operator knows it, without secrets.
    what: String,
    dependency: Arc<Dependency>,
    offset_ms: AtomicI64,
    /// Servers without a connection. Held while the dependency is told, so that two servers do not
    /// tell it things in the wrong order.
    down: Mutex<BTreeSet<String>>,
}

impl Common {
    pub(crate) fn down(&self, cause: &str) -> StoreError {
        StoreError::unavailable(&self.what, cause)
    }

    /// How far Redis' clock is ahead of this machine's was measured.
    pub(crate) fn set_offset(&self, ms: i64) {
        self.offset_ms.store(ms, Ordering::Relaxed);
    }

    /// A server answers.
    pub(crate) fn node_up(&self, what: &str) {
        let mut down = self.down.lock();
        down.remove(what);
        if down.is_empty() {
            self.dependency.answered();
        }
    }

    /// A server does not answer; its connection is made anew.
    pub(crate) fn node_down(&self, what: &str, kind: FailureKind) {
        self.down.lock().insert(what.to_owned());
        self.dependency.reconnecting(kind);
    }

    /// A server is not asked any more.
    pub(crate) fn node_gone(&self, what: &str) {
        self.down.lock().remove(what);
    }
}

impl Clock for Common {
    /// This machine's clock, moved to Redis', or the one that tests give.
    fn now(&self) -> Millis {
        let ms = self.offset_ms.load(Ordering::Relaxed);
        match &self.options.clock {
            Some(clock) => clock.now(),
            None => Millis(SystemClock.now().0.saturating_add_signed(ms)),
        }
    }
}

impl Link {
    /// Connects, or says why that is not possible; finds the store, or makes it.
    pub(crate) async fn connect(options: RedisOptions) -> Result<Self, StoreError> {
        let urls = std::iter::once(&options.url).chain(&options.nodes);
        let seeds: Result<Vec<ConnectionInfo>, _> = urls.map(|it| address::parse(it)).collect();
        let seeds = seeds?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let common = Arc::new(Common {
            what: address::shown(&options.url)?,
            identity: Identity::new(&options.prefix, options.partitions.max(1)),
            options,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            dependency: Arc::new(Dependency::new("redisCommand", clock)),
            offset_ms: AtomicI64::new(0),
            down: Mutex::default(),
        });
        let first = connect_first(&common, &seeds).await?;
        let servers = match first.found().cluster {
            false => Servers::One(first),
            true => Servers::Many(Cluster::connect(common.clone(), seeds, &first).await?),
        };
        let link = Self { common, servers };
        link.find_store().await?;
        Ok(link)
    }

    /// Takes over the store that is there, or writes down a new one.
    async fn find_store(&self) -> Result<(), StoreError> {
        let identity = &self.common.identity;
        let (_, _, (incarnation, partitions)): (u8, u8, (u64, u16)) =
            self.ask_all(&identity.writing()).await?;
        identity.adopt(incarnation, partitions);
        Ok(())
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.common.identity
    }

    /// The clock that the store dates events by.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.common.clone()
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Many(_))
    }

    /// Keys that one command may name: all on a server, one at a time in a cluster.
    pub(crate) fn together(&self, keys: Vec<String>) -> Vec<Vec<String>> {
        match self.is_cluster() {
            false => vec![keys],
            true => keys.into_iter().map(|key| vec![key]).collect(),
        }
    }

    /// What was found out about the server, or one of them.
    pub(crate) fn found(&self) -> Found {
        match &self.servers {
            Servers::One(node) => node.found(),
            Servers::Many(cluster) => {
                let nodes = cluster.nodes();
                let node = nodes.iter().find(|node| node.is_up()).or(nodes.first());
                node.map(|node| node.found()).unwrap_or_default()
            }
        }
    }

    /// Bytes that all servers together may hold; none when there is no such bound.
    pub(crate) fn capacity(&self) -> Option<u64> {
        let each: Vec<u64> = match &self.servers {
            Servers::One(node) => vec![node.found().max_memory],
            Servers::Many(cluster) => {
                let nodes = cluster.nodes().into_iter();
                nodes.map(|node| node.found().max_memory).collect()
            }
        };
        let bounded = each.iter().all(|bytes| *bytes > 0);
        bounded.then(|| each.iter().sum())
    }

    pub(crate) fn dependency(&self) -> Arc<Dependency> {
        self.common.dependency.clone()
    }

    pub(crate) fn what(&self) -> &str {
        &self.common.what
    }

    /// Runs a script that reads.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.run_as(call, None).await
    }

    /// Runs a script that changes something.
    pub(crate) async fn write<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.run_as(call, Some(tag(call.key()))).await
    }

    async fn run_as<T: FromRedisValue>(
        &self,
        call: &Call,
        changed: Option<&str>,
    ) -> Result<T, StoreError> {
        let slot = slot(call.key());
        let command = call.by_digest();
        let value = match self.send(slot, Request::of(&command, changed)).await {
            Err(Failure::Answer(error)) if error.code() == Some("NOSCRIPT") => {
                let command = call.in_full();
                self.send(slot, Request::of(&command, changed)).await
            }
            sent => sent,
        };
        self.read(value)
    }

    /// Sends a command that reads; what comes first after its name is its key.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let request = Request::Command(command);
        let value = self.send(slot(&key(command)), request).await;
        self.read(value)
    }

    /// Sends commands together: in a cluster all of one partition.
    pub(crate) async fn ask_all<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let key = commands.cmd_iter().next().map(key).unwrap_or_default();
        let value = self.send(slot(&key), Request::Pipeline(commands)).await;
        self.read(value)
    }

    async fn send(&self, slot: u16, request: Request<'_>) -> Result<Value, Failure> {
        match &self.servers {
            Servers::One(node) => node.send(request).await,
            Servers::Many(cluster) => cluster.send(slot, request).await,
        }
    }

    fn read<T: FromRedisValue>(&self, value: Result<Value, Failure>) -> Result<T, StoreError> {
        let what = self.what();
        let value = value.map_err(|failure| match failure {
            Failure::Answer(error) => store_error(what, &error),
            Failure::Store(error) => error,
        })?;
        T::from_redis_value(value).map_err(|error| StoreError::damaged(what, error))
    }

    pub(crate) async fn close(&self) {
        self.common.stop.cancel();
        self.common.tasks.close();
        self.common.tasks.wait().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.common.stop.cancel();
    }
}

/// The first of these servers that can be used; else why the first one cannot.
async fn connect_first(common: &Arc<Common>, seeds: &[ConnectionInfo]) -> Result<Node, StoreError> {
    let mut failed = None;
    for seed in seeds {
        match Node::connect(common.clone(), seed.clone()).await {
            Ok(node) => return Ok(node),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| common.down("no server is named")))
}

/// The key of a command.
fn key(command: &Cmd) -> String {
    match command.args_iter().nth(1) {
        Some(Arg::Simple(key)) => String::from_utf8_lossy(key).into_owned(),
        _ => String::new(),
    }
}
