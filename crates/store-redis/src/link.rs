//! The link to Redis: one connection that many callers share, made anew when it breaks.
//!
//! ```text
//!   up ── an error of the connection, or a ping without answer ──▶ down
//!   ▲                                                               │
//!   └── connected, and shaken hands (see handshake.rs) ◀── waits, with jitter
//! ```
//!
//! Nothing is queued while the link is down and nothing is sent twice: a call that may have been
//! carried out, or not, is an error that says so.

use crate::error::{broken, kind, store_error, was_refused};
use crate::handshake::{Found, shake_hands};
use crate::scripts::Call;
use crate::{RedisOptions, address};
use parking_lot::Mutex;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, Value};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::{Clock, Dependency, FailureKind, StoreError, SystemClock};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A connection.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A connection that works, as far as is known.
#[derive(Clone)]
struct Live {
    connection: Connection,
    number: u64,
}

/// The link.
pub(crate) struct Link {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Shared {
    options: RedisOptions,
    /// The server as an operator knows it, without secrets.
    what: String,
    dependency: Arc<Dependency>,
    live: watch::Sender<Option<Live>>,
    /// Told when a caller found the connection broken.
    broken: Notify,
    found: Mutex<Found>,
    partitions: Mutex<Vec<String>>,
}

impl Link {
    /// Connects, or says why that is not possible.
    pub(crate) async fn connect(options: RedisOptions) -> Result<Self, StoreError> {
        let what = address::shown(&options.url)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let shared = Arc::new(Shared {
            options,
            what,
            dependency: Arc::new(Dependency::new("redisCommand", clock)),
            live: watch::Sender::new(None),
            broken: Notify::new(),
            found: Mutex::default(),
            partitions: Mutex::default(),
        });
        shared.establish(1).await.map_err(Failed::into_error)?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(shared.clone().keep_alive(stop.clone()));
        tasks.close();
        Ok(Self {
            shared,
            tasks,
            stop,
        })
    }

    /// From now on the keys of these partitions are met by a new server process.
    pub(crate) async fn guard(&self, partitions: Vec<String>) -> Result<(), StoreError> {
        (*self.shared.partitions.lock()).clone_from(&partitions);
        let run = self.shared.found.lock().run.clone();
        self.floor(partitions, &run).await
    }

    async fn floor(&self, partitions: Vec<String>, run: &str) -> Result<(), StoreError> {
        for keys in self.together(partitions) {
            let call = crate::scripts::FLOOR.with(keys).arg(run);
            let () = self.run(&call.arg(SystemClock.now().0)).await?;
        }
        Ok(())
    }

    /// Keys that one command may name: all on a server, one at a time in a cluster.
    pub(crate) fn together(&self, keys: Vec<String>) -> Vec<Vec<String>> {
        match self.is_cluster() {
            false => vec![keys],
            true => keys.into_iter().map(|key| vec![key]).collect(),
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.shared.found.lock().cluster
    }

    /// What was found out about the server.
    pub(crate) fn found(&self) -> Found {
        self.shared.found.lock().clone()
    }

    pub(crate) fn dependency(&self) -> Arc<Dependency> {
        self.shared.dependency.clone()
    }

    pub(crate) fn what(&self) -> &str {
        &self.shared.what
    }

    /// Runs a script.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        let value = match self.send(&call.by_digest()).await {
            Err(Failure::Answer(error)) if error.code() == Some("NOSCRIPT") => {
                self.send(&call.in_full()).await
            }
            sent => sent,
        };
        self.read(value)
    }

    /// Sends a command.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let value = self.send(command).await;
        self.read(value)
    }

    /// Sends commands of one partition together.
    pub(crate) async fn ask_all<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let live = self.live().await?;
        let sent = match live.connection.clone() {
            Connection::Single(mut it) => commands.query_async(&mut it).await,
            Connection::Cluster(mut it) => commands.query_async(&mut it).await,
        };
        let value: Result<Value, Failure> = sent.map_err(|error| self.shared.judge(&live, error));
        self.read(value)
    }

    fn read<T: FromRedisValue>(&self, value: Result<Value, Failure>) -> Result<T, StoreError> {
        let what = self.what();
        let value = value.map_err(|failure| match failure {
            Failure::Answer(error) => store_error(what, &error),
            Failure::Store(error) => error,
        })?;
        T::from_redis_value(value).map_err(|error| StoreError::damaged(what, error))
    }

    async fn send(&self, command: &Cmd) -> Result<Value, Failure> {
        const TRIES: u32 = 6;
        for attempt in 0.. {
            let live = self.live().await.map_err(Failure::Store)?;
            let sent = match live.connection.clone() {
                Connection::Single(mut it) => it.req_packed_command(command).await,
                Connection::Cluster(mut it) => it.req_packed_command(command).await,
            };
            let answer = sent.and_then(Value::extract_error);
            match answer {
                Ok(value) => return Ok(value),
                // The cluster moved something; the crate asks for its map again meanwhile.
                Err(error) if was_refused(&error) && attempt < TRIES => {
                    sleep(Duration::from_millis(20 << attempt)).await;
                }
                Err(error) => return Err(self.shared.judge(&live, error)),
            }
        }
        Err(Failure::Store(self.shared.down("it does not answer")))
    }

    /// The connection; waits a little for one that is being made anew.
    async fn live(&self) -> Result<Live, StoreError> {
        const PATIENCE: Duration = Duration::from_millis(500);
        if let Some(live) = &*self.shared.live.borrow() {
            return Ok(live.clone());
        }
        if self.stop.is_cancelled() {
            return Err(self.shared.down("it is closed"));
        }
        let mut live = self.shared.live.subscribe();
        match timeout(PATIENCE, live.wait_for(Option::is_some)).await {
            Ok(Ok(live)) => live.clone().ok_or_else(|| self.shared.down("it is closed")),
            _ => Err(self.shared.down("the connection is lost; connecting anew")),
        }
    }

    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.shared.live.send_replace(None);
        self.tasks.wait().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Why a call failed.
