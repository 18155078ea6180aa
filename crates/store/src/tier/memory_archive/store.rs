//! The port of the memory archive; each method is one stretch of work under the lock.

use super::MemoryArchive;
use crate::tier::{
    ArchiveEntry, Archived, Kept, KeptPage, LogImage, LongTermInfo, LongTermStore, Watermark,
};
use crate::{AppendedPage, ListAsk, Maintenance, Partition, ReadError, StoreError};
use async_trait::async_trait;
use taskcast_core::{CommitNumber, Epoch, Index, TaskId};

#[async_trait]
impl Maintenance for MemoryArchive {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.with(|logs| {
            let log = logs.log_mut(id, epoch).ok_or(ReadError::Gone)?;
            log.state.trim = log.state.trim.max(to.min(log.state.tail));
            Ok(())
        })
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        self.with(|logs| {
            let log = logs.log_mut(id, epoch).ok_or(ReadError::Gone)?;
            indexes.iter().for_each(|index| log.clean(*index));
            Ok(())
        })
    }
}

#[async_trait]
impl LongTermStore for MemoryArchive {
    fn info(&self) -> LongTermInfo {
        LongTermInfo { provider: "memory" }
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.with(|_| Ok(()))
    }

    async fn close(&self) {
        let emptied = self.logs.lock().take();
        drop(emptied);
    }

    async fn find(&self, id: &TaskId) -> Result<Option<Kept>, StoreError> {
        self.with(|logs| Ok(logs.newest(id).map(super::KeptLog::kept)))
    }

    async fn image(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError> {
        self.with(|logs| {
            let log = logs.log(id, epoch)?;
            Ok(LogImage {
                state: log.state.clone(),
                series: log.series(),
                counts: log.counts(),
                once: log.once.image(),
            })
        })
    }

    async fn list(&self, ask: ListAsk) -> Result<KeptPage, StoreError> {
        self.with(|logs| Ok(logs.list(&ask)))
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.with(|logs| Ok(logs.appended(partition, after, upto, limit)))
    }

    async fn watermarks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError> {
        self.with(|kept| {
            let mark = |(id, epoch): &(TaskId, Epoch)| {
                let log = kept.log(id, *epoch).ok();
                log.map(super::KeptLog::watermark)
            };
            Ok(logs.iter().map(mark).collect())
        })
    }

    async fn archive(&self, entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError> {
        self.with(|logs| {
            let entries = entries.into_iter();
            Ok(entries
                .map(|entry| logs.take(entry, &self.limits))
                .collect())
        })
    }

    async fn rewind(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError> {
        self.with(|logs| {
            if let Some(log) = logs.log_mut(id, epoch) {
                log.rewind(to);
            }
            Ok(())
        })
    }

    async fn cool(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        self.with(|logs| {
            let log = logs.log_mut(id, epoch);
            let Some(log) = log.filter(|log| log.state.commit == commit) else {
                return Ok(false);
            };
            log.version += u64::from(log.hot);
            log.hot = false;
            Ok(true)
        })
    }

    async fn revive(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError> {
        self.with(|logs| {
            let id = &found.state.record.id;
            if logs.position(id, epoch).is_some() {
                return Ok(false);
            }
            let log = logs.log_mut(id, found.state.epoch);
            let Some(log) = log.filter(|log| log.version == found.version) else {
                return Ok(false);
            };
            log.state.epoch = epoch;
            log.version += 1;
            log.hot = false;
            Ok(true)
        })
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.with(|logs| Ok(logs.delete(id, epoch)))
    }
}
