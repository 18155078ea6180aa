//! Keys under `adapters`: where tasks and events are kept and how instances hear of each other.

use super::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where tasks and events are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AdaptersConfig {
    /// How subscribers hear of new events.
    pub broadcast: BroadcastConfig,
    /// The store that answers requests.
    #[schemars(extend("x-aliases" = ["shortTermStore"]))]
    pub short_term: ShortTermConfig,
    /// The store that keeps every task for good.
    #[schemars(extend("x-aliases" = ["longTermStore"]))]
    pub long_term: LongTermConfig,
    /// The Redis of broadcast and short-term store.
    pub redis: RedisConfig,
}

/// How subscribers hear of new events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BroadcastConfig {
    /// What carries the news: `redis` any number of instances, `memory` one. Follows the
    /// short-term store when left out.
    pub provider: Option<BroadcastProvider>,
    /// Where Redis is; see `adapters.redis.url`.
    pub url: Option<Secret>,
}

/// What carries news of events between writers and subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BroadcastProvider {
    /// Within one process.
    Memory,
    /// Between all instances.
    Redis,
}

/// The store that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ShortTermConfig {
    /// The kind of store: `redis` serves any number of instances, `sqlite` one and survives
    /// restarts, `memory` does not. Without it: `redis` when there is a Redis URL, else `sqlite`.
    #[schemars(extend("x-variables" = ["TASKCAST_STORAGE"]))]
    pub provider: Option<ShortTermProvider>,
    /// Where Redis is; see `adapters.redis.url`.
    pub url: Option<Secret>,
    /// The database file of `sqlite`. In a file: relative to that file; in a variable, on the
    /// command line and by default: relative to the working directory.
    #[schemars(extend("x-variables" = ["TASKCAST_SQLITE_PATH"]))]
    pub path: PathBuf,
    /// When `sqlite` answers a write: `full` after it is on disk (survives power loss),
    /// `process` before (survives the end of the process only).
    pub durability: Durability,
    /// The bytes `memory` may hold; the oldest finished tasks give way first.
    #[schemars(range(min = 1_048_576_u64, max = 1_099_511_627_776_u64))]
    pub max_bytes: u64,
}

impl Default for ShortTermConfig {
    fn default() -> Self {
        Self {
            provider: None,
            url: None,
            path: PathBuf::from("./taskcast.db"),
            durability: Durability::default(),
            max_bytes: 512 << 20,
        }
    }
}

/// The kind of store that answers requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShortTermProvider {
    /// In this process; gone when it ends.
    Memory,
    /// In a file of this machine.
    Sqlite,
    /// In a Redis that any number of instances share.
    Redis,
}

impl ShortTermProvider {
    /// The word used in configuration files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        }
    }
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Power loss: the write is on disk before it is acknowledged.
    #[default]
    Full,
    /// The end of the process, not of the operating system.
    Process,
}

/// The store that keeps every task for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LongTermConfig {
    /// The kind of store: `postgres`, or `sqlite` on one machine. Without it: `postgres` when
    /// there is a PostgreSQL URL (and nobody chose storage `sqlite`), `sqlite` when there is a
    /// path, else none.
    pub provider: Option<LongTermProvider>,
    /// Where PostgreSQL is, as `postgres://user:password@host:5432/database`.
    #[schemars(extend("x-variables" = ["TASKCAST_POSTGRES_URL"]))]
    pub url: Option<Secret>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// The file of `sqlite`, another one than that of the short-term store.
    pub path: Option<PathBuf>,
    /// The most connections of one instance to PostgreSQL.
    #[schemars(
        range(min = 1, max = 10_000),
        extend("x-variables" = ["TASKCAST_POSTGRES_MAX_CONNECTIONS"])
    )]
    pub max_connections: usize,
    /// Whether the schema of PostgreSQL is brought up to date at the start; else
    /// `taskcast migrate` does it.
    #[schemars(extend("x-variables" = ["TASKCAST_AUTO_MIGRATE"]))]
    pub auto_migrate: bool,
}

impl Default for LongTermConfig {
    fn default() -> Self {
        Self {
            provider: None,
            url: None,
            url_file: None,
            path: None,
            max_connections: 10,
            auto_migrate: false,
        }
    }
}

/// The kind of store that keeps every task for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LongTermProvider {
    /// In a PostgreSQL database that any number of instances share.
    Postgres,
    /// In a file of this machine.
    Sqlite,
}

/// The Redis of broadcast and short-term store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RedisConfig {
    /// Where Redis is, as `redis://user:password@host:6379/0` (`rediss://` for TLS); nodes of a
    /// cluster with commas, as `redis://a:6379,b:6379`. The same as `url` of broadcast and
    /// short-term store.
    #[schemars(extend("x-variables" = ["TASKCAST_REDIS_URL"]))]
    pub url: Option<Secret>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// What every key and channel begins with; without braces.
    #[schemars(extend("x-variables" = ["TASKCAST_REDIS_PREFIX"]))]
    pub prefix: String,
    /// How many replicas have to have a write before it is acknowledged (`WAIT`).
    #[schemars(range(min = 0, max = 100))]
    pub wait_replicas: u32,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            prefix: "taskcast".to_owned(),
            wait_replicas: 0,
        }
    }
}
