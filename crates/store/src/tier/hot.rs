//! What a short-term store can do for an archive behind it: let go of what is kept, take it back.

use crate::plan::{KeptKey, KeptProducer};
use crate::{Partition, ReadError, ShortTermStore, StoreError, TaskState};
use async_trait::async_trait;
use bytes::Bytes;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventType, Index, Level, Millis, ProducerId, SeriesId, SeriesState,
    TaskId,
};

/// A short-term store with an archive behind it. Opened to keep notes, it remembers every log that
/// it deleted (by `delete`, or replaced by `create`) until the archive has deleted it too.
///
/// Slots below a *base* may be released: they are in the archive only. Then:
/// `read` gives what is held and tells the base in the page; `count` is exact from the base on (for
/// a lower `upto` it is the count at the base); `seek` may answer with an index at or below the base,
/// or not at all, when what is looked for lies below; `appended` tells in `earliest` up to which
/// commit slots may be missing (a commit of which some are released counts). Heads, the texts of their runs and all indexes across tasks stay.
#[async_trait]
pub trait HotStore: ShortTermStore {
    /// Where several tasks are, in the order asked; one look at one moment each.
    async fn places(&self, ids: &[TaskId]) -> Result<Vec<Place>, StoreError>;

    /// What the log remembers so that commits happen once: what was written by commits after
    /// `after`, in the order of use.
    async fn once_since(
        &self,
        id: &TaskId,
        epoch: Epoch,
        after: CommitNumber,
    ) -> Result<OnceImage, ReadError>;

    /// Lets go of the slots below `to` (never past the tail). The trim point stays.
    async fn release_below(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError>;

    /// Lets go of the whole log, if `commit` is still its newest, and notes that it was released.
    /// Tells whether it did.
    async fn release(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError>;

    /// Takes a log back, unless the clock of the store has passed `until`: then whoever read the
    /// image may have been overtaken. The base is the tail; the log gets a commit number of its own
    /// and stands in the change feed at it.
    async fn restore(&self, image: LogImage, until: Millis) -> Result<Restored, StoreError>;

    /// Notes that a log which is not here was deleted.
    async fn note_deleted(&self, id: &TaskId, epoch: Epoch) -> Result<(), StoreError>;

    /// Notes that the archive has not settled yet, in no order.
    async fn notes(&self, partition: Partition, limit: usize) -> Result<Vec<Note>, StoreError>;

    /// Forgets a note: the archive has done what it says.
    async fn settle(&self, note: &Note) -> Result<(), StoreError>;

    /// Bytes of payload that were ever appended to a partition, and what the store holds.
    async fn usage(&self) -> Result<Usage, StoreError>;
}

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the short-term store.
    Here {
        /// The task. Its trim point is that of the log, wherever its slots are.
        state: TaskState,
        /// The first index whose slot is held here.
        base: Index,
        /// Logs of the same id that were deleted, which the archive may not know yet.
        dead: Vec<Epoch>,
    },
    /// Not in the short-term store.
    Away {
        /// The log that was released, when the archive may not know yet.
        released: Option<Epoch>,
        /// Logs of the id that were deleted, which the archive may not know yet.
        dead: Vec<Epoch>,
    },
}

/// What the archive has still to be told of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The task.
    pub id: TaskId,
    /// The log.
    pub epoch: Epoch,
    /// What happened to it.
    pub kind: NoteKind,
}

/// What happened to a log that is not in the short-term store any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// It was deleted.
    Deleted,
    /// It was released after this commit, its last one.
    Released(CommitNumber),
}

/// A log as it goes back into a short-term store: everything but its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogImage {
    /// The task. The commit number is the old one; the restored log gets a new one.
    pub state: TaskState,
    /// Its series.
    pub series: Vec<SeriesImage>,
    /// How many slots below the tail there are of each type and level, trimmed ones too.
    pub counts: Vec<(EventType, Level, u64)>,
    /// What it remembers so that commits happen once, in the order of use.
    pub once: OnceImage,
}

/// One series of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesImage {
    /// The series.
    pub id: SeriesId,
    /// Where it stands.
    pub state: SeriesState,
    /// Its newest delta, when the mode is `accumulate`.
    pub newest: Option<Event>,
    /// The joined text of its newest run; empty when there is none.
    pub text: Bytes,
}

/// What a log remembers so that commits happen at most once, in the order of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnceImage {
    /// Producers.
    pub producers: Vec<(ProducerId, KeptProducer)>,
    /// Idempotency keys.
    pub keys: Vec<(Box<str>, KeptKey)>,
}

/// What became of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// The log is here now.
    Done,
    /// The task is here already, or this log was deleted in the meantime.
    Overtaken,
    /// `until` had passed; nothing was done.
    TooLate,
}

/// How much a short-term store has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that were ever appended, per partition: of each event its payload and
    /// [`Usage::PER_EVENT`].
    pub written: Vec<u64>,
    /// Bytes the store may hold, when there is such a bound.
    pub capacity: Option<u64>,
}

impl Usage {
    /// What an event counts beside its payload.
    pub const PER_EVENT: u64 = 64;

    /// What an event counts.
    #[must_use]
    pub fn of(event: &Event) -> u64 {
        let data = event.data.as_ref().map_or(0, |data| data.as_bytes().len());
        Self::PER_EVENT + data as u64
    }
}
