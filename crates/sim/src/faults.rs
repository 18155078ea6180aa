//! A store that fails, dawdles and forgets to answer, and writes down what really happened.

mod hot;

use crate::fate::{Fate, Faults, Outages};
use crate::rng::hash_text;
use crate::truth::{Broken, Truth};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Index, Millis, ProducerId, SeriesId, TaskId,
};
use taskcast_store::tier::HotStore;
use taskcast_store::{
    AppendedPage, ChangedTask, Clock, Commit, CommitError, Committed, Create, CreateError, DuePage,
    Heads, ListAsk, LogReader, Maintenance, Page, Partition, Positions, ProducerPosition, ReadAsk,
    ReadError, Seek, ShortTermStore, StoreError, StoreInfo, Tail, TaskIndex, TaskLog, TaskPage,
    TaskState,
};

/// Faults around a store that commits within one poll, such as the memory store: what it did can
/// then be written down in the order in which it did it.
pub(crate) struct FaultyStore {
    inner: Arc<dyn HotStore>,
    faults: Faults,
    /// What really happened.
    pub(crate) truth: Mutex<Truth>,
    /// Promises that the store itself broke.
    pub(crate) broken: Mutex<Vec<Broken>>,
}

impl FaultyStore {
    /// Faults, from a seed, around a store.
    #[must_use]
    pub(crate) fn new(inner: Arc<dyn HotStore>, seed: u64) -> Self {
        let outages = Outages {
            of: 1_000,
            once_in: 10,
        };
        Self {
            inner,
            faults: Faults::new("the simulated store", seed, outages),
            truth: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    /// Ends the faults.
    pub(crate) fn heal(&self) {
        self.faults.heal();
    }

    /// How many calls failed so far.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.count()
    }

    async fn enter(&self, what: &str, id: &str, salt: u64) -> Result<Fate, StoreError> {
        self.faults.enter(what, id, salt).await
    }

    async fn leave(&self, fate: &Fate) -> Result<(), StoreError> {
        self.faults.leave(fate).await
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
        self.enter("lease", name, holder).await?;
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
        self.enter("position", reader, 0).await?;
        self.inner.position(reader, partition).await
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.enter("advance", reader, to.0).await?;
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
