//! Keys under `longTerm` and `storageLifecycle`: how short-term and long-term store work together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may wait for the long-term store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BacklogConfig {
    /// Bytes of events that may wait in the short-term store for the long-term store; then
    /// publishing is 503 until it catches up. Without it: half of what the short-term store may
    /// hold (`maxmemory` of Redis, `adapters.shortTerm.maxBytes`), or 4 GiB.
    #[schemars(range(min = 1_048_576_u64, max = 1_099_511_627_776_u64))]
    pub max_backlog_bytes: Option<u64>,
}

/// What leaves the short-term store once the long-term store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct StorageLifecycleConfig {
    /// Whether archived data leaves the short-term store by itself: finished and idle tasks, and
    /// what a long log has beyond its newest events. Reads and writes go on as if it had not.
    /// Without it: only with storage `memory`, which is soon full otherwise.
    #[schemars(extend("x-variables" = ["TASKCAST_HOT_RETENTION_ENABLED"]))]
    pub hot_retention_enabled: Option<bool>,
    /// Seconds after its last event until a terminal task leaves.
    #[schemars(
        range(min = 1, max = 315_360_000),
        extend("x-variables" = ["TASKCAST_HOT_RETENTION_TERMINAL_SECONDS"])
    )]
    pub hot_retention_terminal_seconds: u64,
    /// Seconds after its last event until any other task leaves; its next write brings it back.
    #[schemars(
        range(min = 1, max = 315_360_000),
        extend("x-variables" = ["TASKCAST_HOT_RETENTION_IDLE_SECONDS"])
    )]
    pub hot_retention_idle_seconds: u64,
    /// How many of its newest events a long log keeps in the short-term store, about.
    #[schemars(
        range(min = 1, max = 1_000_000_000),
        extend("x-variables" = ["TASKCAST_REHYDRATE_REPLAY_EVENTS"])
    )]
    pub rehydrate_replay_events: u64,
    /// Seconds after which another instance goes on with archiving when the one that did is gone.
    #[schemars(
        range(min = 1, max = 3_600),
        extend("x-variables" = ["TASKCAST_STORAGE_LOCK_TTL_SECONDS"])
    )]
    pub storage_lock_ttl_seconds: u64,
}

impl Default for StorageLifecycleConfig {
    fn default() -> Self {
        Self {
            hot_retention_enabled: None,
            hot_retention_terminal_seconds: 86_400,
            hot_retention_idle_seconds: 3_600,
            rehydrate_replay_events: 1_000,
            storage_lock_ttl_seconds: 10,
        }
    }
}
