//! Every key a configuration may hold: the one source of types, defaults, ranges and documentation.
//!
//! The JSON schema is derived from these types, and the reading of files and variables follows
//! that schema, so a key exists in all of them or in none. Extensions in the schema:
//! `x-variables` (names beside the generated variable) and `x-aliases` (other spellings of the key).

mod adapters;
mod auth;
mod lifecycle;
mod limits;
mod secret;
mod selection;

pub use adapters::{
    AdaptersConfig, BroadcastConfig, BroadcastProvider, Durability, LongTermConfig,
    LongTermProvider, RedisConfig, ShortTermConfig, ShortTermProvider,
};
pub use auth::{Algorithm, AuthConfig, AuthMode, JwtConfig, ScopeName, TrustedServiceConfig};
pub use lifecycle::{BacklogConfig, StorageLifecycleConfig};
pub use limits::{LimitsConfig, ShutdownConfig, SseConfig};
pub use secret::Secret;
pub use selection::Selection;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The configuration of a Taskcast server, as written in `taskcast.config.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The TCP port to listen on; 0 takes any free one.
    #[schemars(range(min = 0, max = 65535))]
    pub port: u16,
    /// The address or host name to listen on. Without it: loopback only with `auth.mode: none`,
    /// else all interfaces.
    pub host: Option<String>,
    /// The least severe log lines to write.
    pub log_level: LogLevel,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Whether `POST /admin/token` exists.
    pub admin_api: bool,
    /// The token that `POST /admin/token` asks for; without one a random token is printed at start.
    pub admin_token: Option<Secret>,
    /// A file that holds the admin token.
    pub admin_token_file: Option<PathBuf>,
    /// Who may use the server.
    pub auth: AuthConfig,
    /// Backends that identify themselves with a key in `X-Taskcast-Service-Key`, in every auth mode.
    pub trusted_services: Vec<TrustedServiceConfig>,
    /// Where tasks and events are kept.
    pub adapters: AdaptersConfig,
    /// What may wait for the long-term store.
    pub long_term: BacklogConfig,
    /// What leaves the short-term store once the long-term store has it.
    pub storage_lifecycle: StorageLifecycleConfig,
    /// Which web pages of other origins may call the server.
    pub cors: CorsConfig,
    /// Bounds on everything a request can ask for; each refuses with its own error code.
    pub limits: LimitsConfig,
    /// Event streams.
    pub sse: SseConfig,
    /// What happens on SIGTERM.
    pub shutdown: ShutdownConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 3721,
            host: None,
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
            admin_api: false,
            admin_token: None,
            admin_token_file: None,
            auth: AuthConfig::default(),
            trusted_services: Vec::new(),
            adapters: AdaptersConfig::default(),
            long_term: BacklogConfig::default(),
            storage_lifecycle: StorageLifecycleConfig::default(),
            cors: CorsConfig::default(),
            limits: LimitsConfig::default(),
            sse: SseConfig::default(),
            shutdown: ShutdownConfig::default(),
        }
    }
}

/// The severity of a log line.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Of use while looking for a fault.
    Debug,
    /// The ordinary case.
    #[default]
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The word used in configuration files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line each.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

/// Cross-origin access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CorsConfig {
    /// Origins whose pages may call the server, as `https://app.example.com`, or `*` for any
    /// (without credentials). Without it: any with `auth.mode: jwt`, else loopback origins.
    pub origins: Option<Selection>,
}
