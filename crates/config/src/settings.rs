//! What a server runs with: every choice made, every file read, every secret in hand.

use crate::ServerUrl;
use crate::model::{
    Algorithm, Durability, LimitsConfig, LogFormat, LogLevel, ScopeName, Secret, Selection,
    ShutdownConfig, SseConfig,
};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of one server. Secrets show and serialise as `[redacted]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where to listen.
    pub bind: Bind,
    /// What to log and how.
    pub log: Log,
    /// The admin API, when it is on.
    pub admin: Option<Admin>,
    /// How callers are identified.
    pub auth: Auth,
    /// Backends with a key of their own; they work in every auth mode.
    pub trusted_services: Vec<TrustedService>,
    /// Where tasks and events are kept, and how instances hear of each other.
    pub storage: Storage,
    /// Where every task is kept for good, if anywhere.
    pub long_term: Option<LongTerm>,
    /// Which pages of other origins may call.
    pub cors: Cors,
    /// Bounds on requests.
    pub limits: LimitsConfig,
    /// Event streams.
    pub sse: SseConfig,
    /// What happens on SIGTERM.
    pub shutdown: ShutdownConfig,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bind {
    /// The interfaces.
    pub interface: Interface,
    /// The TCP port; 0 takes any free one.
    pub port: u16,
}

/// Which interfaces to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Interface {
    /// Loopback only, because everybody may do everything and no host was given. Requests must
    /// also name a loopback host, so that web pages cannot reach the server by DNS rebinding.
    Loopback,
    /// The host that was given: an IP address (without brackets) or a name.
    Host(String),
    /// All interfaces.
    All,
}

/// What to log and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// The least severe lines to write.
    pub level: LogLevel,
    /// The shape of lines.
    pub format: LogFormat,
}

/// The admin API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Admin {
    /// The token it asks for; without one the server makes and prints one.
    pub token: Option<Secret>,
}

/// How callers are identified.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Auth {
    /// Everybody may do everything.
    None,
    /// Signed bearer tokens.
    Jwt(JwtSettings),
}

/// How bearer tokens are checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtSettings {
    /// The only accepted algorithm.
    pub algorithm: Algorithm,
    /// What signatures are checked with; its kind fits the algorithm.
    pub key: JwtKey,
    /// The `iss` that tokens must carry.
    pub issuer: Option<String>,
    /// The audience that tokens must name.
    pub audience: Option<String>,
    /// The clock difference allowed in `exp` and `nbf`.
    pub leeway: Duration,
}

/// What signatures are checked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum JwtKey {
    /// The shared secret of an HS algorithm.
    Secret(Secret),
    /// PEM text of a public key. That it is a key of the algorithm's kind is not checked here.
    PublicKey(Secret),
}

/// A backend with a key of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedService {
    /// Its subject is `svc:<name>`.
    pub name: String,
    /// What it sends in `X-Taskcast-Service-Key`; no two services share one.
    pub key: Secret,
    /// The tasks it may touch.
    pub task_ids: Selection,
    /// What it may do.
    pub scope: Vec<ScopeName>,
}

/// Where tasks and events are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Storage {
    /// In this process; gone when it ends.
    #[serde(rename_all = "camelCase")]
    Memory {
        /// The bytes it may hold.
        max_bytes: u64,
    },
    /// In a file of this machine.
    Sqlite {
        /// The database file; absolute when the working directory is.
        path: PathBuf,
        /// What an acknowledged write survives.
        durability: Durability,
    },
    /// In a Redis that any number of instances share; it carries the news between them too.
    Redis(RedisSettings),
}

impl Storage {
    /// The provider, as configuration names it.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Sqlite { .. } => "sqlite",
            Self::Redis(_) => "redis",
        }
    }
}

/// How Redis is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisSettings {
    /// Where it is: a server, or nodes of a cluster.
    pub url: ServerUrl,
    /// What every key and channel begins with.
    pub prefix: String,
    /// How many replicas have to have a write before it is acknowledged.
    pub wait_replicas: u32,
}

/// The store that keeps every task for good, and how it works with the short-term store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LongTerm {
    /// The store.
    pub store: LongTermStorage,
    /// Bytes of events that may wait for it; by the size of the short-term store if absent.
    pub max_backlog_bytes: Option<u64>,
    /// When another instance goes on with archiving after the one that did is gone.
    pub lease_ttl: Duration,
    /// What leaves the short-term store by itself; nothing if absent.
    pub retention: Option<HotRetention>,
}

/// Where every task is kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LongTermStorage {
    /// In a PostgreSQL database.
    Postgres(PostgresSettings),
    /// In a file of this machine.
    Sqlite {
        /// The file; absolute when the working directory is.
        path: PathBuf,
    },
}

/// How PostgreSQL is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostgresSettings {
    /// Where it is.
    pub url: ServerUrl,
    /// The most connections of this instance.
    pub max_connections: usize,
    /// Whether the schema is brought up to date at the start.
    pub auto_migrate: bool,
}

/// What leaves the short-term store by itself, once it is archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HotRetention {
    /// How long after its last event a terminal task stays.
    pub terminal: Duration,
    /// How long after its last event any other task stays.
    pub idle: Duration,
    /// How many of its newest events a long log keeps.
    pub window_events: u64,
}

/// Which pages of other origins may call; never with credentials when it is any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cors {
    /// Any origin, without credentials.
    Any,
    /// Origins on loopback hosts, any port.
    Loopback,
    /// Exactly these, as `https://app.example.com`, lower case, without a slash at the end.
    Origins(Vec<String>),
}
