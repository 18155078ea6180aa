//! The limits of what a task can hold and a request can ask.

use std::time::Duration;

/// Named bounds; each has its own error. Sizes are bytes. See `docs/guide/configuration.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events in one batch.
    pub events_per_batch: usize,
    /// The `data` of one event.
    pub event_data_bytes: usize,
    /// Nesting of JSON values.
    pub json_depth: usize,
    /// Patterns in one filter.
    pub filter_patterns: usize,
    /// Tags of one task.
    pub tags_per_task: usize,
    /// Series of one task.
    pub series_per_task: usize,
    /// Exactly-once producers of one task; the one unused longest gives way to a new one.
    pub producers_per_task: usize,
    /// Idempotency keys remembered per task; the oldest gives way.
    pub idempotency_keys_per_task: usize,
    /// How long an idempotency key is remembered.
    pub idempotency_key_age: Duration,
    /// Tasks in one page of a list, and events in one page read from a store.
    pub page: usize,
    /// Subscribers of one task on one instance.
    pub subscribers_per_task: usize,
    /// Subscribers of one instance.
    pub subscribers: usize,
    /// Bytes of recent events kept in memory for one followed task.
    pub window_bytes_per_task: usize,
    /// Bytes of recent events kept in memory for all followed tasks.
    pub window_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events_per_batch: 1_000,
            event_data_bytes: 1 << 20,
            json_depth: 64,
            filter_patterns: 64,
            tags_per_task: 64,
            series_per_task: 10_000,
            producers_per_task: 1_000,
            idempotency_keys_per_task: 10_000,
            idempotency_key_age: Duration::from_secs(24 * 60 * 60),
            page: 1_000,
            subscribers_per_task: 10_000,
            subscribers: 100_000,
            window_bytes_per_task: 1 << 20,
            window_bytes: 256 << 20,
        }
    }
}
