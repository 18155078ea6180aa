//! Publishing: the hot path.

use crate::tasks::{MAX_TRIES, after_commit};
use crate::{EngineError, TaskEngine};
use taskcast_core::{Epoch, Event, Index, NewEvent, ProducerId, TaskId, Transition, transition};
use taskcast_store::{
    Change, Commit, CommitError, Committed, Once, Original, ProducerPosition, ReadAsk, TaskState,
    Which,
};

/// What a caller publishes: events, and perhaps the transition that goes with them.
#[derive(Clone, Debug, Default)]
pub struct Publish {
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// A transition that is committed together with them, after them.
    pub transition: Option<Transition>,
    /// What makes the publish happen at most once.
    pub once: Option<Once>,
}

impl Publish {
    /// Events and nothing else.
    #[must_use]
    pub fn events(events: Vec<NewEvent>) -> Self {
        Self {
            events,
            ..Self::default()
        }
    }
}

/// What became of a publish.
#[derive(Clone, Debug)]
pub enum Published {
    /// It was committed: durable, as the store states.
    Now {
        /// The log.
        epoch: Epoch,
        /// The published events as they stand in the log (those of a transition are not listed).
        events: Vec<Event>,
        /// The task after the transition, when there was one.
        task: Option<TaskState>,
    },
    /// The same request was committed before.
    Before {
        /// The log.
        epoch: Epoch,
        /// The events of that request, when it is still known where they stand.
        events: Option<Vec<Event>>,
    },
}

impl TaskEngine {
    /// Appends events to a task's log, all or none, and makes the transition that goes with them.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Sealed`], what `once` was refused for, what the
    /// transition was refused for, or the store. Nothing was appended then.
    pub async fn publish(&self, id: &TaskId, publish: Publish) -> Result<Published, EngineError> {
        self.publish_in(None, id, publish).await
    }

    /// As [`publish`](Self::publish), to the log with this epoch and no other.
    pub(crate) async fn publish_in(
        &self,
        epoch: Option<Epoch>,
        id: &TaskId,
        publish: Publish,
    ) -> Result<Published, EngineError> {
        let limit = self.inner.limits.events_per_batch;
        let given = publish.events.len();
        if given > limit {
            return Err(EngineError::BatchTooLarge { limit, given });
        }
        match publish.transition {
            Some(transition) => {
                self.publish_with(epoch, id, publish.events, &transition, publish.once)
                    .await
            }
            None => self.append(epoch, id, publish.events, publish.once).await,
        }
    }

    async fn append(
        &self,
        epoch: Option<Epoch>,
        id: &TaskId,
        events: Vec<NewEvent>,
        once: Option<Once>,
    ) -> Result<Published, EngineError> {
        let commit = Commit {
            task: id.clone(),
            epoch,
            change: None,
            events,
            once,
        };
        match self.inner.commit(commit).await {
            Ok(Committed { epoch, events, .. }) => Ok(Published::Now {
                epoch,
                events,
                task: None,
            }),
            Err(CommitError::Duplicate { original }) => self.before(id, original, 0).await,
            Err(error) => Err(EngineError::from_commit(error)),
        }
    }

    async fn publish_with(
        &self,
        epoch: Option<Epoch>,
        id: &TaskId,
        events: Vec<NewEvent>,
        asked: &Transition,
        once: Option<Once>,
    ) -> Result<Published, EngineError> {
        let mut state = self.inner.load(id).await?;
        for _ in 0..MAX_TRIES {
            let commit = with_transition(&self.inner, &state, epoch, &events, asked, once.clone());
            let (commit, derived) = commit?;
            let record = commit.change.as_ref().map(|change| change.record.clone());
            match self.inner.commit(commit).await {
                Ok(mut committed) => {
                    let task = record.map(|record| after_commit(&state, record, &committed));
                    committed.events.truncate(events.len());
                    let Committed { epoch, events, .. } = committed;
                    return Ok(Published::Now {
                        epoch,
                        events,
                        task,
                    });
                }
                Err(CommitError::Conflict(now)) => state = *now,
                Err(CommitError::Duplicate { original }) => {
                    return self.before(id, original, derived).await;
                }
                Err(error) => return Err(EngineError::from_commit(error)),
            }
        }
        Err(EngineError::Contended)
    }

    /// The answer to a request that was committed before: its events, less the `derived` ones of
    /// its transition.
    async fn before(
        &self,
        id: &TaskId,
        original: Option<Original>,
        derived: u64,
    ) -> Result<Published, EngineError> {
        let epoch = self.inner.load(id).await?.epoch;
        let Some(Original { first, count }) = original else {
            return Ok(Published::Before {
                epoch,
                events: None,
            });
        };
        let wanted = count.saturating_sub(derived);
        let events = self.events_at(id, epoch, first, wanted).await?;
        Ok(Published::Before { epoch, events })
    }

    /// The events in a stretch of the log; none when one of them is gone.
    async fn events_at(
        &self,
        id: &TaskId,
        epoch: Epoch,
        first: Index,
        count: u64,
    ) -> Result<Option<Vec<Event>>, EngineError> {
        let to = first.plus(count);
        let (mut from, mut events) = (first, Vec::new());
        while from < to {
            let ask = ReadAsk {
                from,
                to,
                which: Which::All,
                max_slots: self.inner.limits.page,
                max_bytes: usize::MAX,
            };
            let page = self.inner.store.read(id, epoch, ask).await;
            let page = page.map_err(|error| EngineError::from_read(error, id))?;
            events.extend(page.slots.iter().filter_map(|slot| slot.event().cloned()));
            if page.next <= from {
                break;
            }
            from = page.next;
        }
        Ok(Some(events).filter(|events| events.len() as u64 == count))
    }

    /// How far an exactly-once producer has got in a task; none when the task does not know it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or the store.
    pub async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, EngineError> {
        let found = self.inner.store.producer(id, producer).await;
        found.map_err(|error| EngineError::from_read(error, id))
    }
}

/// The commit of events and a transition made from `state`, and how many events the transition
/// adds. When the machine does not allow the transition and the request may be a repeated one, the
/// commit carries no change: the store then answers `Duplicate` or `Sealed`.
fn with_transition(
    inner: &crate::engine::Inner,
    state: &TaskState,
    epoch: Option<Epoch>,
    events: &[NewEvent],
    asked: &Transition,
    once: Option<Once>,
) -> Result<(Commit, u64), EngineError> {
    let step = transition(&state.record, asked, inner.now());
    let task = state.record.id.clone();
    let epoch = Some(epoch.unwrap_or(state.epoch));
    let (change, derived) = match step {
        Ok(step) => {
            let change = Change {
                expected: state.revision,
                record: step.record,
            };
            (Some(change), step.events)
        }
        Err(_) if once.is_some() && state.is_sealed() => (None, Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let count = derived.len() as u64;
    let events = events.iter().cloned().chain(derived).collect();
    Ok((
        Commit {
            task,
            epoch,
            change,
            events,
            once,
        },
        count,
    ))
}
