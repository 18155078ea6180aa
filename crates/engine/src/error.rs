//! What the engine refuses, and why.

use taskcast_core::{Denied, IdError, SeriesConflict, Status, TaskId, TransitionError};
use taskcast_store::{CommitError, CreateError, ReadError, StoreError};

/// Why the engine did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// No such task.
    #[error("Task not found: {0}")]
    NotFound(TaskId),
    /// The id is taken.
    #[error("Task already exists: {0}")]
    Exists(TaskId),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The task has ended; its log takes no more events.
    #[error("Cannot publish to task in terminal status: {0}")]
    Sealed(Status),
    /// The status machine does not allow the transition, or another one was faster.
    #[error("Invalid transition: {from} \u{2192} {to}")]
    InvalidTransition {
        /// Where the task stands.
        from: Status,
        /// Where it was asked to go.
        to: Status,
    },
    /// The task kept changing while this was tried. Trying again may work.
    #[error("the task changed too often at the same time; try again")]
    Contended,
    /// Nobody waits for an answer.
    #[error("Task is not blocked")]
    NotBlocked,
    /// The producer skipped numbers.
    #[error("the producer's next sequence number is {expected}, not {received}")]
    ProducerGap {
        /// The number that would have fitted.
        expected: u64,
        /// The number that came.
        received: u64,
    },
    /// The producer was replaced by an instance with a newer epoch.
    #[error("the producer's epoch is {current}; an older one is fenced off")]
    ProducerFenced {
        /// The newest epoch.
        current: u64,
    },
    /// A producer's epoch begins with sequence number 0.
    #[error("the first sequence number of a producer's epoch is 0, not {received}")]
    ProducerStart {
        /// The number that came.
        received: u64,
    },
    /// The idempotency key was used before with another body.
    #[error("the idempotency key was used before with another body")]
    KeyReused,
    /// An event does not fit its series.
    #[error(transparent)]
    Series(#[from] SeriesConflict),
    /// The task has as many series as it may have.
    #[error("a task has at most {limit} series")]
    TooManySeries {
        /// The bound.
        limit: usize,
    },
    /// More events than fit in one batch.
    #[error("a batch has at most {limit} events; this one has {given}")]
    BatchTooLarge {
        /// The bound.
        limit: usize,
        /// How many were given.
        given: usize,
    },
    /// No more subscribers are taken.
    #[error("{what} has as many subscribers as it may have ({limit})")]
    TooManySubscribers {
        /// The task or the server.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The engine generated an id that is none; cannot happen.
    #[error(transparent)]
    Id(#[from] IdError),
    /// An event could not be written.
    #[error("{0}")]
    Json(String),
    /// The store had lost the log that was followed, and has it back from the archive as another
    /// log. A reader that comes back is told what is missing.
    #[error("task {0} has come back as another log; come back for it")]
    AnotherLog(TaskId),
    /// The engine is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// What a commit to `id` was refused for. `Duplicate` and `Conflict` are no errors to a
    /// caller; whoever commits handles them first.
    pub(crate) fn from_commit(error: CommitError) -> Self {
        match error {
            CommitError::NotFound(id) => Self::NotFound(id),
            CommitError::Sealed(status) => Self::Sealed(status),
            CommitError::Conflict(_) | CommitError::Duplicate { .. } => Self::Contended,
            CommitError::ProducerGap { expected, received } => {
                Self::ProducerGap { expected, received }
            }
            CommitError::ProducerFenced { current } => Self::ProducerFenced { current },
            CommitError::ProducerStart { received } => Self::ProducerStart { received },
            CommitError::KeyReused => Self::KeyReused,
            CommitError::Series(conflict) => Self::Series(conflict),
            CommitError::TooManySeries { limit } => Self::TooManySeries { limit },
            CommitError::Store(error) => Self::Store(error),
        }
    }

    pub(crate) fn from_create(error: CreateError) -> Self {
        match error {
            CreateError::Exists(state) | CreateError::Duplicate(state) => {
                Self::Exists(state.record.id.clone())
            }
            CreateError::KeyReused => Self::KeyReused,
            CreateError::Series(conflict) => Self::Series(conflict),
            CreateError::Store(error) => Self::Store(error),
        }
    }

    pub(crate) fn from_read(error: ReadError, id: &TaskId) -> Self {
        match error {
            ReadError::Gone => Self::NotFound(id.clone()),
            ReadError::Store(error) => Self::Store(error),
        }
    }
}

impl From<TransitionError> for EngineError {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::Invalid { from, to } => Self::InvalidTransition { from, to },
            TransitionError::Json(cause) => Self::Json(cause),
        }
    }
}
