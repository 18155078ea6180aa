//! A store that fails, dawdles and forgets to answer, and writes down what really happened.

use crate::rng::{hash, hash_text};
use crate::truth::{Broken, Truth};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Index, Millis, ProducerId, SeriesId, TaskId,
};
use taskcast_store::{
    AppendedPage, ChangedTask, Clock, Commit, CommitError, Committed, Create, CreateError, DuePage,
    Heads, ListAsk, LogReader, Maintenance, Page, Partition, Positions, ProducerPosition, ReadAsk,
    ReadError, Seek, ShortTermStore, StoreError, StoreInfo, Tail, TaskIndex, TaskLog, TaskPage,
    TaskState,
};
use tokio::time::{Instant, sleep};

/// Faults around a store that commits within one poll, such as the memory store: what it did can
/// then be written down in the order in which it did it.
///
/// What happens to a call depends on the seed, the call and the virtual time, never on who came
/// first, so that a seed is a whole run.
pub(crate) struct FaultyStore {
    inner: Arc<dyn ShortTermStore>,
    seed: u64,
    began: Instant,
    on: AtomicBool,
    faults: AtomicU64,
    /// What really happened.
    pub(crate) truth: Mutex<Truth>,
    /// Promises that the store itself broke.
    pub(crate) broken: Mutex<Vec<Broken>>,
}

/// What happens to one call.
struct Fate(u64);

impl FaultyStore {
    /// Faults, from a seed, around a store.
    #[must_use]
    pub(crate) fn new(inner: Arc<dyn ShortTermStore>, seed: u64) -> Self {
        Self {
            inner,
            seed,
            began: Instant::now(),
            on: AtomicBool::new(true),
            faults: AtomicU64::new(0),
            truth: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    /// Ends the faults.
    pub(crate) fn heal(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// How many calls failed so far.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// The store without its faults.
    pub(crate) fn inner(&self) -> &Arc<dyn ShortTermStore> {
        &self.inner
    }

    /// Decides about a call, and lets it wait and fail before anything is done.
    async fn enter(&self, what: &str, id: &str, salt: u64) -> Result<Fate, StoreError> {
        if !self.on.load(Ordering::Relaxed) {
            return Ok(Fate(u64::MAX));
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let fate = hash(&[self.seed, hash_text(what), hash_text(id), salt, now]);
        if fate.is_multiple_of(16) {
            sleep(Duration::from_millis((fate >> 8) % 40)).await;
        }
        if (fate >> 16).is_multiple_of(60) {
            return Err(self.fail("before"));
        }
        Ok(Fate(fate))
    }

    /// Lets the answer of a commit that was made come late, very late, or as a failure.
    async fn leave(&self, fate: &Fate) -> Result<(), StoreError> {
        if fate.0 == u64::MAX {
            return Ok(());
        }
        match (fate.0 >> 24) % 40 {
            0 => Err(self.fail("after")),
            1..8 => {
                sleep(Duration::from_millis((fate.0 >> 32) % 60)).await;
                Ok(())
            }
            8 => {
                sleep(Duration::from_secs(4)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fail(&self, when: &str) -> StoreError {
        self.faults.fetch_add(1, Ordering::Relaxed);
        StoreError::unavailable("the simulated store", format!("it failed {when} the call"))
    }
}

#[async_trait]
impl TaskLog for FaultyStore {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        let id = create.record.id.clone();
        let fate = self.enter("create", id.as_str(), 0).await?;
        let state = self.inner.create(create).await?;
        self.truth.lock().created(&state);
        self.leave(&fate).await?;
        Ok(state)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let id = commit.task.clone();
        let first = commit.events.first().and_then(|event| event.data.clone());
        let salt = hash_text(first.as_ref().map_or("", |data| data.as_str()));
        let fate = self.enter("commit", id.as_str(), salt).await?;
        let status = commit.change.as_ref().map(|change| change.record.status);
        let committed = self.inner.commit(commit).await?;
        let written = self.truth.lock().committed(&id, &committed, status);
        self.broken.lock().extend(written.err());
        self.leave(&fate).await?;
        Ok(committed)
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let fate = self.enter("delete", id.as_str(), 0).await?;
        let deleted = self.inner.delete(id, epoch).await?;
        if deleted {
            self.truth.lock().deleted(id, epoch);
        }
        self.leave(&fate).await?;
        Ok(deleted)
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        self.enter("load", id.as_str(), 0).await?;
        self.inner.load(id).await
    }

    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        self.enter("tails", "", ids.len() as u64).await?;
        self.inner.tails(ids).await
    }

    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        self.enter("producer", id.as_str(), 0).await?;
        self.inner.producer(id, producer).await
    }
}

#[async_trait]
impl LogReader for FaultyStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        self.enter("read", id.as_str(), ask.from.0).await?;
        self.inner.read(id, epoch, ask).await
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.enter("heads", id.as_str(), 0).await?;
        self.inner.heads(id, epoch).await
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        self.enter("text", id.as_str(), range.end).await?;
        self.inner.text(id, epoch, series, run, range).await
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.enter("count", id.as_str(), upto.0).await?;
        self.inner.count(id, epoch, filter, upto).await
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.enter("seek", id.as_str(), 0).await?;
        self.inner.seek(id, epoch, seek).await
    }
}

#[async_trait]
impl TaskIndex for FaultyStore {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        self.enter("list", "", 0).await?;
        self.inner.list(ask).await
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.enter("due", "", 0).await?;
        self.inner.due(now, limit).await
    }

    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        self.enter("changed", "", after.0).await?;
        self.inner.changed(partition, after, limit).await
    }

    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        self.enter("newest", "", 0).await?;
        self.inner.newest().await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.enter("appended", "", after.0).await?;
        self.inner.appended(partition, after, limit).await
    }
}

#[async_trait]
impl Maintenance for FaultyStore {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.inner.trim(id, epoch, to).await?;
        if let Some(log) = self.truth.lock().logs.get_mut(&(id.clone(), epoch.0)) {
            log.trim = log.trim.max(to.0.min(log.events.len() as u64));
        }
        Ok(())
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        self.inner.clean(id, epoch, indexes).await?;
        if let Some(log) = self.truth.lock().logs.get_mut(&(id.clone(), epoch.0)) {
            log.cleaned.extend(indexes.iter().map(|index| index.0));
        }
        Ok(())
    }
}

#[async_trait]
impl Positions for FaultyStore {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        self.inner.lease(name, holder, ttl).await
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        self.inner.unlease(name, holder).await
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        self.inner.position(reader, partition).await
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.inner.advance(reader, partition, to).await
    }
}

#[async_trait]
impl ShortTermStore for FaultyStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.inner.check().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
