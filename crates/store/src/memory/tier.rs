//! The memory store before an archive: what it lets go of, takes back, and still has to tell.

use super::MemoryStore;
use super::log::Log;
use super::partition::Partition;
use super::task::Task;
use crate::tier::{HotStore, LogImage, Note, NoteKind, OnceImage, Place, Restored, Usage};
use crate::{Partition as Number, ReadError, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;
use taskcast_core::{CommitNumber, Epoch, Index, Limits, Millis, TaskId};

/// What the archive was not told yet.
#[derive(Debug, Default)]
pub(super) struct Notes(HashMap<TaskId, NotesOf>);

#[derive(Debug, Default)]
struct NotesOf {
    released: Option<(Epoch, CommitNumber)>,
    dead: Vec<Epoch>,
}

impl Notes {
    pub(super) fn deleted(&mut self, id: &TaskId, epoch: Epoch) {
        let of = self.0.entry(id.clone()).or_default();
        if !of.dead.contains(&epoch) {
            of.dead.push(epoch);
        }
        of.released = of.released.filter(|(released, _)| *released != epoch);
    }

    fn released(&mut self, id: &TaskId, epoch: Epoch, commit: CommitNumber) {
        self.0.entry(id.clone()).or_default().released = Some((epoch, commit));
    }

    fn restored(&mut self, id: &TaskId) {
        if let Some(of) = self.0.get_mut(id) {
            of.released = None;
        }
        self.forget_empty(id);
    }

    fn settle(&mut self, note: &Note) {
        let Some(of) = self.0.get_mut(&note.id) else {
            return;
        };
        match note.kind {
            NoteKind::Deleted => of.dead.retain(|epoch| *epoch != note.epoch),
            NoteKind::Released(commit) => {
                of.released = of.released.filter(|it| *it != (note.epoch, commit));
            }
        }
        self.forget_empty(&note.id);
    }

    fn forget_empty(&mut self, id: &TaskId) {
        let empty = |of: &NotesOf| of.released.is_none() && of.dead.is_empty();
        if self.0.get(id).is_some_and(empty) {
            self.0.remove(id);
        }
    }

    fn dead(&self, id: &TaskId) -> Vec<Epoch> {
        self.0.get(id).map_or_else(Vec::new, |of| of.dead.clone())
    }

    fn all(&self) -> impl Iterator<Item = Note> {
        self.0.iter().flat_map(|(id, of)| {
            let note = |epoch, kind| Note {
                id: id.clone(),
                epoch,
                kind,
            };
            let dead = of.dead.iter().map(move |it| note(*it, NoteKind::Deleted));
            let released = of.released.into_iter();
            dead.chain(released.map(move |(epoch, at)| note(epoch, NoteKind::Released(at))))
        })
    }
}

impl Partition {
    fn place(&self, id: &TaskId) -> Place {
        let dead = self.notes.dead(id);
        match self.task(id) {
            Some(task) => Place::Here {
                state: task.state.clone(),
                base: task.log.base(),
                dead,
            },
            None => Place::Away {
                released: self.notes.0.get(id).and_then(|of| Some(of.released?.0)),
                dead,
            },
        }
    }

    fn release(&mut self, id: &TaskId, epoch: Epoch, commit: CommitNumber) -> bool {
        let still = |task: &&Task| task.state.epoch == epoch && task.state.commit == commit;
        if self.task(id).filter(still).is_none() {
            return false;
        }
        drop(self.remove(id));
        self.released = self.released.max(commit);
        self.notes.released(id, epoch, commit);
        true
    }

    fn restore(&mut self, image: LogImage, now: Millis, limits: &Limits) -> Restored {
        let (id, epoch) = (image.state.record.id.clone(), image.state.epoch);
        if self.task(&id).is_some() || self.notes.dead(&id).contains(&epoch) {
            return Restored::Overtaken;
        }
        let mut state = image.state;
        self.newest = self.newest.next();
        state.commit = self.newest;
        let mut task = Task::new(state);
        task.log = Log::without_slots(task.state.tail, image.counts);
        task.series.restore(image.series);
        let commits = (1..).map(CommitNumber);
        for (commit, (id, kept)) in commits.clone().zip(image.once.producers) {
            task.producers
                .put(id, kept, commit, limits.producers_per_task);
        }
        for (commit, key) in commits.zip(image.once.keys) {
            super::once::remember_key(&mut task.keys, key, commit, now, limits);
        }
        self.indexes.insert(&task.state, false);
        self.account(&task);
        self.notes.restored(&id);
        self.tasks.insert(id, task);
        Restored::Done
    }
}

#[async_trait]
impl HotStore for MemoryStore {
    async fn places(&self, ids: &[TaskId]) -> Result<Vec<Place>, StoreError> {
        self.with(|partition| Ok(ids.iter().map(|id| partition.place(id)).collect()))
    }

    async fn once_since(
        &self,
        id: &TaskId,
        epoch: Epoch,
        after: CommitNumber,
    ) -> Result<OnceImage, ReadError> {
        self.with(|partition| {
            let task = partition.log(id, epoch)?;
            Ok(OnceImage {
                producers: task.producers.since(after),
                keys: task.keys.since(after),
            })
        })
    }

    async fn release_below(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.with(|partition| partition.release_below(id, epoch, to))
    }

    async fn release(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        self.with(|partition| Ok(partition.release(id, epoch, commit)))
    }

    async fn restore(&self, image: LogImage, until: Millis) -> Result<Restored, StoreError> {
        let now = self.clock.now();
        if now > until {
            return Ok(Restored::TooLate);
        }
        self.with(|partition| Ok(partition.restore(image, now, &self.limits)))
    }

    async fn note_deleted(&self, id: &TaskId, epoch: Epoch) -> Result<(), StoreError> {
        self.with(|partition| {
            partition.notes.deleted(id, epoch);
            Ok(())
        })
    }

    async fn notes(&self, partition: Number, limit: usize) -> Result<Vec<Note>, StoreError> {
        self.with(|only| match partition {
            Number(0) => Ok(only.notes.all().take(limit).collect()),
            _ => Ok(Vec::new()),
        })
    }

    async fn settle(&self, note: &Note) -> Result<(), StoreError> {
        self.with(|partition| {
            partition.notes.settle(note);
            Ok(())
        })
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.with(|partition| {
            Ok(Usage {
                written: vec![partition.written],
                capacity: Some(partition.max_bytes()),
            })
        })
    }
}
