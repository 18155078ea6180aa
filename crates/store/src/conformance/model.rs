//! The heart of the suite: random operations against the memory store as the reference and the
//! subject. Every outcome and everything that can be read have to be equal.

use super::draw::{Draw, Look, Operation};
use super::given::{NOON, read_range, task_id};
use super::rng::{announce, seeds};
use super::{Subject, snapshot};
use crate::{
    CommitError, Committed, CreateError, ManualClock, MemoryOptions, MemoryStore, Seek,
    ShortTermStore, TaskState,
};
use std::fmt::Debug;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Limits, Slot};

/// Sequences of operations that one run tries.
const CASES: usize = 12;
/// Operations in a sequence.
const STEPS: usize = 120;

pub async fn random_operations_do_what_the_reference_does(subject: &dyn Subject) {
    for seed in seeds(CASES) {
        announce(seed);
        Pair::open(subject, seed).await.run(subject).await;
    }
}

struct Pair {
    draw: Draw,
    clock: Arc<ManualClock>,
    limits: Limits,
    reference: Arc<dyn ShortTermStore>,
    subject: Arc<dyn ShortTermStore>,
    /// The last few operations, to show when a rule is broken.
    done: Vec<String>,
}

impl Pair {
    async fn open(subject: &dyn Subject, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let limits = Limits {
            series_per_task: 5,
            producers_per_task: 2,
            idempotency_keys_per_task: 2,
            ..Limits::default()
        };
        let options = MemoryOptions {
            max_bytes: u64::MAX >> 1,
            limits: limits.clone(),
            incarnation: 1,
            archived: None,
        };
        Self {
            draw: Draw::new(seed, clock.clone()),
            reference: Arc::new(MemoryStore::new(options, clock.clone())),
            subject: subject.open(clock.clone(), limits.clone()).await,
            clock,
            limits,
            done: Vec::new(),
        }
    }

    async fn run(mut self, subject: &dyn Subject) {
        for step in 0..STEPS {
            let operation = self.draw.operation(&*self.reference).await;
            self.done.push(format!("{operation:?}"));
            match operation {
                Operation::SetClock(now) => self.clock.set(now),
                Operation::Reopen => self.reopen(subject).await,
                operation => self.both(operation).await,
            }
            if step % 8 == 7 {
                self.compare().await;
            }
        }
        self.reopen(subject).await;
        self.compare().await;
        self.subject.close().await;
    }

    async fn both(&self, operation: Operation) {
        let expected = outcome(&*self.reference, operation.clone()).await;
        let found = outcome(&*self.subject, operation).await;
        assert_eq!(found, expected, "after {}", self.story());
    }

    async fn reopen(&mut self, subject: &dyn Subject) {
        let (store, clock) = (self.subject.clone(), self.clock.clone());
        if let Some(store) = subject.reopen(store, clock, self.limits.clone()).await {
            self.subject = store;
        }
    }

    async fn compare(&mut self) {
        let expected = snapshot(&*self.reference).await.ranked();
        let found = snapshot(&*self.subject).await.ranked();
        for (found, expected) in found.tasks.iter().zip(&expected.tasks) {
            assert_eq!(found, expected, "after {}", self.story());
        }
        assert_eq!(found, expected, "after {}", self.story());
        for task in &expected.tasks {
            self.compare_reads(&task.state).await;
        }
    }

    /// A few random ways to read one log.
    async fn compare_reads(&mut self, task: &TaskState) {
        for _ in 0..3 {
            let look = self.draw.look(task);
            let expected = seen(&*self.reference, task, &look).await;
            let found = seen(&*self.subject, task, &look).await;
            assert_eq!(found, expected, "{look:?} after {}", self.story());
        }
    }

    fn story(&self) -> String {
        let from = self.done.len().saturating_sub(12);
        self.done[from..].join("\n")
    }
}

/// What an operation says, as text, without commit numbers: they need not be dense.
pub(super) async fn outcome(store: &dyn ShortTermStore, operation: Operation) -> String {
    match operation {
        Operation::Create(create) => {
            let created = store.create(create).await;
            said(created.map(bare).map_err(bare_create_error))
        }
        Operation::Commit(commit) => {
            let committed = store.commit(commit).await;
            said(committed.map(bare_commit).map_err(bare_commit_error))
        }
        Operation::Delete(id, epoch) => said(store.delete(&task_id(id), epoch).await),
        Operation::Trim(id, epoch, to) => said(store.trim(&task_id(id), epoch, to).await),
        Operation::Clean(id, epoch, at) => said(store.clean(&task_id(id), epoch, &at).await),
        Operation::SetClock(_) | Operation::Reopen => String::new(),
    }
}

/// What a look shows, as text, without commit numbers and without positions that are trimmed: of
/// those a store need not know which is which.
pub(super) async fn seen(store: &dyn ShortTermStore, task: &TaskState, look: &Look) -> String {
    let (id, epoch) = (&task.record.id, task.epoch);
    match look {
        Look::Range(ask) => {
            let slots = read_range(store, task, *ask).await;
            let indexes: Vec<_> = slots.iter().map(Slot::index).collect();
            said(indexes)
        }
        Look::Seek(Seek::Foreign(foreign)) => {
            let found = store.seek(id, epoch, Seek::Foreign(foreign.clone())).await;
            said(found.unwrap().filter(|index| *index >= task.trim))
        }
        Look::Seek(seek) => {
            let found = store.seek(id, epoch, seek.clone()).await.unwrap();
            said(found.map(|index| index.max(task.trim)))
        }
    }
}

fn said(outcome: impl Debug) -> String {
    format!("{outcome:#?}")
}

fn bare(state: TaskState) -> TaskState {
    TaskState {
        commit: CommitNumber(0),
        ..state
    }
}

fn bare_commit(mut committed: Committed) -> Committed {
    committed.commit = CommitNumber(0);
    for event in &mut committed.events {
        event.commit = CommitNumber(0);
    }
    committed
}

fn bare_create_error(error: CreateError) -> CreateError {
    match error {
        CreateError::Exists(state) => CreateError::Exists(Box::new(bare(*state))),
        CreateError::Duplicate(state) => CreateError::Duplicate(Box::new(bare(*state))),
        other => other,
    }
}

fn bare_commit_error(error: CommitError) -> CommitError {
    match error {
        CommitError::Conflict(state) => CommitError::Conflict(Box::new(bare(*state))),
        other => other,
    }
}
