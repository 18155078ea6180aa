//! Keys under `limits`, `sse` and `shutdown`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bounds on everything a request can ask for; each refuses with its own error code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes in the body of a publish or create request.
    #[schemars(range(min = 1_024, max = 1_073_741_824))]
    pub publish_body_bytes: usize,
    /// Events in one batch.
    #[schemars(range(min = 1, max = 100_000))]
    pub events_per_batch: usize,
    /// Bytes in the `data` of one event.
    #[schemars(range(min = 1_024, max = 268_435_456))]
    pub event_data_bytes: usize,
    /// Bytes in one line of a streaming publish.
    #[schemars(range(min = 1_024, max = 268_435_456))]
    pub ndjson_line_bytes: usize,
    /// Bytes in the body of an archive import.
    #[schemars(range(min = 1_024, max = 68_719_476_736_u64))]
    pub import_body_bytes: u64,
    /// Nesting of JSON values.
    #[schemars(range(min = 4, max = 100))]
    pub json_depth: usize,
    /// Patterns in one type filter.
    #[schemars(range(min = 1, max = 1_024))]
    pub filter_patterns: usize,
    /// Tags of one task.
    #[schemars(range(min = 0, max = 1_024))]
    pub tags_per_task: usize,
    /// Subscribers of one task on this instance.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub subscribers_per_task: usize,
    /// Subscribers of this instance. Without it: as many as the limit of open files allows.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub subscribers: Option<usize>,
    /// Milliseconds within which the headers of a request must be complete.
    #[schemars(range(min = 100, max = 120_000))]
    pub header_timeout_ms: u64,
    /// Milliseconds a request body may pause.
    #[schemars(range(min = 100, max = 600_000))]
    pub body_idle_ms: u64,
    /// Milliseconds after which a connection that takes nothing is closed.
    #[schemars(range(min = 100, max = 600_000))]
    pub socket_stall_ms: u64,
    /// Bytes of recent events kept in memory for one followed task.
    #[schemars(range(min = 4_096, max = 1_073_741_824))]
    pub window_bytes_per_task: usize,
    /// Bytes of recent events kept in memory for all followed tasks together.
    #[schemars(range(min = 65_536, max = 68_719_476_736_u64))]
    pub window_bytes: usize,
    /// Exactly-once producers of one task; the one unused longest gives way.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub producers_per_task: usize,
    /// Idempotency keys remembered per task; the oldest gives way.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub idempotency_keys_per_task: usize,
    /// Hours an idempotency key is remembered.
    #[schemars(range(min = 1, max = 8_760))]
    pub idempotency_key_hours: u64,
    /// Series of one task.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub series_per_task: usize,
    /// Tasks in one page of a list.
    #[schemars(range(min = 1, max = 10_000))]
    pub page_size: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            publish_body_bytes: 8 << 20,
            events_per_batch: 1_000,
            event_data_bytes: 1 << 20,
            ndjson_line_bytes: 1 << 20,
            import_body_bytes: 256 << 20,
            json_depth: 64,
            filter_patterns: 64,
            tags_per_task: 64,
            subscribers_per_task: 10_000,
            subscribers: None,
            header_timeout_ms: 10_000,
            body_idle_ms: 30_000,
            socket_stall_ms: 60_000,
            window_bytes_per_task: 1 << 20,
            window_bytes: 256 << 20,
            producers_per_task: 1_000,
            idempotency_keys_per_task: 10_000,
            idempotency_key_hours: 24,
            series_per_task: 10_000,
            page_size: 1_000,
        }
    }
}

impl LimitsConfig {
    /// `limits.headerTimeoutMs`.
    #[must_use]
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// `limits.bodyIdleMs`.
    #[must_use]
    pub fn body_idle(&self) -> Duration {
        Duration::from_millis(self.body_idle_ms)
    }

    /// `limits.socketStallMs`.
    #[must_use]
    pub fn socket_stall(&self) -> Duration {
        Duration::from_millis(self.socket_stall_ms)
    }

    /// `limits.idempotencyKeyHours`.
    #[must_use]
    pub fn idempotency_key_age(&self) -> Duration {
        Duration::from_secs(self.idempotency_key_hours.saturating_mul(3_600))
    }
}

/// Event streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SseConfig {
    /// Milliseconds of silence after which a heartbeat is sent.
    #[schemars(range(min = 100, max = 300_000))]
    pub heartbeat_ms: u64,
    /// Milliseconds after which clients are told to reconnect (jitter is added).
    #[schemars(range(min = 10, max = 600_000))]
    pub retry_ms: u64,
}

impl Default for SseConfig {
    fn default() -> Self {
        Self {
            heartbeat_ms: 15_000,
            retry_ms: 2_000,
        }
    }
}

impl SseConfig {
    /// `sse.heartbeatMs`.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    /// `sse.retryMs`.
    #[must_use]
    pub fn retry(&self) -> Duration {
        Duration::from_millis(self.retry_ms)
    }
}

/// What happens on SIGTERM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// Milliseconds that requests in flight are given to finish.
    #[schemars(range(min = 0, max = 600_000))]
    pub grace_ms: u64,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { grace_ms: 4_000 }
    }
}

impl ShutdownConfig {
    /// `shutdown.graceMs`.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}
