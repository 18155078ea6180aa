//! Topics: what is in memory of the logs that somebody follows here.
//!
//! A topic exists while it has followers. Publishers look it up and hand it what they committed;
//! without a topic they do nothing. A follower makes the topic first and reads the stored tail
//! after, so a commit in between is in one or the other.

mod budget;
mod flight;
mod shared;
mod topic_state;
mod totals;
mod window;

pub(crate) use flight::Flight;
pub use shared::{EncodedForm, SharedEvent};
pub(crate) use topic_state::{Ahead, End, Progress, Topic};
pub use totals::Total;
pub(crate) use totals::{Found, Totals};
pub(crate) use window::Held;

use crate::EngineError;
use budget::WindowBudget;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskcast_core::{CommitNumber, Epoch, Index, Limits, TaskId};
use taskcast_store::Interest;

/// The topics of an engine.
pub(crate) struct Topics {
    /// Held for look-ups only, never across an await.
    map: Mutex<HashMap<TaskId, Arc<Topic>>>,
    followers: AtomicUsize,
    budget: Arc<WindowBudget>,
    interest: Arc<dyn Interest>,
    per_topic: usize,
    together: usize,
}

impl Topics {
    pub(crate) fn new(limits: &Limits, interest: Arc<dyn Interest>) -> Self {
        let budget = WindowBudget::new(limits.window_bytes_per_task, limits.window_bytes);
        Self {
            map: Mutex::default(),
            followers: AtomicUsize::new(0),
            budget: Arc::new(budget),
            interest,
            per_topic: limits.subscribers_per_task,
            together: limits.subscribers,
        }
    }

    /// The topic of a task, if somebody follows it.
    pub(crate) fn get(&self, task: &TaskId) -> Option<Arc<Topic>> {
        self.map.lock().get(task).cloned()
    }

    /// All topics.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.map.lock().values().cloned().collect()
    }

    /// How many subscribers follow a task here.
    pub(crate) fn followers_of(&self, task: &TaskId) -> usize {
        self.get(task).map_or(0, |topic| topic.followers())
    }

    /// How many subscribers there are, of one task or of all.
    pub(crate) fn followers(&self) -> usize {
        self.followers.load(Ordering::Relaxed)
    }

    /// Follows a log that was seen with this tail and newest commit.
    pub(crate) fn follow(
        self: &Arc<Self>,
        task: &TaskId,
        epoch: Epoch,
        seen: (Index, CommitNumber),
    ) -> Result<Following, EngineError> {
        let seat = self.seat()?;
        let mut map = self.map.lock();
        let topic = match map.entry(task.clone()) {
            Entry::Occupied(entry) if entry.get().can_be_joined(epoch) => entry.get().clone(),
            Entry::Occupied(mut entry) => {
                let old = entry.insert(self.make(task, epoch, seen));
                old.end(End::Replaced);
                entry.get().clone()
            }
            Entry::Vacant(entry) => {
                self.interest.follow(task);
                entry.insert(self.make(task, epoch, seen)).clone()
            }
        };
        if topic.followers() >= self.per_topic {
            return Err(EngineError::TooManySubscribers {
                what: "the task",
                limit: self.per_topic,
            });
        }
        topic.followers.fetch_add(1, Ordering::Relaxed);
        Ok(Following { topic, seat })
    }

    /// A place among all subscribers of the engine.
    pub(crate) fn seat(self: &Arc<Self>) -> Result<Seat, EngineError> {
        let limit = self.together;
        let taken = self
            .followers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < limit).then_some(taken + 1)
            });
        match taken {
            Ok(_) => Ok(Seat(self.clone())),
            Err(_) => Err(EngineError::TooManySubscribers {
                what: "the server",
                limit,
            }),
        }
    }

    fn make(&self, task: &TaskId, epoch: Epoch, seen: (Index, CommitNumber)) -> Arc<Topic> {
        Arc::new(Topic::new(task.clone(), epoch, seen, self.budget.clone()))
    }

    fn leave(&self, topic: &Arc<Topic>) {
        let mut map = self.map.lock();
        if topic.followers.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        if map
            .get(&topic.task)
            .is_some_and(|current| Arc::ptr_eq(current, topic))
        {
            map.remove(&topic.task);
            self.interest.unfollow(&topic.task);
        }
    }
}

/// A place among the subscribers of an engine; given back when dropped.
pub(crate) struct Seat(Arc<Topics>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.followers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A follower of a topic; leaves when dropped.
pub(crate) struct Following {
    topic: Arc<Topic>,
    seat: Seat,
}

impl Following {
    pub(crate) fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }
}

impl Deref for Following {
    type Target = Topic;
    fn deref(&self) -> &Topic {
        &self.topic
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.seat.0.leave(&self.topic);
    }
}
