//! The long-term store: every log in order, until somebody deletes it.

use super::{LogImage, OnceImage};
use crate::{
    AppendedPage, ListAsk, ListCursor, LogReader, Maintenance, Partition, ReadError, StoreError,
    TaskState,
};
use async_trait::async_trait;
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Revision, TaskId};

/// Keeps logs for good. Written in order by whoever holds the lease of the archive, at least once
/// and without effect when repeated; read by everybody.
///
/// The log of a task id and an epoch is one log; a task deleted and created again is another, and
/// meets none of its rows. `LogReader` reads what lies below the watermark.
#[async_trait]
pub trait LongTermStore: LogReader + Maintenance {
    /// What this store is.
    fn info(&self) -> LongTermInfo;

    /// Whether the store works, found out cheaply.
    async fn check(&self) -> Result<(), StoreError>;

    /// Lets go of files and connections. Later calls are [`StoreError::Unavailable`].
    async fn close(&self);

    /// The newest log of a task.
    async fn find(&self, id: &TaskId) -> Result<Option<Kept>, StoreError>;

    /// A log as it goes back into a short-term store.
    async fn image(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError>;

    /// A page of the list of tasks, newest first, as the archive knows them.
    async fn list(&self, ask: ListAsk) -> Result<KeptPage, StoreError>;

    /// The events of a partition after a commit up to another one, in the order of commits; bounds
    /// as in [`crate::TaskIndex::appended`]. `newest` of the page is `upto`.
    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError>;

    /// How far several logs are kept, in the order asked; none for a log that is not.
    async fn watermarks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError>;

    /// Takes what logs have gained. Each entry is taken whole or not at all, and begins where the
    /// watermark stands; the outcome of each is given in the order asked. Marks the logs as hot,
    /// but for an entry that repeats what is kept (no slots, a commit that is not newer): it may
    /// come late, when its log is released already.
    async fn archive(&self, entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError>;

    /// Takes back everything of a log from an index on: the short-term store has lost it. The next
    /// record is taken whatever its revision, also when the index is the watermark.
    async fn rewind(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError>;

    /// Marks a log as released, if this is the newest commit that is kept of it. Tells whether it
    /// is; true again when repeated.
    async fn cool(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError>;

    /// Gives a log that the short-term store has lost a new epoch, and marks it as released; if it
    /// still is as it was found. Tells whether it was.
    async fn revive(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError>;

    /// Deletes a log with all that belongs to it, and older logs of the same id with it: of those
    /// the note may have been lost. Tells whether there was one.
    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError>;
}

/// What a long-term store is, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongTermInfo {
    /// The provider as configuration names it: `postgres`, `sqlite`.
    pub provider: &'static str,
}

/// A log as the archive keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The task; its tail is the watermark.
    pub state: TaskState,
    /// Whether the short-term store had it when it was last archived.
    pub hot: bool,
    /// Grows with every change of epoch or `hot`: the compare-and-set token of tiers.
    pub version: u64,
}

/// A page of the list of tasks that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPage {
    /// The tasks.
    pub tasks: Vec<Kept>,
    /// Where to go on; none at the end.
    pub next: Option<ListCursor>,
}

/// How far a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The first index that is not kept.
    pub tail: Index,
    /// The newest commit that is kept whole.
    pub commit: CommitNumber,
    /// The revision of the record that is kept.
    pub revision: Revision,
    /// Time and commit of the last slot: what the slot before the watermark has to be.
    pub last: Option<(Millis, CommitNumber)>,
}

/// What one log has gained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// The partition of the short-term store that the commits belong to.
    pub partition: Partition,
    /// The task as the short-term store has it. When `slots` end before its tail, only the watermark
    /// moves, and the rest of the state is taken when a later entry reaches the tail (a log that is
    /// new to the archive takes it at once).
    pub state: TaskState,
    /// Where the slots begin: the watermark.
    pub from: Index,
    /// Slots from there on, dense.
    pub slots: Vec<taskcast_core::Slot>,
    /// What the log remembers so that commits happen once, as far as it is newer than the
    /// watermark's commit.
    pub once: OnceImage,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archived {
    /// It is kept, up to this watermark.
    Done(Watermark),
    /// It does not begin where the watermark stands (none: the log is not kept).
    Elsewhere(Option<Watermark>),
}
