//! A store of several partitions, each of which is a memory store.

use super::memory;
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_store::*;

pub struct Split {
    parts: Vec<Arc<dyn ShortTermStore>>,
}

impl Split {
    pub fn new(clock: &Arc<ManualClock>, partitions: u16) -> Self {
        let parts = (0..partitions).map(|_| memory(clock, Limits::default()));
        Self {
            parts: parts.collect(),
        }
    }

    fn of(&self, id: &TaskId) -> &dyn ShortTermStore {
        let partition = Partition::of(id, self.info().partitions);
        &*self.parts[usize::from(partition.0)]
    }
}

#[async_trait]
impl TaskLog for Split {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        let id = create.record.id.clone();
        self.of(&id).create(create).await
    }
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let id = commit.task.clone();
        self.of(&id).commit(commit).await
    }
    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.of(id).delete(id, epoch).await
    }
    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        self.of(id).load(id).await
    }
    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        let mut tails = Vec::new();
        for id in ids {
            tails.extend(self.of(id).tails(std::slice::from_ref(id)).await?);
        }
        Ok(tails)
    }
    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        self.of(id).producer(id, producer).await
    }
}

#[async_trait]
impl LogReader for Split {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        self.of(id).read(id, epoch, ask).await
    }
    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.of(id).heads(id, epoch).await
    }
    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        self.of(id).text(id, epoch, series, run, range).await
    }
    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.of(id).count(id, epoch, filter, upto).await
    }
    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.of(id).seek(id, epoch, seek).await
    }
}

#[async_trait]
impl TaskIndex for Split {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        self.parts[0].list(ask).await
    }
    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.parts[0].due(now, limit).await
    }
    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        let part = &self.parts[usize::from(partition.0)];
        part.changed(Partition(0), after, limit).await
    }
    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        let mut newest = Vec::new();
        for part in &self.parts {
            newest.extend(part.newest().await?);
        }
        Ok(newest)
    }
    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        let part = &self.parts[usize::from(partition.0)];
        part.appended(Partition(0), after, limit).await
    }
}

#[async_trait]
impl Maintenance for Split {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.of(id).trim(id, epoch, to).await
    }
    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        self.of(id).clean(id, epoch, indexes).await
    }
}

#[async_trait]
impl Positions for Split {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        self.parts[0].lease(name, holder, ttl).await
    }
    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        self.parts[0].unlease(name, holder).await
    }
    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        self.parts[0].position(reader, partition).await
    }
    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.parts[0].advance(reader, partition, to).await
    }
}

#[async_trait]
impl ShortTermStore for Split {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            partitions: u16::try_from(self.parts.len()).unwrap(),
            ..self.parts[0].info()
        }
    }
    fn clock(&self) -> Arc<dyn Clock> {
        self.parts[0].clock()
    }
    async fn check(&self) -> Result<(), StoreError> {
        self.parts[0].check().await
    }
    async fn close(&self) {
        for part in &self.parts {
            part.close().await;
        }
    }
}
