//! Publishing: the hot path.

use crate::tasks::{MAX_TRIES, after_commit};
use crate::{EngineError, TaskEngine};
use taskcast_core::{
    Epoch, Event, Index, NewEvent, ProducerId, Revision, Step, TaskId, Transition, transition,
};
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
        /// The task as it is now, when the request carried a transition.
        task: Option<TaskState>,
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
        let given = events.len();
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
            Err(CommitError::Duplicate { original }) => {
                // Without a fence the caller may do everything with whatever log is there.
                let epoch = match epoch {
                    Some(epoch) => epoch,
                    None => self.inner.load(id).await?.epoch,
                };
                let events = self.events_before(id, epoch, original, given).await?;
                Ok(Published::Before {
                    epoch,
                    events,
                    task: None,
                })
            }
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
            let step = transition(&state.record, asked, self.inner.now());
            let (commit, refused) = match step {
                Ok(step) => (with_step(&state, epoch, &events, step, once.clone()), None),
                // A repeated request finds its own transition made: the store has to say whether
                // this is one, and must not append anything when it is not.
                Err(error) if once.is_some() => {
                    (only_ask(&state, epoch, once.clone()), Some(error))
                }
                Err(error) => return Err(error.into()),
            };
            let record = commit.change.as_ref().map(|change| change.record.clone());
            match (self.inner.commit(commit).await, refused) {
                (Ok(mut committed), _) => {
                    let task = record.map(|record| after_commit(&state, record, &committed));
                    committed.events.truncate(events.len());
                    let Committed { epoch, events, .. } = committed;
                    return Ok(Published::Now {
                        epoch,
                        events,
                        task,
                    });
                }
                (Err(CommitError::Conflict(now)), Some(refused))
                    if now.revision == state.revision =>
                {
                    return Err(refused.into());
                }
                (Err(CommitError::Conflict(now)), _) => state = *now,
                (Err(CommitError::Duplicate { original }), _) => {
                    let epoch = epoch.unwrap_or(state.epoch);
                    let events = self
                        .events_before(id, epoch, original, events.len())
                        .await?;
                    let now = self.inner.load(id).await?;
                    if now.epoch != epoch {
                        return Err(EngineError::NotFound(id.clone()));
                    }
                    return Ok(Published::Before {
                        epoch,
                        events,
                        task: Some(now),
                    });
                }
                (Err(error), _) => return Err(EngineError::from_commit(error)),
            }
        }
        Err(EngineError::Contended)
    }

    /// The `given` events that an earlier request published in the log it was committed to, without
    /// those of its transition.
    async fn events_before(
        &self,
        id: &TaskId,
        epoch: Epoch,
        original: Option<Original>,
        given: usize,
    ) -> Result<Option<Vec<Event>>, EngineError> {
        let Some(Original { first, count }) = original else {
            return Ok(None);
        };
        let wanted = count.min(given as u64);
        self.events_at(id, epoch, first, wanted).await
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

/// The commit of events and of a transition made from `state`.
fn with_step(
    state: &TaskState,
    epoch: Option<Epoch>,
    events: &[NewEvent],
    step: Step,
    once: Option<Once>,
) -> Commit {
    Commit {
        task: state.record.id.clone(),
        epoch: Some(epoch.unwrap_or(state.epoch)),
        change: Some(Change {
            expected: state.revision,
            record: step.record,
        }),
        events: events.iter().cloned().chain(step.events).collect(),
        once,
    }
}

/// A commit that cannot happen, because no record has its revision: asks whether `once` was
/// committed before.
fn only_ask(state: &TaskState, epoch: Option<Epoch>, once: Option<Once>) -> Commit {
    Commit {
        task: state.record.id.clone(),
        epoch: Some(epoch.unwrap_or(state.epoch)),
        change: Some(Change {
            expected: Revision(0),
            record: (*state.record).clone(),
        }),
        events: Vec::new(),
        once,
    }
}
