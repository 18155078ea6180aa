//! Where a log is that the short-term store does not have at hand.
//!
//! # Why a lost log is told from one that moved
//!
//! A log leaves the short-term store in two ways, each of which leaves a note there in the same
//! atomic step: it is released, or it is deleted. A note is settled only after the archive has done
//! what it says: `cool` changes the version of a log, `delete` removes it. So look at the archive
//! *first* (it calls the log hot, at version v), at the short-term store *then* (it is away, without
//! a note). If the log had left in one of the two ways, its note was settled before the second look,
//! so the archive changed before it, so the version that was found is not v any more or the log is
//! gone there. [`LongTermStore::revive`](super::LongTermStore::revive) compares the version: it
//! succeeds only for a log that the short-term store lost, and for one caller only.
//!
//! Somebody who read the image of the log before it was lost could still bring that back. He has to
//! do it within the grace of the options, by the clock of the store; should it happen, the archiver
//! finds the epoch in the short-term store unknown to the archive, and gives it back (hot wins).

use super::tiered::Tiers;
use super::{Kept, Place};
use crate::{StoreError, TaskState};
use taskcast_core::{Epoch, Index, TaskId};

/// Looks that one call takes at a task that others move at the same time.
pub(super) const TRIES: usize = 8;

/// Where a task is.
#[derive(Debug)]
pub(super) enum Whereabouts {
    /// In the short-term store.
    Hot {
        state: TaskState,
        /// The first index whose slot is held there.
        base: Index,
    },
    /// Only in the archive, whole.
    Cold(Kept),
    /// There is no such task.
    Nowhere,
}

impl Tiers {
    /// Where a task is. What the short-term store has lost is revived on the way.
    pub(super) async fn whereabouts(&self, id: &TaskId) -> Result<Whereabouts, StoreError> {
        for _ in 0..TRIES {
            if let Some(found) = self.look(id).await? {
                return Ok(found);
            }
        }
        Err(busy(id))
    }

    async fn look(&self, id: &TaskId) -> Result<Option<Whereabouts>, StoreError> {
        let (released, dead) = match self.place(id).await? {
            Place::Here { state, base, .. } => return Ok(Some(Whereabouts::Hot { state, base })),
            Place::Away { released, dead } => (released, dead),
        };
        let Some(kept) = self.archive.find(id).await? else {
            return Ok(Some(Whereabouts::Nowhere));
        };
        let epoch = kept.state.epoch;
        if dead.contains(&epoch) {
            return Ok(Some(Whereabouts::Nowhere));
        }
        if !kept.hot || released == Some(epoch) {
            return Ok(Some(Whereabouts::Cold(kept)));
        }
        self.recover(id, &kept).await?;
        Ok(None)
    }

    /// Brings a log that the short-term store has lost back to life; see above for the order.
    pub(super) async fn recover(&self, id: &TaskId, found: &Kept) -> Result<(), StoreError> {
        let epoch = found.state.epoch;
        match self.place(id).await? {
            Place::Here { .. } => return Ok(()),
            Place::Away { released, dead } => {
                if released == Some(epoch) || dead.contains(&epoch) {
                    return Ok(());
                }
            }
        }
        if self.is_complete(found).await? {
            // Nothing of it was lost, and nothing can follow: every position holds.
            self.archive.cool(id, epoch, found.state.commit).await?;
            return Ok(());
        }
        let new = self.new_epoch(epoch);
        if self.archive.revive(found, new).await? {
            tracing::warn!(task = %id, "the short-term store has lost a log; what the archive has of it goes on under a new epoch");
        }
        Ok(())
    }

    /// Whether a log is sealed and kept to its seal, which is an event.
    async fn is_complete(&self, found: &Kept) -> Result<bool, StoreError> {
        if !found.state.is_sealed() {
            return Ok(false);
        }
        let log = [(found.state.record.id.clone(), found.state.epoch)];
        let marks = self.archive.watermarks(&log).await?;
        let last = marks.into_iter().flatten().find_map(|mark| mark.last);
        Ok(last.is_some_and(|(_, commit)| commit <= found.state.commit))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "32 of the 64 bits are wanted"
    )]
    pub(super) fn new_epoch(&self, old: Epoch) -> Epoch {
        match Epoch((self.random)() as u32) {
            same if same == old => Epoch(old.0 ^ 1),
            new => new,
        }
    }

    /// Where the short-term store says that a task is.
    pub(super) async fn place(&self, id: &TaskId) -> Result<Place, StoreError> {
        let places = self.hot.places(std::slice::from_ref(id)).await?;
        let place = places.into_iter().next();
        place.ok_or_else(|| StoreError::damaged("the short-term store", "no answer for a task"))
    }
}

/// A task that others move faster than one call can follow.
pub(super) fn busy(id: &TaskId) -> StoreError {
    StoreError::unavailable(
        format!("task {id}"),
        "it moves between the tiers; try again",
    )
}
