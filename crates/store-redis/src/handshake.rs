//! What is asked of a server before it is trusted, and what it has to be.

use redis::aio::ConnectionLike;
use redis::{InfoDict, RedisResult, cmd};
use taskcast_store::{Clock, SystemClock};

/// What was found out about a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The process: another one may have lost data.
    pub(crate) run: String,
    pub(crate) version: String,
    pub(crate) is_replica: bool,
    pub(crate) cluster: bool,
    /// `always`, `everysec` or `no` with an append-only file; `off` without; none when it does not say.
    pub(crate) sync: Option<String>,
    pub(crate) eviction: String,
    pub(crate) max_memory: u64,
    /// How far its clock is ahead of this machine's, in milliseconds.
    pub(crate) offset_ms: i64,
}

impl Found {
    /// Why the server cannot be used.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut numbers = self
            .version
            .split('.')
            .map(|part| part.parse().unwrap_or(0));
        let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < (6, 2) {
            return Err(format!(
                "its version is {}, and 6.2 is the oldest that works",
                self.version
            ));
        }
        if self.is_replica {
            return Err("it is a replica, which takes no changes".to_owned());
        }
        if self.eviction.starts_with("allkeys") {
            return Err(format!(
                "its maxmemory-policy is {}, which drops tasks that are in use; set `maxmemory-policy \
                 noeviction`",
                self.eviction
            ));
        }
        Ok(())
    }

    /// Whether messages can be bound to the slot of their channel.
    pub(crate) fn has_sharded_channels(&self) -> bool {
        let major = self.version.split('.').next();
        self.cluster && major.and_then(|it| it.parse().ok()).unwrap_or(0) >= 7
    }

    /// What an acknowledged commit survives.
    pub(crate) fn acknowledgement(&self, replicas: u32) -> String {
        let disk = match self.sync.as_deref() {
            Some("always") => "synced to its append-only file before the answer".to_owned(),
            Some("everysec") => {
                "in its append-only file within a second: a crash of Redis may take back the last \
                 second, and readers are told"
                    .to_owned()
            }
            Some("no") => {
                "in its append-only file when its system writes it: a crash may take back \
                           more than seconds, and readers are told"
                    .to_owned()
            }
            Some(_) => {
                "in its memory only: a restart of Redis loses what its last snapshot does not \
                        hold, and readers are told"
                    .to_owned()
            }
            None => {
                "as durable as its append-only file, which it does not tell of (CONFIG is denied): \
                     unknown"
                    .to_owned()
            }
        };
        match replicas {
            0 => format!("in Redis, {disk}"),
            count => format!("in Redis and {count} of its replicas, {disk}"),
        }
    }
}

/// Asks a server who it is.
pub(crate) async fn shake_hands(connection: &mut impl ConnectionLike) -> RedisResult<Found> {
    let info: InfoDict = cmd("INFO").query_async(connection).await?;
    let text = |key: &str| info.get::<String>(key).unwrap_or_default();
    let mut found = Found {
        run: text("run_id"),
        version: text("redis_version"),
        is_replica: text("role") == "slave",
        cluster: text("cluster_enabled") == "1",
        sync: None,
        eviction: text("maxmemory_policy"),
        max_memory: info.get("maxmemory").unwrap_or(0),
        offset_ms: measure(connection).await?,
    };
    // Many a hosted Redis denies CONFIG; that is no reason not to work.
    let append: RedisResult<Vec<String>> = cmd("CONFIG")
        .arg("GET")
        .arg("append*")
        .query_async(connection)
        .await;
    if let Ok(settings) = append {
        let value = |name: &str| {
            let pairs = settings.chunks_exact(2);
            let mut found = pairs.filter(|pair| pair.first().is_some_and(|it| it == name));
            found.next().and_then(|pair| pair.get(1)).cloned()
        };
        found.sync = match value("appendonly").as_deref() {
            Some("yes") => value("appendfsync"),
            Some(_) => Some("off".to_owned()),
            None => None,
        };
    }
    Ok(found)
}

/// How far the clock of a server is ahead of this machine's, in milliseconds.
pub(crate) async fn measure(connection: &mut impl ConnectionLike) -> RedisResult<i64> {
    let before = SystemClock.now().0;
    let (seconds, micros): (u64, u64) = cmd("TIME").query_async(connection).await?;
    let here = u64::midpoint(before, SystemClock.now().0);
    let there = seconds * 1000 + micros / 1000;
    Ok(i64::try_from(there).unwrap_or(0) - i64::try_from(here).unwrap_or(0))
}
