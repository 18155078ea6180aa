//! Random operations for the model, drawn so that they meet: few ids, few series, few keys.

use super::given::{
    NOON, by_key, by_producer, change, claim, delta, imported, in_series, json, latest, publish,
    record, task_id,
};
use super::rng::Rng;
use super::snapshot::{PRODUCERS, filters};
use crate::{
    Clock, Commit, Create, KeyClaim, ManualClock, ReadAsk, Seek, ShortTermStore, TaskState, Which,
};
use std::sync::Arc;
use taskcast_core::{
    Epoch, EventFilter, EventType, Index, Level, Millis, NewEvent, SeriesMode, Status, TaskRecord,
    Transition,
};

const IDS: [&str; 4] = ["a", "b", "c", "\u{1f600}"];

/// An operation, drawn before it is run so that both stores get the same.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create(Create),
    Commit(Commit),
    Delete(&'static str, Epoch),
    Trim(&'static str, Epoch, Index),
    Clean(&'static str, Epoch, Vec<Index>),
    SetClock(Millis),
    Reopen,
}

/// A way to read one log.
#[derive(Clone, Debug)]
pub(super) enum Look {
    Range(ReadAsk),
    Seek(Seek),
}

fn filter_at(number: u64) -> EventFilter {
    let at = usize::try_from(number % filters().len() as u64).unwrap();
    filters().swap_remove(at)
}

/// Draws operations, with an eye on the store they will be tried on.
pub(super) struct Draw {
    rng: Rng,
    clock: Arc<ManualClock>,
    epochs: u32,
    foreign: u32,
}

impl Draw {
    pub(super) fn new(seed: u64, clock: Arc<ManualClock>) -> Self {
        Self {
            rng: Rng::from_seed(seed),
            clock,
            epochs: 0,
            foreign: 0,
        }
    }

    /// The next operation, given how the tasks stand in `store`.
    pub(super) async fn operation(&mut self, store: &dyn ShortTermStore) -> Operation {
        let id = self.rng.pick(&IDS);
        let state = store.load(&task_id(id)).await.unwrap();
        match self.rng.below(40) {
            0..=3 => Operation::Create(self.create(id)),
            4..=8 => self.removal(id, state),
            9..=11 => Operation::SetClock(self.time()),
            12 => Operation::Reopen,
            13..=17 => Operation::Commit(self.change(id, state)),
            _ => Operation::Commit(self.publish(id)),
        }
    }

    /// A way to read a log that stands as `task` says.
    pub(super) fn look(&mut self, task: &TaskState) -> Look {
        let some = task.tail.0 + 3;
        match self.rng.below(5) {
            0 => Look::Seek(Seek::After(Millis(NOON.0 + self.rng.below(2_000)))),
            1 => {
                let foreign = self.rng.below(u64::from(self.foreign) + 2);
                Look::Seek(Seek::Foreign(format!("f{foreign}").into()))
            }
            2 | 3 => Look::Seek(Seek::Past {
                filter: filter_at(self.rng.next()),
                count: self.rng.below(some),
            }),
            _ => Look::Range(ReadAsk {
                from: Index(self.rng.below(some)),
                to: Index(self.rng.below(some)),
                which: self.rng.pick(&[Which::All, Which::Unfolded]),
                max_slots: self.rng.pick(&[1, 2, 100]),
                max_bytes: self.rng.pick(&[0, 30, 10_000]),
            }),
        }
    }

    fn removal(&mut self, id: &'static str, state: Option<TaskState>) -> Operation {
        let (epoch, trim, tail) = state.map_or_else(Default::default, |state| {
            (state.epoch, state.trim, state.tail)
        });
        let epoch = self.epoch(epoch);
        match self.rng.below(5) {
            0 => Operation::Delete(id, epoch),
            1 | 2 => Operation::Trim(id, epoch, trim.plus(self.rng.below(6))),
            _ => {
                let count = self.rng.below(4);
                let indexes = (0..count).map(|_| Index(self.rng.below(tail.0 + 2)));
                Operation::Clean(id, epoch, indexes.collect())
            }
        }
    }

    /// Some time later or, now and then, earlier.
    fn time(&mut self) -> Millis {
        let now = self.clock.now().plus_millis(self.rng.below(30));
        Millis(now.0 - self.rng.below(10))
    }

    /// Mostly the epoch that is meant.
    fn epoch(&mut self, epoch: Epoch) -> Epoch {
        if self.rng.chance(8) {
            Epoch(epoch.0 + 1_000)
        } else {
            epoch
        }
    }

    fn create(&mut self, id: &str) -> Create {
        self.epochs += 1;
        Create {
            record: self.record(id),
            epoch: Epoch(self.epochs),
            events: self.archive(),
            replace: self.rng.chance(4),
            key: self.rng.chance(2).then(|| self.key()),
            drawn: false,
        }
    }

    fn record(&mut self, id: &str) -> TaskRecord {
        let created = Millis(self.clock.now().0 - self.rng.below(3));
        let new = record(id, created);
        match self.rng.below(6) {
            0 => TaskRecord {
                status: Status::Failed,
                completed_at: Some(created),
                ..new
            },
            1 | 2 => TaskRecord {
                ttl: Some(5),
                timeout_at: Some(created.plus_seconds(5)),
                ..new
            },
            _ => new,
        }
    }

    /// Events that a create brings along: mostly none.
    fn archive(&mut self) -> Vec<NewEvent> {
        let count = self.rng.below(5) * u64::from(self.rng.chance(3));
        (0..count).map(|_| self.archived()).collect()
    }

    fn archived(&mut self) -> NewEvent {
        self.foreign += 1;
        let at = Millis(NOON.0 + self.rng.below(100));
        imported(self.event(), &format!("f{}", self.foreign), at)
    }

    fn key(&mut self) -> KeyClaim {
        let key = self.rng.pick(&["k1", "k2", "k3"]);
        claim(key, u8::try_from(self.rng.below(2)).unwrap())
    }

    fn change(&mut self, id: &str, state: Option<TaskState>) -> Commit {
        let Some(mut state) = state else {
            return self.publish(id);
        };
        let successors = state.record.status.successors();
        if successors.is_empty() {
            return self.publish(id);
        }
        let asked = Transition {
            ttl: self.rng.chance(3).then(|| 1 + self.rng.below(9)),
            resume_after_ms: self.rng.chance(2).then(|| self.rng.below(9_000)),
            ..Transition::to(self.rng.pick(successors))
        };
        if self.rng.chance(6) {
            state.revision = state.revision.next();
        }
        let mut commit = change(&state, &asked, self.clock.now());
        commit.epoch = None;
        let published = self.publish(id);
        commit.events.extend(published.events);
        commit.once = published.once;
        commit
    }

    fn publish(&mut self, id: &str) -> Commit {
        let events = (0..self.rng.below(5)).map(|_| self.event()).collect();
        let commit = publish(id, events);
        match self.rng.below(6) {
            0 => {
                let producer = self.rng.pick(&PRODUCERS);
                let (epoch, first) = (self.rng.below(2), self.rng.below(4));
                let last = first + self.rng.below(2);
                by_producer(commit, producer, epoch, first, last)
            }
            1 => {
                let claim = self.key();
                by_key(commit, &claim.key, claim.body[0])
            }
            2 => Commit {
                epoch: Some(Epoch(1 + u32::try_from(self.rng.below(5)).unwrap())),
                ..commit
            },
            _ => commit,
        }
    }

    fn event(&mut self) -> NewEvent {
        let series = self.rng.pick(&["s1", "s2", "l1", "l2", "k", "more"]);
        match (self.rng.below(10), series) {
            (0..=3, _) => self.plain(),
            (_, "s1" | "s2") if self.rng.chance(4) => {
                let data = self
                    .rng
                    .pick(&[r#"{"delta":1}"#, "null", r#"{"delta":"","x":[1]}"#]);
                in_series(series, SeriesMode::Accumulate, data)
            }
            (_, "l1" | "l2") => latest(series, &self.rng.below(1_000).to_string()),
            (_, "k") => in_series(series, SeriesMode::KeepAll, "{}"),
            // Now and then a series that is `latest` elsewhere.
            (_, "more") if self.rng.chance(3) => latest(self.rng.pick(&["more", "s1"]), "1"),
            _ => delta(
                series,
                self.rng
                    .pick(&["", "a", "Hello ", "\u{1f600}", r"\n\ud83d"]),
            ),
        }
    }

    fn plain(&mut self) -> NewEvent {
        let event_type = EventType::new(self.rng.pick(&["a.x", "a.y", "b"])).unwrap();
        let data = self
            .rng
            .pick(&[None, Some("null"), Some(r#"{"n": 1}"#), Some("\"x\"")]);
        NewEvent {
            level: self.rng.pick(&Level::ALL),
            ..NewEvent::new(event_type, data.map(json))
        }
    }
}