enum Failure {
    /// Redis answered with an error.
    Answer(RedisError),
    /// The connection failed.
    Store(StoreError),
}

/// Why no connection could be made.
struct Failed {
    kind: FailureKind,
    error: StoreError,
}

impl Failed {
    fn into_error(self) -> StoreError {
        self.error
    }
}

impl Shared {
    fn down(&self, cause: &str) -> StoreError {
        StoreError::unavailable(&self.what, cause)
    }

    /// Tells an answer from a connection that is broken.
    fn judge(&self, live: &Live, error: RedisError) -> Failure {
        if broken(&error).is_none() {
            return Failure::Answer(error);
        }
        let lost = self.live.send_if_modified(|current| {
            let same = current.as_ref().is_some_and(|it| it.number == live.number);
            // A cluster connection mends itself: another node may be well.
            let lost = same && matches!(live.connection, Connection::Single(_));
            if lost {
                *current = None;
            }
            lost
        });
        if lost {
            self.dependency.reconnecting(kind(&error));
            self.broken.notify_one();
        }
        Failure::Store(store_error(&self.what, &error))
    }

    /// Watches the connection and makes it anew when it breaks.
    async fn keep_alive(self: Arc<Self>, stop: CancellationToken) {
        let watching = async {
            for number in 2.. {
                self.watch().await;
                self.reconnect(number).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// Returns when the connection is broken. A ping now and then finds out what no caller does.
    async fn watch(&self) {
        const PING: Duration = Duration::from_secs(1);
        let mut measured = tokio::time::Instant::now();
        loop {
            let told = timeout(PING, self.broken.notified()).await;
            let live = self.live.borrow().clone();
            let Some(live) = live else { return };
            if told.is_ok() {
                continue;
            }
            let again = measured.elapsed() > Duration::from_secs(60);
            let checked = match live.connection.clone() {
                Connection::Single(mut it) => crate::handshake::ping(&mut it, again).await,
                Connection::Cluster(mut it) => crate::handshake::ping(&mut it, again).await,
            };
            match checked {
                Ok(offset) => {
                    self.dependency.answered();
                    if let Some(offset) = offset {
                        self.found.lock().offset_ms = offset;
                        measured = tokio::time::Instant::now();
                    }
                }
                Err(error) => {
                    self.dependency.failed(kind(&error));
                    let _ = self.judge(&live, error);
                }
            }
        }
    }

    async fn reconnect(&self, number: u64) {
        const FIRST: Duration = Duration::from_millis(500);
        const MOST: Duration = Duration::from_secs(5);
        // The first try at once: most breaks are short.
        let mut wait = Duration::ZERO;
        loop {
            sleep(wait / 2 + wait.mul_f64(crate::jitter::part() / 2.0)).await;
            match self.establish(number).await {
                Ok(()) => return,
                Err(failed) => {
                    self.dependency.reconnecting(failed.kind);
                    tracing::debug!(error = %failed.error, "Redis is not there yet");
                }
            }
            wait = (wait * 2).clamp(FIRST, MOST);
        }
    }

    /// Connects and shakes hands; the link is up then.
    async fn establish(&self, number: u64) -> Result<(), Failed> {
        let limit = self.options.connect_timeout * 2;
        let tried = timeout(limit, self.try_establish()).await;
        let failed = |kind, error: StoreError| Failed { kind, error };
        let (connection, found) = match tried {
            Ok(Ok(made)) => made,
            Ok(Err(failed)) => return Err(failed),
            Err(_) => {
                let error = self.down("it does not answer in time");
                return Err(failed(FailureKind::Timeout, error));
            }
        };
        *self.found.lock() = found;
        let live = Live { connection, number };
        self.live.send_replace(Some(live));
        self.dependency.answered();
        Ok(())
    }

    async fn try_establish(&self) -> Result<(Connection, Found), Failed> {
        let down = |error: RedisError| Failed {
            kind: kind(&error),
            error: store_error(&self.what, &error),
        };
        let refused = |cause: String| Failed {
            kind: FailureKind::Unavailable,
            error: StoreError::unavailable(&self.what, cause),
        };
        let options = &self.options;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        let client = Client::open(options.url.as_str()).map_err(down)?;
        let single = client.get_multiplexed_async_connection_with_config(&config);
        let mut single = single.await.map_err(down)?;
        let found = shake_hands(&mut single).await.map_err(down)?;
        found.check().map_err(refused)?;
        if !found.cluster {
            let partitions = self.partitions.lock().clone();
            if !partitions.is_empty() {
                let call = crate::scripts::FLOOR.with(partitions).arg(&found.run);
                let call = call.arg(SystemClock.now().0).in_full();
                let met = single.req_packed_command(&call).await;
                met.and_then(Value::extract_error).map_err(down)?;
            }
            return Ok((Connection::Single(single), found));
        }
        let nodes = std::iter::once(&options.url).chain(&options.nodes);
        let nodes: Vec<&str> = nodes.map(String::as_str).collect();
        let cluster = ClusterClientBuilder::new(nodes)
            // A command whose connection broke may have been carried out: the crate must not send it
            // again. What a cluster refuses is sent again here.
            .retries(0)
            .connection_timeout(options.connect_timeout)
            .response_timeout(options.response_timeout)
            .build()
            .map_err(down)?;
        let cluster = cluster.get_async_connection().await.map_err(down)?;
        Ok((Connection::Cluster(cluster), found))
    }
}
