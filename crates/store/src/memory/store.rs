//! The ports of the memory store; each method is one stretch of work under the lock.

use super::{MemoryStore, log::Found};
use crate::{
    AppendedPage, ChangedTask, Clock, Commit, CommitError, Committed, Create, CreateError, DuePage,
    Heads, ListAsk, LogReader, Maintenance, Page, Partition, ProducerPosition, ReadAsk, ReadError,
    Seek, ShortTermStore, StoreError, StoreInfo, Tail, TaskIndex, TaskLog, TaskPage, TaskState,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Head, Index, Millis, ProducerId, SeriesId, Slot, TaskId,
};

#[async_trait]
impl TaskLog for MemoryStore {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        self.with(|partition| partition.create(create, self.clock.now(), &self.limits))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.with(|partition| partition.commit(commit, self.clock.now(), &self.limits))
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        // The task is taken out under the lock and freed after it: it may be large.
        let removed = self.with(|partition| Ok::<_, StoreError>(partition.delete(id, epoch)))?;
        Ok(removed.is_some())
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        self.with(|partition| Ok(partition.task(id).map(|task| task.state.clone())))
    }

    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        self.with(|partition| {
            let tail = |id| partition.task(id).map(super::task::Task::tail);
            Ok(ids.iter().map(tail).collect())
        })
    }

    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        self.with(|partition| {
            let task = partition.task(id).ok_or(ReadError::Gone)?;
            Ok(task.producers.get(producer).map(|kept| kept.position))
        })
    }
}

#[async_trait]
impl LogReader for MemoryStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let (state, base, Found { slots, next }) = self.with(|partition| {
            let task = partition.log(id, epoch)?;
            let state = (task.state.tail, task.state.trim);
            Ok::<_, ReadError>((state, task.log.base(), task.log.read(&ask)))
        })?;
        Ok(Page {
            slots: slots.iter().map(|slot| Slot::clone(slot)).collect(),
            next,
            tail: state.0,
            trim: state.1,
            base,
        })
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        let (tail, mut newest) = self.with(|partition| {
            let task = partition.log(id, epoch)?;
            Ok::<_, ReadError>((task.state.tail, task.series.newest()))
        })?;
        newest.sort_unstable_by_key(|(_, slot)| slot.index());
        let head = |(series, slot): (SeriesId, Arc<Slot>)| {
            let newest = slot.event()?.clone();
            Some(Head { series, newest })
        };
        let heads = newest.into_iter().filter_map(head).collect();
        Ok(Heads { tail, heads })
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let pieces = self.with(|partition| {
            let task = partition.log(id, epoch)?;
            Ok::<_, ReadError>(task.series.text(series, run, range))
        })?;
        Ok(super::text::join(pieces))
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.with(|partition| Ok(partition.log(id, epoch)?.log.count(filter, upto)))
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.with(|partition| Ok(partition.log(id, epoch)?.log.seek(&seek)))
    }
}

#[async_trait]
impl TaskIndex for MemoryStore {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        self.with(|partition| Ok(partition.list(&ask)))
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.with(|partition| Ok(partition.due(now, limit)))
    }

    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        self.with(|only| match partition {
            Partition(0) => Ok(only.changed(after, limit)),
            _ => Ok(Vec::new()),
        })
    }

    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        self.with(|partition| Ok(vec![partition.newest]))
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.with(|only| match partition {
            Partition(0) => Ok(only.appended(after, limit)),
            _ => Ok(AppendedPage::default()),
        })
    }
}

#[async_trait]
impl Maintenance for MemoryStore {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.with(|partition| partition.trim(id, epoch, to))
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        self.with(|partition| partition.clean(id, epoch, indexes))
    }
}

#[async_trait]
impl ShortTermStore for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            provider: "memory",
            incarnation: self.incarnation,
            partitions: 1,
            acknowledgement: "in this process; lost when it ends".into(),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.with(|_| Ok(()))
    }

    async fn close(&self) {
        let emptied = self.partition.lock().take();
        drop(emptied);
    }
}
