//! A long-term store that fails, dawdles, forgets to answer, and is away for seconds.

use crate::fate::{Faults, Outages};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, EventFilter, Index, SeriesId, TaskId};
use taskcast_store::tier::{
    ArchiveEntry, Archived, Kept, KeptPage, LogImage, LongTermInfo, LongTermStore, Watermark,
};
use taskcast_store::{
    AppendedPage, Heads, ListAsk, LogReader, Maintenance, Page, Partition, ReadAsk, ReadError,
    Seek, StoreError,
};

/// Faults around an archive.
pub(crate) struct FaultyArchive {
    inner: Arc<dyn LongTermStore>,
    faults: Faults,
}

impl FaultyArchive {
    /// Faults, from a seed, around an archive.
    #[must_use]
    pub(crate) fn new(inner: Arc<dyn LongTermStore>, seed: u64) -> Self {
        let outages = Outages {
            of: 3_000,
            once_in: 4,
        };
        Self {
            inner,
            faults: Faults::new("the simulated archive", seed, outages),
        }
    }

    /// Ends the faults.
    pub(crate) fn heal(&self) {
        self.faults.heal();
    }

    /// A call that changes nothing.
    async fn look(&self, what: &str, id: &str, salt: u64) -> Result<(), StoreError> {
        self.faults.enter(what, id, salt).await.map(drop)
    }

    /// A call that changes something: its answer may be lost.
    async fn change<T, E: From<StoreError>>(
        &self,
        what: &str,
        id: &str,
        change: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let fate = self.faults.enter(what, id, 0).await?;
        let outcome = change.await?;
        self.faults.leave(&fate).await?;
        Ok(outcome)
    }
}

#[async_trait]
impl LogReader for FaultyArchive {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        self.look("read", id.as_str(), ask.from.0).await?;
        self.inner.read(id, epoch, ask).await
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.look("heads", id.as_str(), 0).await?;
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
        self.look("text", id.as_str(), range.end).await?;
        self.inner.text(id, epoch, series, run, range).await
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.look("count", id.as_str(), upto.0).await?;
        self.inner.count(id, epoch, filter, upto).await
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.look("seek", id.as_str(), 0).await?;
        self.inner.seek(id, epoch, seek).await
    }
}

#[async_trait]
impl Maintenance for FaultyArchive {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        let trim = self.inner.trim(id, epoch, to);
        self.change("trim", id.as_str(), trim).await
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let clean = self.inner.clean(id, epoch, indexes);
        self.change("clean", id.as_str(), clean).await
    }
}

#[async_trait]
impl LongTermStore for FaultyArchive {
    fn info(&self) -> LongTermInfo {
        self.inner.info()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.inner.check().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }

    async fn find(&self, id: &TaskId) -> Result<Option<Kept>, StoreError> {
        self.look("find", id.as_str(), 0).await?;
        self.inner.find(id).await
    }

    async fn image(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError> {
        self.look("image", id.as_str(), 0).await?;
        self.inner.image(id, epoch).await
    }

    async fn list(&self, ask: ListAsk) -> Result<KeptPage, StoreError> {
        self.look("list", "", 0).await?;
        self.inner.list(ask).await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.look("appended", "", after.0).await?;
        self.inner.appended(partition, after, upto, limit).await
    }

    async fn watermarks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError> {
        self.look("watermarks", "", logs.len() as u64).await?;
        self.inner.watermarks(logs).await
    }

    async fn archive(&self, entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError> {
        let archive = self.inner.archive(entries);
        self.change("archive", "", archive).await
    }

    async fn rewind(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError> {
        let rewind = self.inner.rewind(id, epoch, to);
        self.change("rewind", id.as_str(), rewind).await
    }

    async fn cool(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let cool = self.inner.cool(id, epoch, commit);
        self.change("cool", id.as_str(), cool).await
    }

    async fn revive(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError> {
        let revive = self.inner.revive(found, epoch);
        self.change("revive", found.state.record.id.as_str(), revive)
            .await
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let delete = self.inner.delete(id, epoch);
        self.change("delete", id.as_str(), delete).await
    }
}
