//! The rules of a commit, once for every store that runs in this process.
//!
//! A store looks a few things up ([`CommitView`]), lets [`plan`] decide, and writes what the
//! [`Plan`] says. Deciding touches nothing, so a refused commit has left no trace.

mod append;
mod once;

use crate::{
    Commit, CommitError, Create, CreateError, KeyClaim, Once, Original, ProducerClaim,
    ProducerPosition, StoreError, TaskState,
};
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Event, Fold, Index, Limits, Millis, ProducerId, RawJson, Revision, SeriesId,
    SeriesState, Span, TaskRecord,
};

/// What a store has to look up in the task that a commit is about.
pub trait CommitView {
    /// The state of a series.
    ///
    /// # Errors
    /// When the store cannot.
    fn series(&mut self, id: &SeriesId) -> Result<Option<SeriesState>, StoreError>;

    /// How many series the task has.
    ///
    /// # Errors
    /// When the store cannot.
    fn series_count(&mut self) -> Result<usize, StoreError>;

    /// What is kept of a producer.
    ///
    /// # Errors
    /// When the store cannot.
    fn producer(&mut self, id: &ProducerId) -> Result<Option<KeptProducer>, StoreError>;

    /// What is kept of an idempotency key.
    ///
    /// # Errors
    /// When the store cannot.
    fn key(&mut self, key: &str) -> Result<Option<KeptKey>, StoreError>;
}

/// What is kept of a producer: where it is, and where the events of its newest request stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptProducer {
    /// Its epoch and highest sequence number.
    pub position: ProducerPosition,
    /// The first sequence number of its newest request.
    pub first: u64,
    /// Where the events of that request stand.
    pub original: Original,
}

/// What is kept of an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// SHA-256 of what the request said.
    pub body: [u8; 32],
    /// Where its events stand.
    pub original: Original,
    /// When it was used.
    pub at: Millis,
}

/// What a commit writes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The task after the commit.
    pub state: TaskState,
    /// The events to append.
    pub events: Vec<Event>,
    /// Series states to write, each series once.
    pub series: Vec<(SeriesId, SeriesState)>,
    /// Text to join to runs, in order.
    pub joined: Vec<Joined>,
    /// Events that a newer one of their `latest` series replaced; older than this commit, or in it.
    pub superseded: Vec<Index>,
    /// The producer to write.
    pub producer: Option<(ProducerId, KeptProducer)>,
    /// The idempotency key to write.
    pub key: Option<(Box<str>, KeptKey)>,
}

/// A piece of text that joins a run of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The series.
    pub series: SeriesId,
    /// The run.
    pub run: Index,
    /// The bytes of the run before the piece.
    pub offset: u64,
    /// The event's data, and where in it the piece lies.
    pub data: RawJson,
    /// The piece, JSON-escaped.
    pub span: Span,
}

impl Joined {
    /// What a delta joins to its run; none when its data has no string in the field.
    fn of(series: &SeriesId, fold: Fold, data: &RawJson) -> Option<Self> {
        Some(Self {
            series: series.clone(),
            run: fold.run,
            offset: fold.offset,
            data: data.clone(),
            span: fold.text?,
        })
    }

    /// The bytes of the piece.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.span.of(&self.data)
    }
}

/// Decides what `commit`, as number `number` at `now`, does to a task that stands at `state`.
///
/// The caller has checked that `state` is the task, and the log, that the commit means.
///
/// # Errors
/// Every outcome of [`CommitError`] but `NotFound`.
pub fn plan(
    state: &TaskState,
    commit: Commit,
    number: CommitNumber,
    now: Millis,
    limits: &Limits,
    view: &mut dyn CommitView,
) -> Result<Plan, CommitError> {
    once::check(commit.once.as_ref(), now, limits, view)?;
    if state.is_sealed() {
        return Err(CommitError::Sealed(state.record.status));
    }
    let mut after = state.clone();
    after.commit = number;
    if let Some(change) = commit.change {
        if change.expected != state.revision {
            return Err(CommitError::Conflict(Box::new(state.clone())));
        }
        after.record = Arc::new(change.record);
        after.revision = state.revision.next();
    }
    let original = Original {
        first: state.tail,
        count: commit.events.len() as u64,
    };
    let mut plan = Plan::keeping(after, commit.once, original, now);
    plan.append(commit.events, now, limits, view)?;
    Ok(plan)
}

