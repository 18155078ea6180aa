//! One store out of two tiers.
//!
//! ```text
//!   engine ──▶ TieredStore ──▶ hot          every call; the only one while a task is there
//!                    │    └──▶ archive      what the hot store does not have
//!                    └ worker: Archiver     follows the change feed, settles notes, releases
//! ```

use super::archiver::{self, Archiver};
use super::backlog::BacklogGauge;
use super::{Backlog, HotStore, LongTermStore, Random, TierOptions};
use parking_lot::Mutex;
use std::sync::Arc;
use taskcast_core::{Millis, TaskId};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A short-term store and an archive behind it, as one short-term store.
///
/// What a commit survives is what the short-term store says; the archive follows. See
/// `docs/internals/storage.md`.
pub struct TieredStore {
    pub(super) tiers: Arc<Tiers>,
    stop: watch::Sender<bool>,
    /// The worker. Held for memory operations only.
    worker: Mutex<JoinSet<()>>,
}

/// What the store and its archiver share.
pub(super) struct Tiers {
    pub(super) hot: Arc<dyn HotStore>,
    pub(super) archive: Arc<dyn LongTermStore>,
    pub(super) options: TierOptions,
    pub(super) random: Random,
    pub(super) backlog: BacklogGauge,
}

impl Tiers {
    /// Now, by the clock of the short-term store.
    pub(super) fn now(&self) -> Millis {
        self.hot.clock().now()
    }

    pub(super) fn partitions(&self) -> u16 {
        self.hot.info().partitions
    }

    pub(super) fn partition_of(&self, id: &TaskId) -> crate::Partition {
        crate::Partition::of(id, self.partitions())
    }
}

impl TieredStore {
    /// Composes two stores and begins to archive: one of all instances that share them does.
    /// Has to be called within a runtime; [`close`](crate::ShortTermStore::close) ends the work.
    #[must_use]
    pub fn start(
        hot: Arc<dyn HotStore>,
        archive: Arc<dyn LongTermStore>,
        options: TierOptions,
        random: Random,
    ) -> Arc<Self> {
        let (store, archiver) = Self::driven(hot, archive, options, random);
        let stopped = store.stop.subscribe();
        store.worker.lock().spawn(archiver::run(archiver, stopped));
        store
    }

    /// Composes two stores without a worker: whoever calls decides when the archiver makes a step.
    /// For tests and simulations.
    #[must_use]
    pub fn driven(
        hot: Arc<dyn HotStore>,
        archive: Arc<dyn LongTermStore>,
        options: TierOptions,
        random: Random,
    ) -> (Arc<Self>, Archiver) {
        let tiers = Arc::new(Tiers {
            hot,
            archive,
            options,
            random,
            backlog: BacklogGauge::default(),
        });
        let store = Self {
            tiers: tiers.clone(),
            stop: watch::Sender::new(false),
            worker: Mutex::new(JoinSet::new()),
        };
        (Arc::new(store), Archiver::new(tiers))
    }

    /// How far the archive is behind, as it was a second ago at most. Costs nothing.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.tiers.backlog.get()
    }

    /// Stops the worker; it gives its lease back.
    pub(super) async fn stop(&self) {
        self.stop.send_replace(true);
        let mut worker = std::mem::take(&mut *self.worker.lock());
        while worker.join_next().await.is_some() {}
    }
}
