//! One task: its state, its log and all that hangs on it.

use super::log::Log;
use super::once::{Keys, Producers, remember_key};
use super::series::SeriesSet;
use super::weight;
use crate::plan::{CommitView, KeptKey, KeptProducer, Plan};
use crate::{StoreError, Tail, TaskState};
use taskcast_core::{CommitNumber, Index, Limits, Millis, ProducerId, SeriesId, SeriesState};

#[derive(Debug)]
pub(super) struct Task {
    pub(super) state: TaskState,
    pub(super) log: Log,
    pub(super) series: SeriesSet,
    pub(super) producers: Producers,
    pub(super) keys: Keys,
    /// Bytes the task takes, about.
    pub(super) bytes: u64,
}

impl Task {
    /// A task that nothing was written to yet.
    pub(super) fn new(state: TaskState) -> Self {
        Self {
            bytes: weight::record(&state.record),
            state,
            log: Log::default(),
            series: SeriesSet::default(),
            producers: Producers::default(),
            keys: Keys::default(),
        }
    }

    pub(super) fn tail(&self) -> Tail {
        Tail {
            epoch: self.state.epoch,
            tail: self.state.tail,
            sealed: self.state.is_sealed(),
        }
    }

    /// Bytes the task grows by when a plan is applied, at most.
    pub(super) fn growth(&self, plan: &Plan) -> u64 {
        let record = weight::record(&plan.state.record);
        let before = weight::record(&self.state.record);
        weight::appended(plan) + record.saturating_sub(before)
    }

    /// Writes what a plan says.
    pub(super) fn apply(&mut self, plan: Plan, now: Millis, limits: &Limits) {
        let appended = weight::appended(&plan);
        let before = weight::record(&self.state.record);
        self.bytes += appended + weight::record(&plan.state.record);
        self.bytes = self.bytes.saturating_sub(before);
        let commit = plan.state.commit;
        self.state = plan.state;
        for event in plan.events {
            self.log.push(event);
        }
        for (id, state) in plan.series {
            let newest = self.log.slot(state.newest);
            self.series.put(id, state, newest);
        }
        plan.joined.iter().for_each(|piece| self.series.join(piece));
        for index in plan.superseded {
            self.release(|log| log.supersede(index));
        }
        if let Some((id, kept)) = plan.producer {
            self.producers
                .put(id, kept, commit, limits.producers_per_task);
        }
        if let Some(key) = plan.key {
            remember_key(&mut self.keys, key, commit, now, limits);
        }
    }

    /// Moves the trim point. Gives the commits of which no slot is left.
    pub(super) fn trim(&mut self, to: Index) -> Vec<CommitNumber> {
        let to = to.min(self.state.tail);
        self.state.trim = self.state.trim.max(to);
        self.let_go(to)
    }

    /// Lets go of slots, which the trim point does not tell of. Gives the commits of which no slot
    /// is left.
    pub(super) fn let_go(&mut self, to: Index) -> Vec<CommitNumber> {
        let to = to.min(self.state.tail);
        let mut gone = Vec::new();
        self.release(|log| log.let_go(to, &mut gone));
        gone
    }

    /// Turns events into tombstones.
    pub(super) fn clean(&mut self, indexes: &[Index]) {
        for index in indexes {
            self.release(|log| log.clean(*index));
        }
    }

    /// Takes the bytes that `work` frees off the account.
    fn release(&mut self, work: impl FnOnce(&mut Log) -> u64) {
        self.bytes = self.bytes.saturating_sub(work(&mut self.log));
    }
}

/// What a plan looks up in a task.
pub(super) struct View<'a>(pub(super) &'a Task);

impl CommitView for View<'_> {
    fn series(&mut self, id: &SeriesId) -> Result<Option<SeriesState>, StoreError> {
        Ok(self.0.series.state(id))
    }

    fn series_count(&mut self) -> Result<usize, StoreError> {
        Ok(self.0.series.len())
    }

    fn producer(&mut self, id: &ProducerId) -> Result<Option<KeptProducer>, StoreError> {
        Ok(self.0.producers.get(id).copied())
    }

    fn key(&mut self, key: &str) -> Result<Option<KeptKey>, StoreError> {
        Ok(self.0.keys.get(key).copied())
    }
}
