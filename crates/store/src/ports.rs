//! The ports: what the engine asks of a short-term store.
//!
//! Five small traits, each without default methods: whoever holds a store that cannot do
//! something does not get that trait. Every method may be dropped at any point (its caller went
//! away); a commit that was begun then happens whole or not at all.

use crate::{
    AppendedPage, ChangedTask, Clock, Commit, CommitError, Committed, Create, CreateError, DuePage,
    Heads, ListAsk, Page, Partition, ProducerPosition, ReadAsk, ReadError, Seek, StoreError, Tail,
    TaskPage, TaskState,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Index, Millis, ProducerId, SeriesId, TaskId,
};

/// Changes tasks, and tells how they are.
#[async_trait]
pub trait TaskLog: Send + Sync {
    /// Opens the log of a new task. Visible and durable, as the store states, on return.
    async fn create(&self, create: Create) -> Result<TaskState, CreateError>;

    /// Makes one commit. Checks in this order: the task and its epoch, `once`, the seal, the
    /// revision, the series. Numbers the events densely from the tail; their time is the store's
    /// clock, but never earlier than the event before.
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError>;

    /// Deletes a task with all that belongs to it, if it is still this log. Tells whether it was.
    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError>;

    /// The task as it is now. Sees every commit that was acknowledged before the call.
    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError>;

    /// Where several logs stand, in the order asked; none for a task that does not exist.
    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError>;

    /// How far a producer has got in a log.
    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError>;
}

/// Reads one log, which is named by task and epoch: a log that is gone is [`ReadError::Gone`].
#[async_trait]
pub trait LogReader: Send + Sync {
    /// A page of slots.
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError>;

    /// The heads of all `accumulate` series at one moment.
    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError>;

    /// The joined text of a run of a series (see [`taskcast_core::Fold`]), in its JSON-escaped
    /// form, from one byte offset to another. Text that was joined never changes. What is asked
    /// beyond its end, or of no such run, is left out.
    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError>;

    /// How many slots below `upto` a filter matches. Tombstones and trimmed slots count. Exact from
    /// the trim point on; for a lower `upto` it is the count at the trim point.
    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError>;

    /// Looks for a position.
    async fn seek(&self, id: &TaskId, epoch: Epoch, seek: Seek)
    -> Result<Option<Index>, ReadError>;
}

/// Answers questions across tasks.
#[async_trait]
pub trait TaskIndex: Send + Sync {
    /// A page of the list of tasks, newest first.
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError>;

    /// Deadlines (see [`taskcast_core::due`]) at or before `now`, oldest first, `limit` at most.
    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError>;

    /// The change feed of a partition after a commit, in order, `limit` tasks at most.
    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError>;

    /// The newest commit of every partition.
    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError>;

    /// The events of a partition after a commit, in the order of commits, about `limit` of them
    /// and about [`AppendedPage::BYTES`] (a commit is never split).
    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError>;
}

/// Removes what no rule wants kept. Indexes and filtered positions never shift.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Moves the trim point up to `to` (never past the tail): slots below it are gone, and count
    /// as before. Heads and their texts stay.
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError>;

    /// Turns events into tombstones with reason `cleaned`; positions without an event are passed
    /// over. Heads and their texts stay.
    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError>;
}

/// Work that one instance does for all: who does it, and how far it has got.
#[async_trait]
pub trait Positions: Send + Sync {
    /// Takes the lease `name` for `ttl` from now, or extends it. Tells whether `holder` has it: not
    /// while another holder's has not passed.
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError>;

    /// Gives a lease back, if `holder` has it.
    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError>;

    /// How far a reader of the change feed has got in a partition; none before it first said so.
    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError>;

    /// Says how far a reader has got. As durable as a commit.
    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError>;
}

/// A short-term store: the truth about live tasks.
#[async_trait]
pub trait ShortTermStore: TaskLog + LogReader + TaskIndex + Maintenance + Positions {
    /// What this store is.
    fn info(&self) -> StoreInfo;

    /// The clock that the store dates events by.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Whether the store works, found out cheaply.
    async fn check(&self) -> Result<(), StoreError>;

    /// Finishes what was begun and lets go of files and connections. Later calls are
    /// [`StoreError::Unavailable`].
    async fn close(&self);
}

/// What a store is, for operators and for cursors over all tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// The provider as configuration names it: `memory`, `sqlite`.
    pub provider: &'static str,
    /// The identity of the stored data: commit numbers of another one mean nothing here.
    pub incarnation: u64,
    /// How many partitions the store has; fixed for its data.
    pub partitions: u16,
    /// What an acknowledged commit survives, in one sentence.
    pub acknowledgement: Arc<str>,
}
