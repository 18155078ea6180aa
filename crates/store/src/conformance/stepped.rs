//! Two tiers under the common rules: with an archiver that never runs, and with one that archives
//! and releases between any two calls.

use super::{Subject, TierSubject};
use crate::tier::{Archiver, ReleaseOptions, TierOptions, TieredStore};
use crate::{
    AppendedPage, ChangedTask, Clock, Commit, CommitError, Committed, Create, CreateError, DuePage,
    Heads, ListAsk, LogReader, Maintenance, ManualClock, Page, Partition, Positions,
    ProducerPosition, ReadAsk, ReadError, Seek, ShortTermStore, StoreError, StoreInfo, Tail,
    TaskIndex, TaskLog, TaskPage, TaskState,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Index, Limits, Millis, ProducerId, SeriesId, TaskId,
};
use tokio::sync::RwLock;

/// Two tiers whose archiver never runs.
pub struct Idle<T>(pub T);

/// Two tiers whose archiver does all there is to do before every call.
pub struct Eager<T> {
    subject: T,
    release: ReleaseOptions,
}

impl<T> Eager<T> {
    /// Everything that can be released is, before every call.
    pub fn released(subject: T) -> Self {
        let release = everything();
        Self { subject, release }
    }

    /// Of every log a few events stay, with its record.
    pub fn windowed(subject: T) -> Self {
        let release = ReleaseOptions {
            window_events: Some(2),
            ..ReleaseOptions::default()
        };
        Self { subject, release }
    }
}

/// All is released as soon as it is archived.
pub(super) fn everything() -> ReleaseOptions {
    ReleaseOptions {
        terminal_after: Duration::ZERO,
        idle_after: Some(Duration::ZERO),
        window_events: Some(0),
    }
}

/// Settings under which nothing waits: steps and calls do not overlap.
pub(super) fn at_once(limits: Limits, release: Option<ReleaseOptions>) -> TierOptions {
    TierOptions {
        grace: Duration::ZERO,
        release,
        ..TierOptions::new(limits)
    }
}

/// Numbers that differ, for epochs that no test uses.
pub(super) fn numbers() -> crate::tier::Random {
    let next = AtomicU64::new(0x4000_0000);
    Arc::new(move || next.fetch_add(1, Ordering::Relaxed))
}

#[async_trait]
impl<T: TierSubject> Subject for Idle<T> {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        let (hot, archive) = self.0.open(clock, limits.clone()).await;
        let options = at_once(limits, None);
        TieredStore::driven(hot, archive, options, numbers()).0
    }

    async fn reopen(
        &self,
        _: Arc<dyn ShortTermStore>,
        _: Arc<ManualClock>,
        _: Limits,
    ) -> Option<Arc<dyn ShortTermStore>> {
        None
    }
}

#[async_trait]
impl<T: TierSubject> Subject for Eager<T> {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        let (hot, archive) = self.subject.open(clock, limits.clone()).await;
        let options = at_once(limits, Some(self.release));
        let (store, archiver) = TieredStore::driven(hot, archive, options, numbers());
        let archiver = RwLock::new(archiver);
        Arc::new(Stepped { store, archiver })
    }

    async fn reopen(
        &self,
        _: Arc<dyn ShortTermStore>,
        _: Arc<ManualClock>,
        _: Limits,
    ) -> Option<Arc<dyn ShortTermStore>> {
        None
    }
}

struct Stepped {
    store: Arc<TieredStore>,
    /// Written by steps, read by calls: a step never comes in the middle of a call.
    archiver: RwLock<Archiver>,
}

impl Stepped {
    /// The store, after the archiver did what there was to do; no step until the guard is gone.
    async fn stepped(&self) -> (&TieredStore, tokio::sync::RwLockReadGuard<'_, Archiver>) {
        let mut archiver = self.archiver.write().await;
        settle(&mut archiver).await;
        drop(archiver);
        (&self.store, self.archiver.read().await)
    }
}

/// Lets an archiver do all there is to do.
pub(super) async fn settle(archiver: &mut Archiver) {
    // The first notices changes, the last that there are none; a closed store ends it.
    for _ in 0..200 {
        match archiver.step().await {
            Ok(step) if step.more => {}
            _ => return,
        }
    }
}

/// A port whose methods are those of the store within, after a step.
macro_rules! stepped {
    ($port:ident: $(fn $name:ident($($arg:ident: $type:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl $port for Stepped {
            $(async fn $name(&self, $($arg: $type),*) -> $output {
                let (store, _guard) = self.stepped().await;
                store.$name($($arg),*).await
            })*
        }
    };
}

stepped! { TaskLog:
    fn create(create: Create) -> Result<TaskState, CreateError>;
    fn commit(commit: Commit) -> Result<Committed, CommitError>;
    fn delete(id: &TaskId, epoch: Epoch) -> Result<bool, StoreError>;
    fn load(id: &TaskId) -> Result<Option<TaskState>, StoreError>;
    fn tails(ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError>;
    fn producer(id: &TaskId, producer: &ProducerId) -> Result<Option<ProducerPosition>, ReadError>;
}

stepped! { LogReader:
    fn read(id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError>;
    fn heads(id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError>;
    fn text(id: &TaskId, epoch: Epoch, series: &SeriesId, run: Index, range: Range<u64>)
        -> Result<Bytes, ReadError>;
    fn count(id: &TaskId, epoch: Epoch, filter: &EventFilter, upto: Index)
        -> Result<u64, ReadError>;
    fn seek(id: &TaskId, epoch: Epoch, seek: Seek) -> Result<Option<Index>, ReadError>;
}

stepped! { TaskIndex:
    fn list(ask: ListAsk) -> Result<TaskPage, StoreError>;
    fn due(now: Millis, limit: usize) -> Result<DuePage, StoreError>;
    fn changed(partition: Partition, after: CommitNumber, limit: usize)
        -> Result<Vec<ChangedTask>, StoreError>;
    fn newest() -> Result<Vec<CommitNumber>, StoreError>;
    fn appended(partition: Partition, after: CommitNumber, limit: usize)
        -> Result<AppendedPage, StoreError>;
}

stepped! { Maintenance:
    fn trim(id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError>;
    fn clean(id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError>;
}

stepped! { Positions:
    fn lease(name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError>;
    fn unlease(name: &str, holder: u64) -> Result<(), StoreError>;
    fn position(reader: &str, partition: Partition) -> Result<Option<CommitNumber>, StoreError>;
    fn advance(reader: &str, partition: Partition, to: CommitNumber) -> Result<(), StoreError>;
}

#[async_trait]
impl ShortTermStore for Stepped {
    async fn check(&self) -> Result<(), StoreError> {
        self.stepped().await.0.check().await
    }

    async fn close(&self) {
        self.stepped().await.0.close().await;
    }

    fn info(&self) -> StoreInfo {
        self.store.info()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.store.clock()
    }
}
