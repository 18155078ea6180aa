//! What one log has gained since it was last archived.

use super::junction::Junction;
use crate::tier::tiered::Tiers;
use crate::tier::{ArchiveEntry, OnceImage, TierOptions, Watermark};
use crate::{ReadAsk, ReadError, StoreError, TaskState, Which};
use taskcast_core::{CommitNumber, Index, Slot};

/// The most slots of one read.
const PAGE: usize = 1_000;

/// What one call to the archive may still hold.
pub(super) struct Budget {
    slots: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn of(options: &TierOptions) -> Self {
        Self {
            slots: options.batch_slots.max(1),
            bytes: options.batch_bytes.max(1),
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.slots == 0 || self.bytes == 0
    }

    fn spend(&mut self, slots: &[Slot]) {
        let weight = |slot: &Slot| slot.event().map_or(0, taskcast_core::Event::weight);
        let bytes: usize = slots.iter().map(weight).sum();
        self.slots = self.slots.saturating_sub(slots.len());
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

pub(super) enum Gathered {
    /// It has gained this.
    Entry(ArchiveEntry),
    /// Nothing: it is kept as it is.
    Kept,
    /// Nothing that could be archived.
    Nothing,
}

impl Tiers {
    /// Reads what a log has gained, as much of it as the budget allows. `mark` was looked at before
    /// `state`.
    pub(super) async fn gather(
        &self,
        state: &TaskState,
        base: Index,
        mark: Option<Watermark>,
        budget: &mut Budget,
    ) -> Result<Gathered, ReadError> {
        if mark.is_some_and(|mark| mark.commit == state.commit) {
            return Ok(Gathered::Kept);
        }
        let (from, after) = match self.junction(state, base, mark).await? {
            Junction::New => (Index::START, CommitNumber(0)),
            Junction::At(mark) => (mark.tail, mark.commit),
        };
        let slots = self.slots_from(state, from, budget).await?;
        let tail = from.plus(slots.len() as u64);
        let (id, epoch) = (&state.record.id, state.epoch);
        let once = self.hot.once_since(id, epoch, after).await?;
        Ok(Gathered::Entry(ArchiveEntry {
            partition: self.partition_of(id),
            state: state.clone(),
            from,
            slots,
            once: below(once, tail),
        }))
    }

    async fn slots_from(
        &self,
        state: &TaskState,
        mut from: Index,
        budget: &mut Budget,
    ) -> Result<Vec<Slot>, ReadError> {
        let (id, epoch) = (&state.record.id, state.epoch);
        let mut slots = Vec::new();
        while from < state.tail && !budget.is_spent() {
            let ask = ReadAsk {
                from,
                to: state.tail,
                which: Which::All,
                max_slots: PAGE.min(budget.slots),
                max_bytes: budget.bytes,
            };
            let page = self.hot.read(id, epoch, ask).await?;
            let dense = page.slots.iter().zip(from.0..);
            if page.slots.is_empty() || !dense.clone().all(|(slot, at)| slot.index().0 == at) {
                let cause = format!("slot {from} of task {id} is neither there nor archived");
                return Err(StoreError::damaged("the short-term store", cause).into());
            }
            budget.spend(&page.slots);
            from = from.plus(page.slots.len() as u64);
            slots.extend(page.slots);
        }
        Ok(slots)
    }
}

/// What names events below `tail`. What is newer than the slots that were read comes with those that
/// it names: a request must not be known whose events are not.
fn below(once: OnceImage, tail: Index) -> OnceImage {
    let OnceImage {
        mut producers,
        mut keys,
    } = once;
    producers.retain(|(_, kept)| kept.original.first.plus(kept.original.count) <= tail);
    keys.retain(|(_, kept)| kept.original.first.plus(kept.original.count) <= tail);
    OnceImage { producers, keys }
}
