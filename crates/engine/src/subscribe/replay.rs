//! The folded replay: what a reader who comes late gets instead of every delta.
//!
//! ```text
//!   log      u0  d1  u2  d3  d4 | T          u: unfolded   d: deltas of one series
//!   replay   u0      u2      S4 | then every event from T on
//! ```
//!
//! Frames come in index order. Each head stands at its newest delta; all heads are exact at the
//! same tail `T`, so nothing comes twice and nothing is missing, wherever the stream is cut.

use std::collections::VecDeque;
use taskcast_core::{EventFilter, Head, Index, Slot};
use taskcast_store::{Heads, Page, ReadAsk, Which};

/// A folded replay under way. Gives one thing at a time; pages come from outside.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The tail at which the heads are exact: the replay ends here.
    pub(crate) upto: Index,
    /// The next index to look at.
    pub(crate) next: Index,
    /// How many slots below `next` the filter matches.
    pub(crate) counted: u64,
    slots: VecDeque<Slot>,
    /// Where the slots at hand end: everything wanted below it was among them.
    covered: Index,
    heads: VecDeque<Head>,
    which: Which,
}

/// What comes next in a replay.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// An unfolded slot.
    Slot(&'a Slot),
    /// A head.
    Head(&'a Head),
    /// A page has to be read first.
    Page(ReadAsk),
    /// Everything below `upto` was given.
    End,
}

impl Replay {
    const MAX_SLOTS: usize = 512;
    const MAX_BYTES: usize = 256 << 10;

    /// The replay of the heads that stand at `from` or later, and of the slots from there on that
    /// are not below `trim`; `counted` slots below both match the filter.
    pub(crate) fn new(
        from: Index,
        trim: Index,
        counted: u64,
        heads: Heads,
        filter: &EventFilter,
    ) -> Self {
        let upto = heads.tail;
        let heads: VecDeque<Head> = heads
            .heads
            .into_iter()
            .filter(|head| head.newest.index >= from)
            .collect();
        let from = from.max(trim).min(upto);
        // Positions under a filter count the deltas too, so they have to be looked at.
        let which = if filter.is_all() {
            Which::Unfolded
        } else {
            Which::All
        };
        Self {
            upto,
            next: from,
            counted,
            slots: VecDeque::new(),
            covered: from,
            heads,
            which,
        }
    }

    /// Whether positions are counted slot by slot.
    pub(crate) fn counts(&self) -> bool {
        self.which == Which::All
    }

    /// What comes next. Stays the same until [`pass`](Self::pass).
    pub(crate) fn next(&self) -> Next<'_> {
        let slot = self.slots.front();
        let limit = slot.map_or(self.covered, Slot::index);
        match self.heads.front() {
            // At one index, a head comes after the delta it stands at has been counted as seen.
            Some(head) if head.newest.index < limit => Next::Head(head),
            Some(head) if slot.is_some_and(|slot| slot.index() == head.newest.index) => {
                Next::Head(head)
            }
            _ => match slot {
                Some(slot) => Next::Slot(slot),
                None if self.covered < self.upto => Next::Page(self.page()),
                None => Next::End,
            },
        }
    }

    fn page(&self) -> ReadAsk {
        ReadAsk {
            from: self.covered,
            to: self.upto,
            which: self.which,
            max_slots: Self::MAX_SLOTS,
            max_bytes: Self::MAX_BYTES,
        }
    }

    /// How many heads that a filter matches are still to come.
    pub(crate) fn heads_left(&self, filter: &EventFilter) -> u64 {
        let wanted = self.heads.iter().filter(|head| wants(filter, head));
        wanted.count() as u64
    }

    /// Takes a page that was asked for.
    pub(crate) fn take(&mut self, page: Page) {
        self.covered = page.next.max(self.covered.next()).min(self.upto);
        self.slots.extend(page.slots);
    }

    /// Passes what came next.
    pub(crate) fn pass(&mut self, filter: &EventFilter) {
        enum Kind {
            Head,
            Slot,
            None,
        }
        let kind = match self.next() {
            Next::Head(_) => Kind::Head,
            Next::Slot(_) => Kind::Slot,
            Next::Page(_) | Next::End => Kind::None,
        };
        match kind {
            Kind::Head => {
                if let Some(head) = self.heads.pop_front() {
                    self.pass_delta_of(&head, filter);
                    self.next = self.next.max(head.newest.index.next());
                }
            }
            Kind::Slot => {
                if let Some(slot) = self.slots.pop_front() {
                    self.count(&slot, filter);
                    self.next = slot.index().next();
                }
            }
            Kind::None => self.next = self.upto,
        }
    }

    /// The position, under the filter, of what comes next. Of a head below the trim point it is
    /// not known any more: then a number that is too large by less than the trimmed slots after it.
    pub(crate) fn position(&self, index: Index, filter: &EventFilter) -> u64 {
        if !self.counts() {
            return index.0;
        }
        let below = self.heads.iter();
        let below = below.take_while(|head| head.newest.index < self.next);
        let wanted = below.filter(|head| wants(filter, head)).count() as u64;
        self.counted.saturating_sub(wanted)
    }

    /// A head is shown in place of its newest delta.
    fn pass_delta_of(&mut self, head: &Head, filter: &EventFilter) {
        if self
            .slots
            .front()
            .is_some_and(|slot| slot.index() == head.newest.index)
            && let Some(slot) = self.slots.pop_front()
        {
            self.count(&slot, filter);
        }
    }

    fn count(&mut self, slot: &Slot, filter: &EventFilter) {
        let (event_type, level) = slot.kind();
        if filter.matches(event_type, level) {
            self.counted += 1;
        }
    }
}

fn wants(filter: &EventFilter, head: &Head) -> bool {
    filter.matches(&head.newest.event_type, head.newest.level)
}
