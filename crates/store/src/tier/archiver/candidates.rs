//! What may be released, and when: noted as tasks are archived, so that nothing is searched.

use crate::TaskState;
use crate::tier::options::later;
use crate::tier::release::active;
use crate::tier::tiered::Tiers;
use std::collections::{BTreeSet, HashMap, VecDeque};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, TaskId};

#[derive(Debug, Default)]
pub(super) struct Candidates {
    by_time: BTreeSet<(Millis, TaskId)>,
    whole: HashMap<TaskId, (Millis, Whole)>,
    /// Logs with more than their window, in the order in which they were noticed.
    windows: HashMap<TaskId, Window>,
    order: VecDeque<TaskId>,
}

/// A log to release when its time comes, if this is still its newest commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) epoch: Epoch,
    pub(super) commit: CommitNumber,
}

/// Slots to release once every reader has passed the commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) epoch: Epoch,
    pub(super) to: Index,
    pub(super) commit: CommitNumber,
}

impl Candidates {
    /// Notes a task that is archived to its tail.
    pub(super) fn see(&mut self, state: &TaskState, base: Index, tiers: &Tiers) {
        let id = &state.record.id;
        self.forget(id);
        let Some(release) = tiers.options.release else {
            return;
        };
        if base == state.tail
            && !state.is_sealed()
            && crate::plan::deadline(&state.record).is_some()
        {
            return;
        }
        let after = if state.is_sealed() {
            Some(release.terminal_after)
        } else {
            release.idle_after
        };
        if let Some(after) = after
            && state.tail > Index::START
        {
            let at = later(active(state), after).max(tiers.releasable(state, base));
            let whole = Whole {
                epoch: state.epoch,
                commit: state.commit,
            };
            self.put(id, at, whole);
        }
        if let Some(window) = release.window_events {
            self.see_window(state, base, window);
        }
    }

    fn see_window(&mut self, state: &TaskState, base: Index, window: u64) {
        let to = Index(state.tail.0.saturating_sub(window));
        // Not for every event: a quarter of the window may lie over.
        if to.0 <= base.0 + window / 4 || self.windows.contains_key(&state.record.id) {
            return;
        }
        let window = Window {
            epoch: state.epoch,
            to,
            commit: state.commit,
        };
        self.windows.insert(state.record.id.clone(), window);
        self.order.push_back(state.record.id.clone());
    }

    fn put(&mut self, id: &TaskId, at: Millis, whole: Whole) {
        self.by_time.insert((at, id.clone()));
        self.whole.insert(id.clone(), (at, whole));
    }

    fn forget(&mut self, id: &TaskId) {
        if let Some((at, _)) = self.whole.remove(id) {
            self.by_time.remove(&(at, id.clone()));
        }
    }

    /// The next log whose time has come.
    pub(super) fn take_due(&mut self, now: Millis) -> Option<(TaskId, Whole)> {
        let (at, id) = self.by_time.first()?;
        if *at > now {
            return None;
        }
        let id = id.clone();
        self.by_time.pop_first();
        self.whole.remove(&id).map(|(_, whole)| (id, whole))
    }

    /// Comes again later, unless it was noted anew meanwhile.
    pub(super) fn postpone(&mut self, id: &TaskId, at: Millis, whole: Whole) {
        if !self.whole.contains_key(id) {
            self.put(id, at, whole);
        }
    }

    /// The next log with more than its window, and how many there are.
    pub(super) fn take_window(&mut self) -> Option<(TaskId, Window)> {
        let id = self.order.pop_front()?;
        let window = self.windows.remove(&id)?;
        Some((id, window))
    }

    pub(super) fn windows(&self) -> usize {
        self.order.len()
    }

    pub(super) fn put_window_back(&mut self, id: TaskId, window: Window) {
        self.order.push_back(id.clone());
        self.windows.insert(id, window);
    }
}
