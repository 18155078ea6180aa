//! The archive: every log in order, in a file of its own.
//!
//! ```text
//!   tasks     log ── id, epoch, watermark (tail, commit_no, ...), hot, version
//!   records   log ── record (JSON)
//!   slots     (log, idx) ── event or tombstone; what was replaced keeps its payload
//!   kinds     (log, type, level) ── how many lie below the watermark
//!   trimmed   (log, type, level) ── how many of them lie below the trim point
//!   commits   (log, no) ── partition, first, count          which slots a commit filled
//!   series, chunks, producers, keys, garbage                as in the short-term store
//!   heads     (series, idx) ── newest events that their log let go of
//! ```
//!
//! One writer, group commit, checkpoints and readers are those of the short-term store
//! (`database.rs`). A log is a row of `tasks`: of two logs of one task id the greater number is the
//! newer one. Events that a newer one of their series replaced are marked and not shown, but keep
//! everything, so that taking back the newer one brings them back; so do cleaned ones, but for
//! their payload.

mod gain;
mod image;
mod list;
mod log;
mod maintenance;
mod rewind;
mod rewind_series;

use crate::SqliteArchiveOptions;
use crate::connect::Place;
use crate::database::Database;
use crate::error::Named;
use crate::transaction::Rules;
use async_trait::async_trait;
use rusqlite::Connection;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, TaskId};
use taskcast_store::tier::{
    ArchiveEntry, Archived, Kept, KeptPage, LogImage, LongTermInfo, LongTermStore, Usage, Watermark,
};
use taskcast_store::{AppendedPage, ListAsk, Partition, ReadError, StoreError, SystemClock};

/// A long-term store in one SQLite file, which this process has for itself.
///
/// What a method has returned is as durable as [`SqliteArchiveOptions::durability`] says. Dropping
/// it finishes what waits, like [`close`](LongTermStore::close), but blocks the thread meanwhile.
pub struct SqliteArchive {
    pub(crate) database: Database,
}

impl SqliteArchive {
    /// Opens the file, or makes a new one, and starts the threads.
    ///
    /// Blocks for as long as it takes to read what an earlier process left in the write-ahead log.
    ///
    /// # Errors
    /// When the file cannot be used: see [`SqliteStore::open`](crate::SqliteStore::open).
    pub fn open(options: SqliteArchiveOptions) -> Result<Self, StoreError> {
        let place = Place::of_archive(&options);
        let rules = Rules {
            limits: options.limits,
            clock: Arc::new(SystemClock),
            archived: false,
        };
        Ok(Self {
            database: Database::open(place, options.readers, 0, rules)?,
        })
    }
}

#[async_trait]
impl LongTermStore for SqliteArchive {
    fn info(&self) -> LongTermInfo {
        LongTermInfo { provider: "sqlite" }
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    async fn close(&self) {
        self.database.close().await;
    }

    async fn find(&self, id: &TaskId) -> Result<Option<Kept>, StoreError> {
        let id = id.clone();
        self.database.read(move |conn| log::newest(conn, &id)).await
    }

    async fn image(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError> {
        self.database.read_log(id, epoch, image::image).await
    }

    async fn list(&self, ask: ListAsk) -> Result<KeptPage, StoreError> {
        self.database.read(move |conn| list::list(conn, &ask)).await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        self.database
            .read(move |conn| list::appended(conn, partition, after, upto, limit))
            .await
    }

    async fn watermarks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError> {
        let logs = logs.to_vec();
        let watermark = |conn: &Connection, (id, epoch): &(TaskId, Epoch)| {
            let found = log::find(conn, id, *epoch)?;
            Ok(found.map(|found| found.watermark))
        };
        self.database
            .read(move |conn| logs.iter().map(|log| watermark(conn, log)).collect())
            .await
    }

    async fn archive(&self, entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError> {
        let bytes = entries.iter().map(weight).sum();
        self.database
            .write(entries, bytes, |transaction, entries| {
                let take = |entry| gain::take(transaction.conn, entry, &transaction.rules.limits);
                let taken: rusqlite::Result<_> = entries.iter().map(take).collect();
                taken.named(transaction.what)
            })
            .await
    }

    async fn rewind(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError> {
        let ask = (id.clone(), epoch, to);
        self.database
            .write(ask, 0, |transaction, (id, epoch, to)| {
                rewind::rewind(transaction.conn, id, *epoch, *to).named(transaction.what)
            })
            .await
    }

    async fn cool(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let ask = (id.clone(), epoch, commit);
        self.database
            .write(ask, 0, |transaction, (id, epoch, commit)| {
                log::cool(transaction.conn, id, *epoch, *commit).named(transaction.what)
            })
            .await
    }

    async fn revive(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError> {
        let ask = (found.clone(), epoch);
        self.database
            .write(ask, 0, |transaction, (found, epoch)| {
                log::revive(transaction.conn, found, *epoch).named(transaction.what)
            })
            .await
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.database
            .write((id.clone(), epoch), 0, |transaction, (id, epoch)| {
                let deleted = log::delete(transaction.conn, id, *epoch).named(transaction.what)?;
                transaction.discarded |= deleted;
                Ok(deleted)
            })
            .await
    }
}

/// Bytes that an entry writes, about.
fn weight(entry: &ArchiveEntry) -> usize {
    let events = entry.slots.iter().filter_map(taskcast_core::Slot::event);
    let bytes = events.map(Usage::of).sum::<u64>();
    usize::try_from(bytes).unwrap_or(usize::MAX) / 2 + entry.state.record.weight()
}