/// Decides what a new task begins with.
///
/// # Errors
/// When an imported event does not fit its series.
pub fn plan_create(
    create: Create,
    number: CommitNumber,
    now: Millis,
    limits: &Limits,
) -> Result<Plan, CreateError> {
    let state = TaskState {
        last_at: create.record.created_at,
        record: Arc::new(create.record),
        revision: Revision(1),
        epoch: create.epoch,
        tail: Index::START,
        trim: Index::START,
        commit: number,
    };
    let original = Original {
        first: Index::START,
        count: create.events.len() as u64,
    };
    let mut plan = Plan::keeping(state, create.key.map(Once::Key), original, now);
    plan.append(create.events, now, limits, &mut NothingYet)
        .map_err(|error| match error {
            CommitError::Series(conflict) => CreateError::Series(conflict),
            CommitError::Store(error) => CreateError::Store(error),
            other => CreateError::Store(StoreError::full("the task", other)),
        })?;
    Ok(plan)
}

/// Whether a task that exists under the id of `create` was made by this very request.
#[must_use]
pub fn exists(create: &Create, state: TaskState, kept: Option<KeptKey>) -> CreateError {
    match (&create.key, kept) {
        (Some(claim), Some(kept)) if claim.body == kept.body => {
            CreateError::Duplicate(Box::new(state))
        }
        (Some(_), Some(_)) => CreateError::KeyReused,
        _ => CreateError::Exists(Box::new(state)),
    }
}

impl Plan {
    /// A plan that appends nothing yet and remembers what makes the commit happen once.
    fn keeping(state: TaskState, once: Option<Once>, original: Original, now: Millis) -> Self {
        let (producer, key) = match once {
            Some(Once::Producer(claim)) => (Some(keep_producer(claim, original)), None),
            Some(Once::Key(claim)) => (None, Some(keep_key(claim, original, now))),
            None => (None, None),
        };
        let (events, series, joined, superseded) = Default::default();
        Self {
            state,
            events,
            series,
            joined,
            superseded,
            producer,
            key,
        }
    }
}

fn keep_producer(claim: ProducerClaim, original: Original) -> (ProducerId, KeptProducer) {
    let position = ProducerPosition {
        epoch: claim.epoch,
        seq: claim.last,
    };
    let first = claim.first;
    let kept = KeptProducer {
        position,
        first,
        original,
    };
    (claim.id, kept)
}

fn keep_key(claim: KeyClaim, original: Original, at: Millis) -> (Box<str>, KeptKey) {
    let body = claim.body;
    let kept = KeptKey { body, original, at };
    (claim.key, kept)
}

/// The view of a task that does not exist yet.
struct NothingYet;

impl CommitView for NothingYet {
    fn series(&mut self, _: &SeriesId) -> Result<Option<SeriesState>, StoreError> {
        Ok(None)
    }
    fn series_count(&mut self) -> Result<usize, StoreError> {
        Ok(0)
    }
    fn producer(&mut self, _: &ProducerId) -> Result<Option<KeptProducer>, StoreError> {
        Ok(None)
    }
    fn key(&mut self, _: &str) -> Result<Option<KeptKey>, StoreError> {
        Ok(None)
    }
}

/// The deadline of a record, for the index of deadlines.
#[must_use]
pub fn deadline(record: &TaskRecord) -> Option<Millis> {
    taskcast_core::due(record).map(|(at, _)| at)
}
