//! One log: its slots, and the small indexes that make reads cheap.
//!
//! ```text
//!   index     0 ...... base                    tail
//!   slots     | gone  | shared slots ......... |
//!   unfolded          | 12    15 16      21    |   indexes that are not deltas
//!   kinds     per (type, level): how many are gone, and the indexes that are here
//! ```

use super::series::is_delta;
use super::weight;
use crate::{ReadAsk, Seek, Which};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Event, EventFilter, EventType, Index, Level, Millis, Slot, TombstoneReason,
};

#[derive(Debug, Default)]
pub(super) struct Log {
    /// The index of the first slot: the trim point, or more when slots were released.
    base: Index,
    /// Shared, so that a read copies them after the lock is gone.
    slots: VecDeque<Arc<Slot>>,
    unfolded: VecDeque<Index>,
    kinds: HashMap<(EventType, Level), Kind>,
    foreign: HashMap<Box<str>, Index>,
}

/// Where the events of one type and level stand.
#[derive(Debug, Default)]
struct Kind {
    gone: u64,
    indexes: VecDeque<Index>,
}

/// What a read found.
pub(super) struct Found {
    pub(super) slots: Vec<Arc<Slot>>,
    pub(super) next: Index,
}

impl Log {
    /// A log without slots, of which so many below `tail` are of each kind.
    pub(super) fn without_slots(tail: Index, counts: Vec<(EventType, Level, u64)>) -> Self {
        let kind = |(event_type, level, gone)| {
            let indexes = VecDeque::new();
            ((event_type, level), Kind { gone, indexes })
        };
        Self {
            base: tail,
            kinds: counts.into_iter().map(kind).collect(),
            ..Self::default()
        }
    }

    /// The first index whose slot is here.
    pub(super) fn base(&self) -> Index {
        self.base
    }

    /// Appends an event, which carries the index of the tail.
    pub(super) fn push(&mut self, event: Event) {
        let index = event.index;
        let kind = (event.event_type.clone(), event.level);
        self.kinds.entry(kind).or_default().indexes.push_back(index);
        if !is_delta(&event) {
            self.unfolded.push_back(index);
        }
        if let Some(id) = &event.foreign_id {
            self.foreign.insert(id.clone(), index);
        }
        self.slots.push_back(Arc::new(Slot::Event(event)));
    }

    /// The slot at an index, if it is written and not trimmed.
    pub(super) fn slot(&self, index: Index) -> Option<&Arc<Slot>> {
        self.slots.get(self.offset(index)?)
    }

    /// The slots that a commit filled.
    pub(super) fn of_commit(&self, commit: CommitNumber) -> impl Iterator<Item = &Slot> {
        let first = self.slots.partition_point(|slot| slot.commit() < commit);
        let slots = self.slots.range(first..).map(|slot| &**slot);
        slots.take_while(move |slot| slot.commit() == commit)
    }

    /// The commits that filled slots, in order; a commit comes once for each of its slots.
    pub(super) fn commits(&self) -> impl Iterator<Item = CommitNumber> {
        self.slots.iter().map(|slot| slot.commit())
    }

    /// A page of slots.
    pub(super) fn read(&self, ask: &ReadAsk) -> Found {
        match ask.which {
            Which::All => {
                let first = self.offset(ask.from).unwrap_or(0).min(self.slots.len());
                self.page(ask, self.slots.range(first..))
            }
            Which::Unfolded => {
                let first = self.unfolded.partition_point(|index| *index < ask.from);
                let indexes = self.unfolded.range(first..);
                self.page(ask, indexes.filter_map(|index| self.slot(*index)))
            }
        }
    }

