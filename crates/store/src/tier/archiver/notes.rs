//! Telling the archive what was deleted and released.
//!
//! A deletion is remembered for a while after the archive has deleted too: whoever read the image of
//! the log before must not bring it back. A release is settled only when no deletion of the same id
//! waits, so that an id of which nothing but deletions is noted has no log that lives.

use super::Archiver;
use crate::tier::options::later;
use crate::tier::tiered::Tiers;
use crate::tier::{Note, NoteKind, Place};
use crate::{Partition, StoreError};
use std::collections::HashMap;
use taskcast_core::{CommitNumber, Epoch, Millis, TaskId};

/// Notes of a partition that one look fetches.
const PAGE: usize = 1_000;
/// Partitions that one step looks at.
const PARTITIONS: u16 = 8;
/// Notes that one step tells the archive of.
const AT_ONCE: usize = 256;

/// Deletions that the archive has done, with the time by the clock of the short-term store.
#[derive(Debug, Default)]
pub(super) struct Burials {
    next: u16,
    done: HashMap<(TaskId, Epoch), Millis>,
}

impl Archiver {
    pub(super) async fn settle_notes(&mut self) -> Result<(), StoreError> {
        let partitions = self.tiers.partitions();
        let mut left = AT_ONCE;
        for _ in 0..partitions.min(PARTITIONS) {
            let partition = Partition(self.burials.next % partitions.max(1));
            for note in self.tiers.hot.notes(partition, PAGE).await? {
                if left == 0 || !self.holds_lease() {
                    return Ok(());
                }
                left -= usize::from(self.settle(note).await?);
            }
            self.burials.next = (partition.0 + 1) % partitions.max(1);
        }
        Ok(())
    }

    /// Does what a note says. Tells whether there was anything to do yet.
    async fn settle(&mut self, note: Note) -> Result<bool, StoreError> {
        match note.kind {
            NoteKind::Deleted => self.bury(note).await,
            NoteKind::Released(commit) => {
                if self.tiers.cool(&note, commit).await? {
                    self.tiers.hot.settle(&note).await?;
                }
                Ok(true)
            }
        }
    }

    async fn bury(&mut self, note: Note) -> Result<bool, StoreError> {
        let tiers = &*self.tiers;
        let key = (note.id.clone(), note.epoch);
        let known = self.burials.done.get(&key).copied();
        let buried = match known {
            Some(at) => at,
            None => {
                tiers.archive.delete(&note.id, note.epoch).await?;
                tiers.now()
            }
        };
        if tiers.now() >= later(buried, tiers.options.mourn()) {
            tiers.hot.settle(&note).await?;
            self.burials.done.remove(&key);
            return Ok(true);
        }
        self.burials.done.insert(key, buried);
        Ok(known.is_none())
    }
}

impl Tiers {
    /// Marks a released log as such in the archive. Tells whether the note is done with.
    async fn cool(&self, note: &Note, commit: CommitNumber) -> Result<bool, StoreError> {
        let (id, epoch) = (&note.id, note.epoch);
        match self.place(id).await? {
            Place::Away { released, dead } if released == Some(epoch) && dead.is_empty() => {}
            _ => return Ok(false),
        }
        if self.archive.cool(id, epoch, commit).await? {
            return Ok(true);
        }
        let Some(kept) = self.archive.find(id).await? else {
            tracing::error!(task = %id, "the archive does not have a log that was released to it");
            return Ok(false);
        };
        if kept.state.epoch != epoch {
            return Ok(true);
        }
        // It came back and went on, and the short-term store lost that: another epoch, since more may
        // have been lost than the archive knows.
        let released = matches!(self.place(id).await?, Place::Away { released, .. } if released == Some(epoch));
        if !released || kept.state.commit == commit {
            return Ok(false);
        }
        self.archive.revive(&kept, self.new_epoch(epoch)).await
    }
}
