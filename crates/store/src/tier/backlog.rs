//! How far the archive is behind.

use super::tiered::Tiers;
use crate::{Partition, StoreError};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use taskcast_core::CommitNumber;

/// The reader of the change feed that the archiver is.
pub(super) const READER: &str = "archive";
/// The position that counts archived bytes.
pub(super) const BYTES: &str = "archive:bytes";
/// What may wait where the short-term store has no bound of its own.
const DEFAULT_BYTES: u64 = 4 << 30;

/// How far the archive is behind the short-term store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes that wait to be archived, about.
    pub bytes: u64,
    /// Bytes at which commits with events are refused.
    pub max_bytes: u64,
    /// Whether they are refused now.
    pub full: bool,
    /// Whether this instance is the one that archives.
    pub working: bool,
    /// Each partition.
    pub partitions: Vec<PartitionBacklog>,
}

/// How far the archive is behind in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionBacklog {
    /// Every commit up to this one is archived; none before the first.
    pub archived: Option<CommitNumber>,
    /// The newest commit.
    pub newest: CommitNumber,
}

/// The backlog as it was last looked at.
#[derive(Default)]
pub(super) struct BacklogGauge {
    full: AtomicBool,
    /// Held for memory operations only.
    seen: Mutex<Backlog>,
}

impl BacklogGauge {
    pub(super) fn get(&self) -> Backlog {
        self.seen.lock().clone()
    }

    /// Refuses when too much waits.
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        if !self.full.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Backlog {
            bytes, max_bytes, ..
        } = self.get();
        let cause = format!(
            "{bytes} bytes wait for the long-term store, {max_bytes} may; it has to come back first"
        );
        Err(StoreError::full("the archive backlog", cause))
    }

    pub(super) fn set_working(&self, working: bool) {
        self.seen.lock().working = working;
    }

    fn set(&self, seen: Backlog) {
        let was = self.full.swap(seen.full, Ordering::Relaxed);
        let Backlog {
            bytes, max_bytes, ..
        } = seen;
        if seen.full && !was {
            tracing::warn!(
                bytes,
                max_bytes,
                "the archive backlog is full: commits with events are refused"
            );
        } else if was && !seen.full {
            tracing::info!(bytes, "the archive backlog has room again");
        }
        *self.seen.lock() = seen;
    }
}

impl Tiers {
    /// Looks at the backlog anew.
    pub(super) async fn look_at_backlog(&self) -> Result<(), StoreError> {
        let usage = self.hot.usage().await?;
        let newest = self.hot.newest().await?;
        let half = usage.capacity.map_or(DEFAULT_BYTES, |bytes| bytes / 2);
        let mut seen = Backlog {
            max_bytes: self.options.max_backlog_bytes.unwrap_or(half),
            working: self.backlog.get().working,
            ..Backlog::default()
        };
        let known = self.backlog.get().partitions;
        for ((number, newest), written) in (0_u16..).zip(newest).zip(usage.written) {
            let drained = PartitionBacklog {
                archived: Some(newest),
                newest,
            };
            if known.get(usize::from(number)) == Some(&drained) {
                seen.partitions.push(drained);
                continue;
            }
            let partition = Partition(number);
            let archived = self.hot.position(READER, partition).await?;
            if archived.is_none_or(|archived| archived < newest) {
                let bytes = self.hot.position(BYTES, partition).await?;
                let bytes = bytes.map_or(0, |bytes| bytes.0);
                seen.bytes += written.saturating_sub(bytes);
            }
            let archived = archived.map(|archived| archived.min(newest));
            seen.partitions.push(PartitionBacklog { archived, newest });
        }
        seen.full = seen.bytes > seen.max_bytes;
        self.backlog.set(seen);
        Ok(())
    }
}
