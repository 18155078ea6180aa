//! The store, and its side of the long-term port.

use crate::months::Months;
use crate::pool::Pool;
use crate::{PostgresError, PostgresOptions, migrations};
use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, Limits, TaskId};
use taskcast_store::tier::{
    ArchiveEntry, Archived, Kept, KeptPage, LogImage, LongTermInfo, LongTermStore, Watermark,
};
use taskcast_store::{AppendedPage, Clock, Dependency, ListAsk, Partition, ReadError, StoreError};

/// The archive, in the schema `taskcast` of a PostgreSQL database. Any number of instances may use
/// one database.
///
/// What a method has returned is durable as PostgreSQL's `synchronous_commit` is. A method that is
/// dropped, or fails as [`StoreError::Unavailable`], happened whole or not at all; only deleting and
/// trimming may leave rows behind that nobody reads, and that the next call removes.
pub struct PostgresStore {
    pub(crate) pool: Pool,
    pub(crate) months: Months,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
}

impl PostgresStore {
    /// Connects to a database whose schema is that of this version (see [`migrations`]). Logs are
    /// dated by `clock`.
    ///
    /// # Errors
    /// [`PostgresError`]: a sentence without secrets.
    pub async fn connect(
        options: PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PostgresError> {
        let pool = Pool::new(&options, clock.clone())?;
        migrations::check(&pool).await?;
        Ok(Self {
            pool,
            months: Months::default(),
            clock,
            limits: options.limits,
        })
    }

    /// How the server is, as it was last seen: `postgres`.
    #[must_use]
    pub fn dependency(&self) -> Arc<Dependency> {
        self.pool.dependency.clone()
    }

    /// Where the database is, without user and password.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.pool.shown
    }
}

#[async_trait]
impl LongTermStore for PostgresStore {
    fn info(&self) -> LongTermInfo {
        LongTermInfo {
            provider: "postgres",
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        let call = async {
            let client = self.pool.get().await?;
            client.simple_query("").await?;
            Ok(())
        };
        self.pool.within(call).await
    }

    async fn close(&self) {
        self.pool.close();
    }

    async fn find(&self, id: &TaskId) -> Result<Option<Kept>, StoreError> {
        self.newest(id).await
    }

    async fn image(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError> {
        self.whole(id, epoch).await
    }

    async fn list(&self, ask: ListAsk) -> Result<KeptPage, StoreError> {
        self.page(&ask).await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.after(partition, after, upto, limit).await
    }

    async fn watermarks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError> {
        self.marks(logs).await
    }

    async fn archive(&self, entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError> {
        self.take(&entries).await
    }

    async fn rewind(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError> {
        self.take_back(id, epoch, to).await
    }

    async fn cool(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        self.mark_released(id, epoch, commit).await
    }

    async fn revive(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError> {
        self.give_epoch(found, epoch).await
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.remove(id, epoch).await
    }
}
