//! What the rules of tiers begin with: the stores of a subject, and the way from one to the other.

use super::given::{Given, NOON, task_id};
use crate::tier::{
    ArchiveEntry, Archived, HotStore, LongTermStore, MemoryArchive, OnceImage, Place, Watermark,
};
use crate::{
    BeforeArchive, ManualClock, MemoryOptions, MemoryStore, Partition, ReadAsk, ShortTermStore,
    TaskState, Which,
};
use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, Limits, TaskId};

/// A short-term store before an archive, to put to the test.
#[async_trait]
pub trait HotSubject: Send + Sync {
    /// Opens an empty store that keeps notes for an archive.
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore>;
}

/// A long-term store to put to the test.
#[async_trait]
pub trait LongTermSubject: Send + Sync {
    /// Opens an empty store, which shares nothing with any other.
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn LongTermStore>;
}

/// A short-term store and an archive to put to the test.
#[async_trait]
pub trait TierSubject: Send + Sync {
    /// Opens two empty stores.
    async fn open(
        &self,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> (Arc<dyn HotStore>, Arc<dyn LongTermStore>);
}

/// A hot store, and the words of the common rules for it.
pub(super) struct GivenHot {
    pub(super) hot: Arc<dyn HotStore>,
    pub(super) given: Given,
    /// A place for logs that go away and come back.
    pub(super) archive: MemoryArchive,
}

impl GivenHot {
    pub(super) async fn open(subject: &dyn HotSubject) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let hot = subject.open(clock.clone(), Limits::default()).await;
        Self::of(hot, clock)
    }

    pub(super) fn memory() -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let hot = memory(clock.clone(), Limits::default());
        Self::of(hot, clock)
    }

    fn of(hot: Arc<dyn HotStore>, clock: Arc<ManualClock>) -> Self {
        let store: Arc<dyn ShortTermStore> = hot.clone();
        Self {
            hot,
            given: Given::of(store, clock, Limits::default()),
            archive: MemoryArchive::new(Limits::default()),
        }
    }

    pub(super) async fn place(&self, id: &str) -> Place {
        self.hot.places(&[task_id(id)]).await.unwrap().remove(0)
    }

    pub(super) fn partition(&self, id: &str) -> Partition {
        Partition::of(&task_id(id), self.hot.info().partitions)
    }

    /// What a log has gained since a watermark, in `most` slots.
    pub(super) async fn gained(
        &self,
        state: &TaskState,
        mark: Option<Watermark>,
        most: u64,
    ) -> ArchiveEntry {
        gained(&*self.hot, state, mark, most).await
    }

    /// Archives a log to its tail.
    pub(super) async fn archive(&self, archive: &dyn LongTermStore, id: &str) -> TaskState {
        let state = self.given.state(id).await;
        loop {
            let log = [(task_id(id), state.epoch)];
            let mark = archive.watermarks(&log).await.unwrap()[0];
            if mark.is_some_and(|mark| mark.tail == state.tail && mark.commit == state.commit) {
                return state;
            }
            let entry = self.gained(&state, mark, 1_000).await;
            let archived = archive.archive(vec![entry]).await.unwrap();
            assert!(matches!(archived[..], [Archived::Done(_)]), "{archived:?}");
        }
    }

    /// Archives a log and lets go of it.
    pub(super) async fn release(&self, id: &str) -> TaskState {
        let state = self.archive(&self.archive, id).await;
        let id = task_id(id);
        let released = self.hot.release(&id, state.epoch, state.commit).await;
        assert!(released.unwrap());
        state
    }
}

/// A memory store before an archive.
pub(super) fn memory(clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore> {
    let options = MemoryOptions {
        max_bytes: u64::MAX >> 1,
        limits,
        incarnation: 1,
        archived: Some(BeforeArchive {
            after: CommitNumber(0),
        }),
    };
    Arc::new(MemoryStore::new(options, clock))
}

/// What a log has gained since a watermark, in `most` slots.
pub(super) async fn gained(
    hot: &dyn HotStore,
    state: &TaskState,
    mark: Option<Watermark>,
    most: u64,
) -> ArchiveEntry {
    let (id, epoch): (TaskId, Epoch) = (state.record.id.clone(), state.epoch);
    let from = mark.map_or(Index::START, |mark| mark.tail);
    let after = mark.map_or(CommitNumber(0), |mark| mark.commit);
    let to = state.tail.min(from.plus(most));
    let ask = ReadAsk {
        from,
        to,
        which: Which::All,
        max_slots: 100_000,
        max_bytes: 1 << 30,
    };
    let mut once = hot.once_since(&id, epoch, after).await.unwrap();
    let OnceImage { producers, keys } = &mut once;
    producers.retain(|(_, kept)| kept.original.first.plus(kept.original.count) <= to);
    keys.retain(|(_, kept)| kept.original.first.plus(kept.original.count) <= to);
    ArchiveEntry {
        partition: Partition::of(&id, hot.info().partitions),
        slots: hot.read(&id, epoch, ask).await.unwrap().slots,
        state: state.clone(),
        from,
        once,
    }
}