    fn page<'a>(&self, ask: &ReadAsk, found: impl Iterator<Item = &'a Arc<Slot>>) -> Found {
        let (mut slots, mut bytes) = (Vec::new(), 0);
        for slot in found.take_while(|slot| slot.index() < ask.to) {
            let payload = payload(slot);
            let fits = slots.len() < ask.max_slots && bytes + payload <= ask.max_bytes;
            if !fits && !slots.is_empty() {
                let next = slot.index();
                return Found { slots, next };
            }
            bytes += payload;
            slots.push(slot.clone());
        }
        let next = self.tail().min(ask.to);
        Found { slots, next }
    }

    /// How many slots below `upto`, but at least those below the base, a filter matches.
    pub(super) fn count(&self, filter: &EventFilter, upto: Index) -> u64 {
        if filter.is_all() {
            return upto.clamp(self.base, self.tail()).0;
        }
        let kinds = self.matching(filter);
        kinds.map(|kind| kind.below(upto)).sum()
    }

    /// Looks for a position.
    pub(super) fn seek(&self, seek: &Seek) -> Option<Index> {
        match seek {
            Seek::After(at) => Some(self.after(*at)),
            Seek::Past { filter, count } => self.past(filter, *count),
            Seek::Foreign(id) => self.foreign.get(id).copied(),
        }
    }

    fn after(&self, at: Millis) -> Index {
        let passed = self.slots.partition_point(|slot| slot.at() <= at);
        self.base.plus(passed as u64)
    }

    /// The position after the first `count` matches; [`Index::START`] when it is trimmed.
    fn past(&self, filter: &EventFilter, count: u64) -> Option<Index> {
        let gone: u64 = self.matching(filter).map(|kind| kind.gone).sum();
        if count < gone || count == 0 {
            return Some(Index::START);
        }
        // The smallest index with `count` matches below it, by bisection.
        let (mut low, mut high) = (self.base, self.tail());
        if self.count(filter, high) < count {
            return None;
        }
        while low < high {
            let middle = Index(low.0 + (high.0 - low.0) / 2);
            if self.count(filter, middle) < count {
                low = middle.next();
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// Drops the payload of an event that a newer one replaced. Gives the bytes freed.
    pub(super) fn supersede(&mut self, index: Index) -> u64 {
        self.entomb(index, TombstoneReason::Superseded)
    }

    /// Drops the payload of an event by a cleanup rule. Gives the bytes freed.
    pub(super) fn clean(&mut self, index: Index) -> u64 {
        self.entomb(index, TombstoneReason::Cleaned)
    }

    fn entomb(&mut self, index: Index, reason: TombstoneReason) -> u64 {
        let Some(slot) = self.offset(index).and_then(|at| self.slots.get_mut(at)) else {
            return 0;
        };
        let Slot::Event(event) = &**slot else {
            return 0;
        };
        let tombstone = Slot::Tombstone(event.tombstone(reason));
        let freed = weight::slot(slot).saturating_sub(weight::slot(&tombstone));
        *slot = Arc::new(tombstone);
        freed
    }

    /// Lets go of the slots below `to`. Gives the bytes freed, and notes the commits of which
    /// nothing is left.
    pub(super) fn let_go(&mut self, to: Index, gone: &mut Vec<CommitNumber>) -> u64 {
        let mut freed = 0;
        while self.base < to
            && let Some(slot) = self.slots.pop_front()
        {
            freed += weight::slot(&slot);
            self.forget(&slot);
            self.base = self.base.next();
            let commit = slot.commit();
            let last = self
                .slots
                .front()
                .is_none_or(|next| next.commit() != commit);
            gone.extend(last.then_some(commit));
        }
        freed
    }

    /// Takes a slot that is gone, the first of the log, out of the indexes.
    fn forget(&mut self, slot: &Slot) {
        let (event_type, level) = slot.kind();
        if let Some(kind) = self.kinds.get_mut(&(event_type.clone(), level)) {
            kind.indexes.pop_front();
            kind.gone += 1;
        }
        if self.unfolded.front() == Some(&slot.index()) {
            self.unfolded.pop_front();
        }
        let foreign = match slot {
            Slot::Event(event) => &event.foreign_id,
            Slot::Tombstone(tombstone) => &tombstone.foreign_id,
        };
        if let Some(id) = foreign {
            self.foreign.remove(id);
        }
    }

    fn matching(&self, filter: &EventFilter) -> impl Iterator<Item = &Kind> {
        let matches = |(event_type, level): &(EventType, Level)| filter.matches(event_type, *level);
        let kinds = self.kinds.iter().filter(move |(kind, _)| matches(kind));
        kinds.map(|(_, kind)| kind)
    }

    pub(super) fn tail(&self) -> Index {
        self.base.plus(self.slots.len() as u64)
    }

    fn offset(&self, index: Index) -> Option<usize> {
        usize::try_from(index.0.checked_sub(self.base.0)?).ok()
    }
}

impl Kind {
    fn below(&self, upto: Index) -> u64 {
        self.gone + self.indexes.partition_point(|index| *index < upto) as u64
    }
}

/// Payload bytes of a slot, which pages are measured in.
fn payload(slot: &Slot) -> usize {
    let data = slot.event().and_then(|event| event.data.as_ref());
    data.map_or(0, |data| data.as_bytes().len())
}
