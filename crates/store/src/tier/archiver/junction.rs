//! Where the archive and a log in the short-term store meet.
//!
//! ```text
//!   archive   0 1 2 3 4 5 6|          the short-term store lost 5 and 6, and went on:
//!   hot       0 1 2 3 4 5'6'7'|       5 is the first slot that differs, by time and commit
//! ```
//!
//! The short-term store is the truth. Commits are never numbered twice, so below some slot all are
//! equal and from there on all differ: the place is found by halving, and the archive taken back.

use crate::tier::tiered::Tiers;
use crate::tier::{Kept, Watermark};
use crate::{LogReader, ReadAsk, ReadError, StoreError, TaskState, Which};
use taskcast_core::{CommitNumber, Index, Millis, Slot};

pub(super) enum Junction {
    /// The archive does not know the log.
    New,
    /// The log goes on at this watermark.
    At(Watermark),
}

impl Tiers {
    /// Finds where a log goes on in the archive. `mark` was looked at before `state`, which therefore
    /// stands before the watermark only when the short-term store has lost something.
    pub(super) async fn junction(
        &self,
        state: &TaskState,
        base: Index,
        mark: Option<Watermark>,
    ) -> Result<Junction, ReadError> {
        let Some(mark) = mark else {
            return self.unknown(state, base).await;
        };
        if mark.tail < base {
            return Err(self.hole(state, mark.tail).into());
        }
        let to = if mark.tail > state.tail || self.differs(state, base, &mark).await? {
            self.first_different(state, base, mark.tail).await?
        } else if mark.revision > state.revision {
            mark.tail
        } else {
            return Ok(Junction::At(mark));
        };
        let (id, epoch) = (&state.record.id, state.epoch);
        tracing::warn!(task = %id, index = to.0, "the short-term store has lost events that were archived; the archive is taken back");
        self.archive.rewind(id, epoch, to).await?;
        let marks = self.archive.watermarks(&[(id.clone(), epoch)]).await?;
        let mark = marks.into_iter().next().flatten();
        mark.map(Junction::At).ok_or(ReadError::Gone)
    }

    async fn unknown(&self, state: &TaskState, base: Index) -> Result<Junction, ReadError> {
        if base == Index::START {
            return Ok(Junction::New);
        }
        // Somebody took it for lost while somebody slow brought it back: it has its epoch again.
        let (id, epoch) = (&state.record.id, state.epoch);
        let found = self.archive.find(id).await?;
        let same = |kept: &Kept| kept.state.epoch != epoch && kept.state.tail >= base;
        let Some(kept) = found.filter(same) else {
            return Err(self.hole(state, Index::START).into());
        };
        self.archive.revive(&kept, epoch).await?;
        let marks = self.archive.watermarks(&[(id.clone(), epoch)]).await?;
        let mark = marks.into_iter().next().flatten();
        mark.map(Junction::At).ok_or(ReadError::Gone)
    }

    fn hole(&self, state: &TaskState, from: Index) -> StoreError {
        let cause = format!(
            "it lacks slots of task {} from {from} on that were released to it",
            state.record.id
        );
        StoreError::damaged("the long-term store", cause)
    }

    /// Whether the slot before the watermark is another one in the short-term store.
    async fn differs(
        &self,
        state: &TaskState,
        base: Index,
        mark: &Watermark,
    ) -> Result<bool, ReadError> {
        let (Some(last), Some(before)) = (mark.last, mark.tail.previous()) else {
            return Ok(false);
        };
        if before < base.max(state.trim) {
            return Ok(false);
        }
        let found = stamp(&*self.hot, state, before).await?;
        Ok(found.is_some_and(|found| found != last))
    }

    async fn first_different(
        &self,
        state: &TaskState,
        base: Index,
        tail: Index,
    ) -> Result<Index, ReadError> {
        let end = tail.min(state.tail);
        let (mut low, mut high) = (base.max(state.trim).min(end), end);
        while low < high {
            let middle = Index(low.0 + (high.0 - low.0) / 2);
            let held = stamp(&*self.hot, state, middle).await?;
            let kept = stamp(&*self.archive, state, middle).await?;
            if held.is_some() && kept.is_some() && held != kept {
                high = middle;
            } else {
                low = middle.next();
            }
        }
        Ok(low)
    }
}

/// Time and commit of one slot.
async fn stamp<R: LogReader + ?Sized>(
    from: &R,
    state: &TaskState,
    at: Index,
) -> Result<Option<(Millis, CommitNumber)>, ReadError> {
    let ask = ReadAsk {
        from: at,
        to: at.next(),
        which: Which::All,
        max_slots: 1,
        max_bytes: 0,
    };
    let page = from.read(&state.record.id, state.epoch, ask).await?;
    let stamp = |slot: &Slot| (slot.at(), slot.commit());
    Ok(page.slots.first().map(stamp))
}
