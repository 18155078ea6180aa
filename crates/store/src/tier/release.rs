//! Letting go of a log in the short-term store: what may be let go, and the explicit request.

use super::Watermark;
use super::backlog::READER;
use super::options::later;
use super::tiered::{TieredStore, Tiers};
use super::whereabouts::Whereabouts;
use crate::plan::deadline;
use crate::{Partition, ReadError, StoreError, TaskState};
use std::time::Duration;
use taskcast_core::{CommitNumber, Index, Millis, TaskId};

/// How often, and how long, an explicit release waits for the archiver to pass the log.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 40;

/// Where a task is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageState {
    /// In the short-term store, at least its record.
    Hot,
    /// In the short-term store, and on its way out: ask again in a moment.
    Releasing,
    /// In the long-term store only.
    Cold,
}

/// What came of an explicit release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Where the task is stored now.
    pub state: StorageState,
    /// The first index that is not archived.
    pub watermark: Index,
    /// Whether this request let go of anything.
    pub released: bool,
}

/// Why nothing was released.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is no such task.
    #[error("Task not found")]
    NotFound,
    /// The log does not end where the request says, or was written to since.
    #[error("the task has changed since the time or the event that the request names")]
    Precondition,
    /// The log changes right now, or came back from the long-term store a moment ago.
    #[error("the task is being used; try again in a few seconds")]
    Busy,
    /// A store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LetGo {
    /// The whole log.
    Whole,
    /// Its slots; the record has a deadline to wait for.
    Slots,
    /// Nothing: the log has changed.
    Nothing,
}

impl TieredStore {
    /// Archives a log and lets go of it in the short-term store, if its last event is `expected_last`
    /// (none: it has no event) and nothing happened to it after `inactive_since`.
    ///
    /// A task with a deadline keeps its record in the short-term store, which then lets go of its
    /// slots only. Of a log without events there is nothing to let go.
    ///
    /// # Errors
    /// See [`ReleaseError`].
    pub async fn release(
        &self,
        id: &TaskId,
        expected_last: Option<Index>,
        inactive_since: Millis,
    ) -> Result<Released, ReleaseError> {
        let tiers = &*self.tiers;
        let (state, base) = match tiers.whereabouts(id).await? {
            Whereabouts::Hot { state, base } => (state, base),
            Whereabouts::Nowhere => return Err(ReleaseError::NotFound),
            Whereabouts::Cold(kept) => {
                return Ok(outcome(StorageState::Cold, kept.state.tail, false));
            }
        };
        if state.tail.previous() != expected_last || active(&state) > inactive_since {
            return Err(ReleaseError::Precondition);
        }
        if state.tail == Index::START {
            return Ok(outcome(StorageState::Hot, state.tail, false));
        }
        if tiers.now() < tiers.releasable(&state, base) {
            return Err(ReleaseError::Busy);
        }
        let archived = tiers.archive_log(id, state.epoch).await;
        let (kept, _) = match archived {
            Ok(archived) => archived.ok_or(ReleaseError::Busy)?,
            Err(ReadError::Gone) => return Err(ReleaseError::Busy),
            Err(ReadError::Store(error)) => return Err(error.into()),
        };
        if kept.commit != state.commit {
            return Err(ReleaseError::Busy);
        }
        if !tiers.wait_for_readers(id, state.commit).await? {
            return Ok(outcome(StorageState::Releasing, state.tail, false));
        }
        match tiers.let_go(&state).await? {
            LetGo::Whole => Ok(outcome(StorageState::Cold, state.tail, true)),
            LetGo::Slots => Ok(outcome(StorageState::Hot, state.tail, true)),
            LetGo::Nothing => Err(ReleaseError::Busy),
        }
    }
}

fn outcome(state: StorageState, watermark: Index, released: bool) -> Released {
    Released {
        state,
        watermark,
        released,
    }
}

/// When something last happened to a task.
pub(super) fn active(state: &TaskState) -> Millis {
    state.last_at.max(state.record.updated_at)
}

impl Tiers {
    /// From when on a whole log may be released. Whoever read its image before it came back the last
    /// time could bring that back after the release, so a log that was away waits until he is too
    /// late. One that has slots from its beginning never was; and one that nothing happened to since
    /// it came back is the same as its image.
    pub(super) fn releasable(&self, state: &TaskState, base: Index) -> Millis {
        if base == Index::START {
            return active(state);
        }
        later(active(state), self.options.hold())
    }

    /// Lets go of a log that is archived to its tail, and that every reader of the feed has passed.
    pub(super) async fn let_go(&self, state: &TaskState) -> Result<LetGo, StoreError> {
        let (id, epoch) = (&state.record.id, state.epoch);
        let marks = self.archive.watermarks(&[(id.clone(), epoch)]).await?;
        let whole = |mark: &Watermark| mark.commit == state.commit && mark.tail == state.tail;
        if !marks.into_iter().flatten().any(|mark| whole(&mark)) {
            return Ok(LetGo::Nothing);
        }
        if !state.is_sealed() && deadline(&state.record).is_some() {
            return match self.hot.release_below(id, epoch, state.tail).await {
                Ok(()) => Ok(LetGo::Slots),
                Err(ReadError::Gone) => Ok(LetGo::Nothing),
                Err(ReadError::Store(error)) => Err(error),
            };
        }
        let released = self.hot.release(id, epoch, state.commit).await?;
        Ok(if released {
            LetGo::Whole
        } else {
            LetGo::Nothing
        })
    }

    /// The commit up to which every reader of the feed has got.
    pub(super) async fn passed(&self, partition: Partition) -> Result<CommitNumber, StoreError> {
        let mut passed = self.hot.position(READER, partition).await?;
        for reader in &self.options.readers {
            passed = passed.min(self.hot.position(reader, partition).await?);
        }
        Ok(passed.unwrap_or_default())
    }

    async fn wait_for_readers(
        &self,
        id: &TaskId,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let partition = self.partition_of(id);
        for _ in 0..LOOKS {
            if self.passed(partition).await? >= commit {
                return Ok(true);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(false)
    }
}
