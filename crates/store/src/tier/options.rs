//! How two tiers are set up.

use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{Limits, Millis};

/// A source of random numbers, of which all 64 bits are random.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a [`TieredStore`](super::TieredStore) works.
#[derive(Clone, Debug)]
pub struct TierOptions {
    /// What a task can hold; the limits that the short-term store was opened with.
    pub limits: Limits,
    /// How long the lease `archive` lasts: an archive that nobody writes any more is taken over
    /// after this.
    pub lease_ttl: Duration,
    /// How often whoever holds the lease looks for commits.
    pub poll_interval: Duration,
    /// The most slots in one call to the archive.
    pub batch_slots: usize,
    /// Payload bytes, about, at which one call to the archive ends.
    pub batch_bytes: usize,
    /// How long whoever takes a log back from the archive may take for it. What such a straggler
    /// could harm waits longer: a log that was taken back is not released again within twice this
    /// time after its last event, and a deletion is remembered for six times this time after the
    /// archive has deleted too.
    pub grace: Duration,
    /// What is released without being asked; nothing if absent.
    pub release: Option<ReleaseOptions>,
    /// Bytes that may wait to be archived before commits with events are refused. If absent: half
    /// of what the short-term store may hold, or 4 GiB.
    pub max_backlog_bytes: Option<u64>,
    /// Other readers of the change feed: nothing is released that one of them has not passed.
    pub readers: Vec<String>,
}

/// What is released without being asked, once it is archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseOptions {
    /// How long after its last event a terminal task stays in the short-term store.
    pub terminal_after: Duration,
    /// The same for other tasks, which come back with their next commit. One with a deadline keeps
    /// its record where it is, and only its slots go. None: they stay.
    pub idle_after: Option<Duration>,
    /// How many of its newest events a long log keeps in the short-term store, about. None: all.
    pub window_events: Option<u64>,
}

impl TierOptions {
    /// The usual settings: nothing is released without being asked.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lease_ttl: Duration::from_secs(10),
            poll_interval: Duration::from_millis(200),
            batch_slots: 4_096,
            batch_bytes: 4 << 20,
            grace: Duration::from_secs(5),
            release: None,
            max_backlog_bytes: None,
            readers: Vec::new(),
        }
    }

    /// How long after its last event a log that was taken back stays.
    pub(super) fn hold(&self) -> Duration {
        self.grace * 2
    }

    /// How long a deletion is remembered after the archive has deleted too.
    pub(super) fn mourn(&self) -> Duration {
        self.grace * 6
    }
}

impl Default for ReleaseOptions {
    fn default() -> Self {
        Self {
            terminal_after: Duration::from_secs(24 * 60 * 60),
            idle_after: None,
            window_events: None,
        }
    }
}

/// A time so much later.
pub(super) fn later(at: Millis, by: Duration) -> Millis {
    at.plus_millis(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}
