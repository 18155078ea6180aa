//! All tasks, the indexes across them, and the one place where both change together.

use super::BeforeArchive;
use super::indexes::Indexes;
use super::positions::Places;
use super::task::{Task, View};
use super::tier::Notes;
use crate::plan::{Plan, exists, plan, plan_create};
use crate::tier::Usage;
use crate::{
    Commit, CommitError, Committed, Create, CreateError, ReadError, StoreError, TaskState,
};
use std::collections::HashMap;
use taskcast_core::{CommitNumber, Epoch, Index, Limits, Millis, TaskId};

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) tasks: HashMap<TaskId, Task>,
    pub(super) indexes: Indexes,
    /// The newest commit.
    pub(super) newest: CommitNumber,
    /// The newest commit of which slots were released.
    pub(super) released: CommitNumber,
    pub(super) notes: Notes,
    pub(super) places: Places,
    /// What was ever appended, as [`Usage`] counts.
    pub(super) written: u64,
    /// Whether an archive stands behind: then nothing gives way, and deletions are noted.
    archived: bool,
    bytes: u64,
    /// Of these, the bytes of terminal tasks.
    terminal_bytes: u64,
    max_bytes: u64,
}

impl Partition {
    pub(super) fn new(max_bytes: u64, archived: Option<BeforeArchive>) -> Self {
        let before = archived.map_or(CommitNumber(0), |archived| archived.after);
        Self {
            tasks: HashMap::new(),
            indexes: Indexes::default(),
            newest: before,
            released: before,
            notes: Notes::default(),
            places: Places::default(),
            written: 0,
            archived: archived.is_some(),
            bytes: 0,
            terminal_bytes: 0,
            max_bytes,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(super) fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id)
    }

    /// The task whose log has this epoch.
    pub(super) fn log(&self, id: &TaskId, epoch: Epoch) -> Result<&Task, ReadError> {
        let task = self.task(id).filter(|task| task.state.epoch == epoch);
        task.ok_or(ReadError::Gone)
    }

    pub(super) fn create(
        &mut self,
        create: Create,
        now: Millis,
        limits: &Limits,
    ) -> Result<TaskState, CreateError> {
        let id = create.record.id.clone();
        if let Some(task) = self.task(&id)
            && !create.replace
        {
            let kept = create
                .key
                .as_ref()
                .and_then(|claim| task.keys.get(&claim.key));
            return Err(exists(&create, task.state.clone(), kept.copied()));
        }
        let plan = plan_create(create, self.newest.next(), now, limits)?;
        let mut task = Task::new(plan.state.clone());
        self.check_room(task.bytes + task.growth(&plan), self.task(&id))?;
        drop(self.remove_for_good(&id));
        let state = plan.state.clone();
        let appends = !plan.events.is_empty();
        self.written += plan.events.iter().map(Usage::of).sum::<u64>();
        task.apply(plan, now, limits);
        self.make_room(task.bytes);
        self.newest = state.commit;
        self.indexes.insert(&state, appends);
        self.account(&task);
        self.tasks.insert(id, task);
        Ok(state)
    }

    pub(super) fn commit(
        &mut self,
        commit: Commit,
        now: Millis,
        limits: &Limits,
    ) -> Result<Committed, CommitError> {
        let id = commit.task.clone();
        let meant = |task: &&Task| commit.epoch.is_none_or(|epoch| task.state.epoch == epoch);
        let Some(task) = self.task(&id).filter(meant) else {
            return Err(CommitError::NotFound(id));
        };
        let number = self.newest.next();
        let plan = plan(&task.state, commit, number, now, limits, &mut View(task))?;
        let growth = task.growth(&plan);
        // A task that ends gives way from then on: a full store must not keep it from ending.
        let leaving = plan.state.is_sealed().then_some(task);
        self.check_room(growth, leaving)?;
        self.make_room(growth);
        Ok(self.apply(&id, plan, now, limits))
    }

    fn apply(&mut self, id: &TaskId, plan: Plan, now: Millis, limits: &Limits) -> Committed {
        let after = &plan.state;
        let committed = Committed {
            epoch: after.epoch,
            commit: after.commit,
            events: plan.events.clone(),
            tail: after.tail,
            revision: after.revision,
            sealed: after.is_sealed(),
        };
        self.newest = after.commit;
        self.written += plan.events.iter().map(Usage::of).sum::<u64>();
        if let Some(task) = self.tasks.get_mut(id) {
            let appends = !plan.events.is_empty();
            self.indexes.advance(&task.state, after, appends);
            self.bytes = self.bytes.saturating_sub(task.bytes);
            task.apply(plan, now, limits);
            self.bytes += task.bytes;
            if task.state.is_sealed() {
                self.terminal_bytes += task.bytes;
            }
        }
        committed
    }

