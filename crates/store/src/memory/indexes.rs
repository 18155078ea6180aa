//! Where the tasks stand among each other.

use super::task::Task;
use crate::TaskState;
use crate::plan::deadline;
use std::collections::{BTreeMap, BTreeSet};
use taskcast_core::{CommitNumber, Millis, TaskId};

/// Where a task stands among the others.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    /// By creation, as lists go.
    pub(super) list: BTreeSet<(Millis, TaskId)>,
    /// By deadline.
    pub(super) due: BTreeSet<(Millis, TaskId)>,
    /// Each task at its newest commit.
    pub(super) feed: BTreeMap<CommitNumber, TaskId>,
    /// Each commit of which slots are left.
    pub(super) appends: BTreeMap<CommitNumber, TaskId>,
    /// Terminal tasks by completion: the order in which they give way.
    pub(super) terminal: BTreeSet<(Millis, TaskId)>,
}

impl Indexes {
    /// Takes in a task as a commit left it.
    pub(super) fn insert(&mut self, state: &TaskState, appends: bool) {
        let (record, id) = (&state.record, &state.record.id);
        self.list.insert((record.created_at, id.clone()));
        self.due.extend(deadline(record).map(|at| (at, id.clone())));
        self.terminal.extend(terminal(state));
        self.feed.insert(state.commit, id.clone());
        if appends {
            self.appends.insert(state.commit, id.clone());
        }
    }

    /// Moves a task from where it stood before a commit to where it stands after.
    pub(super) fn advance(&mut self, before: &TaskState, after: &TaskState, appends: bool) {
        if before.revision != after.revision {
            self.remove_record(before);
            self.feed.remove(&before.commit);
            return self.insert(after, appends);
        }
        let id = self.feed.remove(&before.commit);
        let id = id.unwrap_or_else(|| after.record.id.clone());
        if appends {
            self.appends.insert(after.commit, id.clone());
        }
        self.feed.insert(after.commit, id);
    }

    /// Takes a task out, with all its commits.
    pub(super) fn remove(&mut self, task: &Task) {
        self.remove_record(&task.state);
        self.feed.remove(&task.state.commit);
        for commit in task.log.commits() {
            self.appends.remove(&commit);
        }
    }

    /// Takes a task out of the indexes that its record puts it in.
    fn remove_record(&mut self, state: &TaskState) {
        let (record, id) = (&state.record, &state.record.id);
        self.list.remove(&(record.created_at, id.clone()));
        if let Some(at) = deadline(record) {
            self.due.remove(&(at, id.clone()));
        }
        if let Some(place) = terminal(state) {
            self.terminal.remove(&place);
        }
    }
}

/// Where a terminal task stands in the order of giving way.
fn terminal(state: &TaskState) -> Option<(Millis, TaskId)> {
    let record = &state.record;
    let at = record.completed_at.unwrap_or(record.updated_at);
    state.is_sealed().then(|| (at, record.id.clone()))
}
