//! Questions across tasks, answered from the indexes.

use super::partition::Partition;
use super::task::Task;
use crate::{Appended, AppendedPage, ChangedTask, DuePage, DueTask, ListAsk, ListCursor, TaskPage};
use std::ops::Bound;
use taskcast_core::{CommitNumber, Millis, Slot, TaskId};

/// Tasks that one page of a list looks at, beyond those it gives: bounds the time under the lock.
const LOOKED_AT: usize = 1_000;

impl Partition {
    pub(super) fn list(&self, ask: &ListAsk) -> TaskPage {
        let (limit, mut tasks, mut bytes) = (ask.limit.max(1), Vec::new(), 0);
        let after = ask.after.as_ref();
        let end = after.map_or(Bound::Unbounded, |at| {
            Bound::Excluded((at.created_at, at.id.clone()))
        });
        let mut last = None;
        let places = self.indexes.list.range((Bound::Unbounded, end)).rev();
        for (looked, (created_at, id)) in places.enumerate() {
            let full = tasks.len() == limit || bytes >= TaskPage::BYTES;
            if full || looked == limit.saturating_add(LOOKED_AT) {
                return TaskPage { tasks, next: last };
            }
            let task = self.task(id);
            let wanted = task.filter(|task| ask.filter.matches(&task.state.record));
            bytes += wanted.map_or(0, |task| task.state.record.weight());
            tasks.extend(wanted.map(|task| task.state.clone()));
            last = Some(ListCursor {
                created_at: *created_at,
                id: id.clone(),
            });
        }
        TaskPage { tasks, next: None }
    }

    pub(super) fn due(&self, now: Millis, limit: usize) -> DuePage {
        let mut deadlines = self.indexes.due.iter().peekable();
        let mut due = Vec::new();
        while due.len() < limit
            && let Some((at, id)) = deadlines.next_if(|(at, _)| *at <= now)
        {
            due.extend(self.task(id).map(|task| DueTask {
                id: id.clone(),
                revision: task.state.revision,
                at: *at,
            }));
        }
        let next = deadlines.next().map(|(at, _)| *at);
        DuePage { due, next }
    }

    pub(super) fn changed(&self, after: CommitNumber, limit: usize) -> Vec<ChangedTask> {
        let feed = self.indexes.feed.range(after.next()..);
        let tasks = feed.filter_map(|(_, id)| self.task(id));
        tasks.take(limit).map(changed).collect()
    }

    pub(super) fn appended(&self, after: CommitNumber, limit: usize) -> AppendedPage {
        let (mut slots, mut bytes) = (Vec::new(), 0);
        for (commit, id) in self.indexes.appends.range(after.next()..) {
            if slots.len() >= limit.max(1) || bytes >= AppendedPage::BYTES {
                // Every commit before this one is in the page, or filled no slot.
                let upto = CommitNumber(commit.0 - 1);
                return self.appended_page(slots, upto);
            }
            let task = self.task(id);
            let before = slots.len();
            slots.extend(task.into_iter().flat_map(|task| of_commit(task, *commit)));
            bytes += slots[before..].iter().map(Appended::weight).sum::<usize>();
        }
        self.appended_page(slots, self.newest.max(after))
    }

    fn appended_page(&self, slots: Vec<Appended>, upto: CommitNumber) -> AppendedPage {
        AppendedPage {
            slots,
            upto,
            newest: self.newest,
            earliest: self.released,
        }
    }
}

fn changed(task: &Task) -> ChangedTask {
    let state = &task.state;
    ChangedTask {
        commit: state.commit,
        id: state.record.id.clone(),
        epoch: state.epoch,
        tail: state.tail,
    }
}

fn of_commit(task: &Task, commit: CommitNumber) -> impl Iterator<Item = Appended> {
    let id: &TaskId = &task.state.record.id;
    let slots = task.log.of_commit(commit);
    slots.map(|slot: &Slot| Appended {
        id: id.clone(),
        epoch: task.state.epoch,
        slot: slot.clone(),
    })
}
