//! Random commits, the same for the same seed.

use super::{commit, create, delta, event, latest};
use std::sync::Arc;
use taskcast_core::{Limits, Millis, NewEvent, ProducerId};
use taskcast_store::{
    Commit, KeyClaim, ManualClock, MemoryOptions, MemoryStore, Once, ProducerClaim, TaskLog,
};

pub(crate) struct Draw {
    state: u64,
    producers: [u64; 2],
    keys: u8,
    /// What was drawn so far.
    done: Vec<Commit>,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(2).wrapping_add(1),
            producers: [0; 2],
            keys: 0,
            done: Vec::new(),
        }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX generator: the high bits are good enough.
        let next = self.state.wrapping_mul(6_364_136_223_846_793_005);
        self.state = next.wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }

    /// Goes on as another one will.
    pub(crate) fn skip_to(&mut self, other: &Self) {
        self.state = other.state;
    }

    /// Makes a random commit.
    pub(crate) async fn commit<S: TaskLog + ?Sized>(&mut self, store: &S, name: &str) {
        let events = (0..self.below(5)).map(|_| self.event()).collect();
        let mut drawn = commit(name, events);
        drawn.once = self.once();
        self.done.push(drawn.clone());
        store.commit(drawn).await.unwrap();
    }

    fn event(&mut self) -> NewEvent {
        let number = self.below(1_000);
        match self.below(8) {
            0 | 1 => delta("s", &format!("é{number} ")),
            2 => delta("long", &"long ".repeat(150)),
            // Ends the run.
            3 if number < 300 => super::in_series("s", r#"{"delta":1}"#),
            4 | 5 => latest("l", &number.to_string()),
            6 => latest("other", &number.to_string()),
            _ => event(&number.to_string()),
        }
    }

    fn once(&mut self) -> Option<Once> {
        let producer = usize::try_from(self.below(6)).unwrap();
        if let Some(next) = self.producers.get_mut(producer) {
            let claim = ProducerClaim {
                id: ProducerId::new(format!("p{producer}")).unwrap(),
                epoch: 0,
                first: *next,
                last: *next,
            };
            *next += 1;
            return Some(Once::Producer(claim));
        }
        if producer > 2 {
            return None;
        }
        self.keys += 1;
        let (key, body) = (format!("k{}", self.keys).into(), [self.keys; 32]);
        Some(Once::Key(KeyClaim { key, body }))
    }

    /// A store in which all that was drawn for the task `a` happened, and nothing else.
    pub(crate) async fn replay(&self) -> MemoryStore {
        let options = MemoryOptions {
            max_bytes: 1 << 30,
            limits: Limits::default(),
            incarnation: 1,
            archived: None,
        };
        let store = MemoryStore::new(options, Arc::new(ManualClock::at(Millis(1_000))));
        create(&store, "a").await;
        for commit in &self.done {
            store.commit(commit.clone()).await.unwrap();
        }
        store
    }
}

/// A text without the numbers of commits.
pub(crate) fn without_commits(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for at in 0..lines.len() {
        if lines[at].trim_end().ends_with("commit: CommitNumber(") {
            lines[at + 1] = "";
        }
    }
    lines.join("\n")
}
