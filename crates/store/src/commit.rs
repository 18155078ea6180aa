//! The commit: the only way anything changes.
//!
//! ```text
//!            fence            change of the record       events              once
//!   Commit { task, epoch? ,   expected revision,         numbered by the     producer position
//!                             new record?                store, in order     or idempotency key }
//! ```
//!
//! All of it happens or none of it. A record whose status is terminal seals the log.

use crate::StoreError;
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, Event, Index, Millis, NewEvent, ProducerId, Revision, SeriesConflict,
    Status, TaskId, TaskRecord,
};

/// Opens the log of a new task.
#[derive(Clone, Debug)]
pub struct Create {
    /// The record to begin with; in any status when it is imported.
    pub record: TaskRecord,
    /// The identity of the new log. Random; the store does not choose it.
    pub epoch: Epoch,
    /// Events to begin with: those of an imported archive, else none.
    pub events: Vec<NewEvent>,
    /// Whether a task that exists under the id is deleted in the same commit.
    pub replace: bool,
    /// The idempotency key the task was created with, if any.
    pub key: Option<KeyClaim>,
    /// Whether the id was drawn for this very request, so that no task can have it.
    pub drawn: bool,
}

/// Why a task was not created.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateError {
    /// The id is taken.
    #[error("Task already exists: {}", .0.record.id)]
    Exists(Box<TaskState>),
    /// The id is taken by the task that this very request created before.
    #[error("the task was created before with the same idempotency key")]
    Duplicate(Box<TaskState>),
    /// The id is taken by a task that was created with the same key and another body.
    #[error("the idempotency key was used before with another body")]
    KeyReused,
    /// An imported event does not fit its series.
    #[error(transparent)]
    Series(#[from] SeriesConflict),
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes one task: its record, its log, or both.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The task.
    pub task: TaskId,
    /// The log that is meant, when the caller knows it; another one is [`CommitError::NotFound`].
    pub epoch: Option<Epoch>,
    /// How the record changes; publishing leaves it alone.
    pub change: Option<Change>,
    /// What is appended, in order.
    pub events: Vec<NewEvent>,
    /// What makes the commit happen at most once, however often it is sent.
    pub once: Option<Once>,
}

/// A new record, if the old one is still the one it was made from.
#[derive(Clone, Debug)]
pub struct Change {
    /// The revision that the new record was made from.
    pub expected: Revision,
    /// The new record. A terminal status seals the log with this commit.
    pub record: TaskRecord,
}

/// What makes a commit happen at most once.
#[derive(Clone, Debug)]
pub enum Once {
    /// A position of an exactly-once producer.
    Producer(ProducerClaim),
    /// A key that names the request.
    Key(KeyClaim),
}

/// What a producer says about its commit: these are its numbers `first..=last`.
///
/// Rules as in the Durable Streams protocol: sequences of an epoch start at 0 and are dense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerClaim {
    /// The producer.
    pub id: ProducerId,
    /// Its epoch; a newer one fences off the older.
    pub epoch: u64,
    /// The sequence number of the first thing in the commit.
    pub first: u64,
    /// The sequence number of the last; the same as `first` for a single request.
    pub last: u64,
}

/// A request named by its sender: same key and same body is the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// The key, 1 to 256 bytes.
    pub key: Box<str>,
    /// SHA-256 of what the request says.
    pub body: [u8; 32],
}

/// How far a producer has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerPosition {
    /// Its newest epoch.
    pub epoch: u64,
    /// The highest sequence number stored in that epoch.
    pub seq: u64,
}

/// Where the events of an earlier commit stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// The index of its first event.
    pub first: Index,
    /// How many events it appended.
    pub count: u64,
}

/// A task as a store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The record.
    pub record: Arc<TaskRecord>,
    /// The revision of the record; the first is 1.
    pub revision: Revision,
    /// Which log this is.
    pub epoch: Epoch,
    /// The first unwritten index.
    pub tail: Index,
    /// The first readable index.
    pub trim: Index,
    /// The time of the newest event, or of the creation while there is none.
    pub last_at: Millis,
    /// The newest commit of the task.
    pub commit: CommitNumber,
}

impl TaskState {
    /// Whether the log takes no more events.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.record.status.is_terminal()
    }
}

/// What a commit did; durable to the degree the store states before this is returned.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The log.
    pub epoch: Epoch,
    /// The number of the commit in its partition.
    pub commit: CommitNumber,
    /// The events as they stand in the log now.
    pub events: Vec<Event>,
    /// The tail after them.
    pub tail: Index,
    /// The revision after it.
    pub revision: Revision,
    /// Whether the log is sealed now.
    pub sealed: bool,
}

/// Why nothing was committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// No such task, or not the log that was meant.
    #[error("Task not found: {0}")]
    NotFound(TaskId),
    /// The log takes no more events.
    #[error("Cannot publish to task in terminal status: {0}")]
    Sealed(Status),
    /// The record was changed by somebody else since; this is how it is now.
    #[error("the task was changed by somebody else at the same time")]
    Conflict(Box<TaskState>),
    /// The commit happened before. `original` tells where its events stand, when that is still
    /// known: for the producer's newest request, or for the key.
    #[error("the request was stored before")]
    Duplicate {
        /// Where the events of that commit stand.
        original: Option<Original>,
    },
    /// The producer skipped numbers.
    #[error("the producer's next sequence number is {expected}, not {received}")]
    ProducerGap {
        /// The number that would have fitted.
        expected: u64,
        /// The number that came.
        received: u64,
    },
    /// The producer has a newer epoch: this one is an instance that was replaced.
    #[error("the producer's epoch is {current}; an older one is fenced off")]
    ProducerFenced {
        /// The newest epoch.
        current: u64,
    },
    /// The first sequence number of a new epoch is not 0.
    #[error("the first sequence number of a producer's epoch is 0, not {received}")]
    ProducerStart {
        /// The number that came.
        received: u64,
    },
    /// The idempotency key was used before with another body.
    #[error("the idempotency key was used before with another body")]
    KeyReused,
    /// An event does not fit the series it names.
    #[error(transparent)]
    Series(#[from] SeriesConflict),
    /// The task has as many series as it may have.
    #[error("a task has at most {limit} series")]
    TooManySeries {
        /// The bound.
        limit: usize,
    },
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}
