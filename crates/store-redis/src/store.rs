//! The store: its link, its keys, its clock.

use crate::keys::Keys;
use crate::link::Link;
use crate::scripts::Call;
use crate::{RedisOptions, jitter};
use async_trait::async_trait;
use redis::{FromRedisValue, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;
use taskcast_core::{Limits, Millis, TaskId};
use taskcast_store::{Clock, Dependency, ShortTermStore, StoreError, StoreInfo, SystemClock};

/// A short-term store in Redis, shared by any number of instances.
///
/// Every commit is one script and one round trip. What an acknowledged commit survives is the
/// append-only file's business: [`StoreInfo::acknowledgement`] says it as it was found.
pub struct RedisStore {
    pub(crate) link: Arc<Link>,
    pub(crate) keys: Keys,
    pub(crate) limits: Limits,
    pub(crate) archived: bool,
    pub(crate) commits_kept: u64,
    incarnation: u64,
    wait_replicas: u32,
    clock: Arc<dyn Clock>,
}

/// This machine's clock, moved to Redis'.
struct RedisClock(Arc<Link>);

impl Clock for RedisClock {
    fn now(&self) -> Millis {
        let here = SystemClock.now();
        Millis(here.0.saturating_add_signed(self.0.found().offset_ms))
    }
}

impl RedisStore {
    /// Connects to a store, and makes it when there is none below the prefix.
    ///
    /// # Errors
    /// When Redis cannot be reached or used; the sentence names the server and never who logs in.
    pub async fn connect(options: RedisOptions) -> Result<Self, StoreError> {
        let prefix = options.prefix.clone();
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            let cause =
                "the prefix of its keys is empty or has braces, which mark what lies together";
            return Err(StoreError::unavailable("Redis", cause));
        }
        let (limits, clock) = (options.limits.clone(), options.clock.clone());
        let (archived, commits_kept) = (options.archived, options.commits_kept);
        let (wait_replicas, partitions) = (options.wait_replicas, options.partitions.max(1));
        let link = Arc::new(Link::connect(options).await?);
        let (incarnation, partitions) = found_store(&link, &prefix, partitions).await?;
        let keys = Keys::new(&prefix, partitions);
        let parts = keys.all().map(|it| keys.of(it, crate::keys::Of::Part));
        link.guard(parts.collect()).await?;
        Ok(Self {
            clock: clock.unwrap_or_else(|| Arc::new(RedisClock(link.clone()))),
            link,
            keys,
            limits,
            archived,
            commits_kept,
            incarnation,
            wait_replicas,
        })
    }

    /// How the connection for commands is.
    #[must_use]
    pub fn dependency(&self) -> Arc<Dependency> {
        self.link.dependency()
    }

    pub(crate) fn what(&self) -> &str {
        self.link.what()
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The command that a commit tells its tail with.
    pub(crate) fn publish_command(&self) -> &'static str {
        match self.link.found().has_sharded_channels() {
            true => "SPUBLISH",
            false => "PUBLISH",
        }
    }

    /// Runs a script that changes something.
    pub(crate) async fn write<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.link.run(call).await
    }

    /// Groups things by what one pipeline may ask for: everything on a server, partition by partition
    /// in a cluster. Gives places.
    pub(crate) fn by_route<T>(&self, things: &[T], id: impl Fn(&T) -> &TaskId) -> Vec<Vec<usize>> {
        if !self.link.is_cluster() {
            return vec![(0..things.len()).collect()];
        }
        let mut groups: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (at, thing) in things.iter().enumerate() {
            let partition = self.keys.partition(id(thing)).0;
            groups.entry(partition).or_default().push(at);
        }
        groups.into_values().collect()
    }
}

/// The incarnation of the store below a prefix and its number of partitions; what is new is written.
async fn found_store(link: &Link, prefix: &str, partitions: u16) -> Result<(u64, u16), StoreError> {
    let key = Keys::store(prefix);
    for (field, value) in [
        ("incarnation", jitter::number().to_string()),
        ("partitions", partitions.to_string()),
    ] {
        let mut command = cmd("HSETNX");
        let _: u8 = link.ask(command.arg(&key).arg(field).arg(value)).await?;
    }
    let mut command = cmd("HMGET");
    command.arg(&key).arg("incarnation").arg("partitions");
    link.ask(&command).await
}

#[async_trait]
impl ShortTermStore for RedisStore {
    fn info(&self) -> StoreInfo {
        let sentence = self.link.found().acknowledgement(self.wait_replicas);
        StoreInfo {
            provider: "redis",
            incarnation: self.incarnation,
            partitions: self.keys.partitions,
            acknowledgement: sentence.into(),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let pong: String = self.link.ask(&cmd("PING")).await?;
        drop(pong);
        Ok(())
    }

    async fn close(&self) {
        self.link.close().await;
    }
}