    /// Deletes a task, if it is still this log. Gives what was removed.
    pub(super) fn delete(&mut self, id: &TaskId, epoch: Epoch) -> Option<Task> {
        self.log(id, epoch).ok()?;
        self.remove_for_good(id)
    }

    pub(super) fn trim(&mut self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        let gone = self.maintain(id, epoch, |task| task.trim(to))?;
        for commit in gone {
            self.indexes.appends.remove(&commit);
        }
        Ok(())
    }

    pub(super) fn clean(
        &mut self,
        id: &TaskId,
        epoch: Epoch,
        indexes: &[Index],
    ) -> Result<(), ReadError> {
        self.maintain(id, epoch, |task| task.clean(indexes))
    }

    pub(super) fn release_below(
        &mut self,
        id: &TaskId,
        epoch: Epoch,
        to: Index,
    ) -> Result<(), ReadError> {
        let log = &self.log(id, epoch)?.log;
        let last = to.min(log.tail()).previous();
        // Its commit may go on in slots that stay.
        let last = last
            .and_then(|last| log.slot(last))
            .map(|slot| slot.commit());
        self.released = self.released.max(last.unwrap_or_default());
        let gone = self.maintain(id, epoch, |task| task.let_go(to))?;
        for commit in gone {
            self.indexes.appends.remove(&commit);
        }
        Ok(())
    }

    fn maintain<T>(
        &mut self,
        id: &TaskId,
        epoch: Epoch,
        work: impl FnOnce(&mut Task) -> T,
    ) -> Result<T, ReadError> {
        let task = self.tasks.get_mut(id);
        let task = task.filter(|task| task.state.epoch == epoch);
        let task = task.ok_or(ReadError::Gone)?;
        let before = task.bytes;
        let done = work(task);
        let freed = before.saturating_sub(task.bytes);
        self.bytes = self.bytes.saturating_sub(freed);
        if task.state.is_sealed() {
            self.terminal_bytes = self.terminal_bytes.saturating_sub(freed);
        }
        Ok(done)
    }

    /// Takes a task out that shall never come back, from the archive either.
    fn remove_for_good(&mut self, id: &TaskId) -> Option<Task> {
        let task = self.remove(id)?;
        if self.archived {
            self.notes.deleted(id, task.state.epoch);
        }
        Some(task)
    }

    pub(super) fn remove(&mut self, id: &TaskId) -> Option<Task> {
        let task = self.tasks.remove(id)?;
        self.indexes.remove(&task);
        self.bytes = self.bytes.saturating_sub(task.bytes);
        if task.state.is_sealed() {
            self.terminal_bytes = self.terminal_bytes.saturating_sub(task.bytes);
        }
        Some(task)
    }

    pub(super) fn account(&mut self, task: &Task) {
        self.bytes += task.bytes;
        if task.state.is_sealed() {
            self.terminal_bytes += task.bytes;
        }
    }

    /// Whether `growth` fits once every terminal task, and `leaving`, have given way.
    fn check_room(&self, growth: u64, leaving: Option<&Task>) -> Result<(), StoreError> {
        let giving_way = if self.archived {
            0
        } else {
            self.terminal_bytes
        };
        let live = self.bytes.saturating_sub(giving_way);
        let leaving = leaving.filter(|task| !self.archived && !task.state.is_sealed());
        let kept = live.saturating_sub(leaving.map_or(0, |task| task.bytes));
        if kept + growth <= self.max_bytes {
            return Ok(());
        }
        let what = if self.archived {
            "tasks that were not released yet"
        } else {
            "tasks that are not terminal"
        };
        let bound = format!("{what} take all of {} bytes", self.max_bytes);
        Err(StoreError::full("the memory store", bound))
    }

    /// Drops terminal tasks, those completed first, until `growth` fits.
    fn make_room(&mut self, growth: u64) {
        while self.bytes + growth > self.max_bytes
            && !self.archived
            && let Some((_, id)) = self.indexes.terminal.first().cloned()
        {
            self.remove(&id);
        }
    }
}
