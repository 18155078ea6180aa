//! The memory store: the reference model of a short-term store.
//!
//! ```text
//!   MemoryStore ── Mutex<Partition> ── tasks: id → Task { state, log, series, producers, keys }
//!                                   └─ indexes: list, deadlines, change feed, appends, terminal
//! ```
//!
//! One short mutex orders everything. Under it a commit costs what it appends and a read what its
//! page holds; slots and texts leave it as shared pointers and are copied outside.

mod across;
mod indexes;
mod log;
mod once;
mod partition;
mod positions;
mod remembered;
mod series;
mod store;
mod task;
mod text;
mod tier;
mod weight;

use crate::{Clock, StoreError};
use parking_lot::Mutex;
use partition::Partition;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Limits};

/// How a memory store is set up.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// The most bytes the tasks take, about. Whole terminal tasks give way, the oldest first.
    pub max_bytes: u64,
    /// What a task can hold.
    pub limits: Limits,
    /// The identity of the stored data: random, since nothing outlives the store.
    pub incarnation: u64,
    /// Set when an archive stands behind the store (see [`crate::tier`]).
    pub archived: Option<BeforeArchive>,
}

/// A memory store with an archive behind it: nothing gives way, deletions are noted.
#[derive(Clone, Copy, Debug)]
pub struct BeforeArchive {
    /// The number of the last commit that an earlier store can have made, since the archive
    /// remembers those: commits are numbered from the next one.
    pub after: CommitNumber,
}

/// A store in the memory of this process, which loses everything when the process ends.
///
/// When the budget of bytes is met, whole terminal tasks are dropped, those completed first before
/// the others. When no terminal task is left to drop, the commit is [`StoreError::Full`].
pub struct MemoryStore {
    /// Held for short stretches of pure computation, never across an await. None once closed.
    partition: Mutex<Option<Partition>>,
    limits: Limits,
    incarnation: u64,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store that dates events by `clock`.
    #[must_use]
    pub fn new(options: MemoryOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            partition: Mutex::new(Some(Partition::new(options.max_bytes, options.archived))),
            limits: options.limits,
            incarnation: options.incarnation,
            clock,
        }
    }

    /// Bytes that the tasks take, about; what [`MemoryOptions::max_bytes`] bounds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.partition.lock().as_ref().map_or(0, Partition::bytes)
    }

    /// Runs `work` on the open store, under its lock.
    fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Partition) -> Result<T, E>,
    ) -> Result<T, E> {
        match &mut *self.partition.lock() {
            Some(partition) => work(partition),
            None => Err(StoreError::unavailable("the memory store", "it is closed").into()),
        }
    }
}
