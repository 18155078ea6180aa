//! The tasks whose messages one lane is to bring.

use parking_lot::Mutex;
use std::collections::HashSet;
use taskcast_core::TaskId;
use tokio::sync::Notify;

/// A set of tasks that tells what was changed in it.
#[derive(Default)]
pub(super) struct Wanted {
    /// Held for memory operations only.
    tasks: Mutex<Tasks>,
    told: Notify,
}

#[derive(Default)]
struct Tasks {
    wanted: HashSet<TaskId>,
    /// Those that came or went since they were asked for.
    changed: HashSet<TaskId>,
}

impl Wanted {
    pub(super) fn add(&self, task: &TaskId) {
        let mut tasks = self.tasks.lock();
        if tasks.wanted.insert(task.clone()) {
            tasks.changed.insert(task.clone());
            self.told.notify_one();
        }
    }

    pub(super) fn remove(&self, task: &TaskId) {
        let mut tasks = self.tasks.lock();
        if tasks.wanted.remove(task) {
            tasks.changed.insert(task.clone());
            self.told.notify_one();
        }
    }

    /// Takes out the tasks that belong elsewhere.
    pub(super) fn take(&self, elsewhere: impl Fn(&TaskId) -> bool) -> Vec<TaskId> {
        let mut tasks = self.tasks.lock();
        let taken: Vec<TaskId> = tasks.wanted.extract_if(elsewhere).collect();
        tasks.changed.extend(taken.iter().cloned());
        self.told.notify_one();
        taken
    }

    /// All of them, for a connection that has none yet: nothing counts as changed after that.
    pub(super) fn all(&self) -> Vec<TaskId> {
        let mut tasks = self.tasks.lock();
        tasks.changed.clear();
        tasks.wanted.iter().cloned().collect()
    }

    /// What was changed, and whether it is wanted now; waits until something is.
    pub(super) async fn changes(&self) -> Vec<(TaskId, bool)> {
        loop {
            let changes = self.tasks.lock().changes();
            if !changes.is_empty() {
                return changes;
            }
            self.told.notified().await;
        }
    }
}

impl Tasks {
    fn changes(&mut self) -> Vec<(TaskId, bool)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed
            .map(|task| {
                let wanted = self.wanted.contains(&task);
                (task, wanted)
            })
            .collect()
    }
}
