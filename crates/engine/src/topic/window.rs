//! The newest events of a followed log, in memory.
//!
//! ```text
//!        start                    ready            known
//!   ... | in the store only | window, contiguous | committed, not here yet |
//!                                       ahead: batches that came out of order
//! ```
//!
//! Acknowledgements of commits to one task may arrive out of order, because each is carried by its
//! own caller. A batch that came too early waits in `ahead`; if the one before it never comes (its
//! caller went away, or is another engine), one read of the store for all followers fills the hole.

use super::SharedEvent;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use taskcast_core::{CommitNumber, Event, Index, Millis, Slot, Tombstone};

#[derive(Debug)]
pub(super) struct Window {
    start: Index,
    held: VecDeque<Held>,
    /// No slot below the end of the window has a newer commit; none when that is not known.
    newest: Option<CommitNumber>,
    /// Whether a slot came that shows a loss; nothing is taken any more then.
    rewritten: bool,
    bytes: usize,
    ahead: BTreeMap<Index, Vec<Event>>,
    ahead_bytes: usize,
}

/// A slot in the window.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// An event, encoded once for all followers.
    Event(Arc<SharedEvent>),
    /// What is left of one that was superseded or removed before it was read here.
    Tombstone(Arc<Tombstone>),
}

impl Held {
    fn new(slot: Slot) -> Self {
        match slot {
            Slot::Event(event) => Self::Event(Arc::new(SharedEvent::new(event))),
            Slot::Tombstone(tombstone) => Self::Tombstone(Arc::new(tombstone)),
        }
    }

    /// What tells it from a slot that was written at its index after a loss.
    fn origin(&self) -> (CommitNumber, Millis) {
        match self {
            Self::Event(shared) => (shared.event.commit, shared.event.at),
            Self::Tombstone(tombstone) => (tombstone.commit, tombstone.at),
        }
    }

    /// Bytes it takes in memory, about.
    fn weight(&self) -> usize {
        match self {
            Self::Event(shared) => shared.weight(),
            Self::Tombstone(_) => size_of::<Tombstone>(),
        }
    }
}

impl Window {
    /// Batches that may wait out of order; beyond them readers go to the store.
    const MAX_AHEAD: usize = 256;
    const MAX_AHEAD_BYTES: usize = 1 << 20;

    /// An empty window at a tail, of a log whose newest commit is this one.
    pub(super) fn at(tail: Index, newest: CommitNumber) -> Self {
        Self {
            start: tail,
            held: VecDeque::new(),
            newest: Some(newest),
            rewritten: false,
            bytes: 0,
            ahead: BTreeMap::new(),
            ahead_bytes: 0,
        }
    }

    /// The first index held, or of what comes next when nothing is.
    pub(super) fn start(&self) -> Index {
        self.start
    }

    /// One past the newest slot held.
    pub(super) fn ready(&self) -> Index {
        self.start.plus(self.held.len() as u64)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether something came that shows a loss.
    pub(super) fn is_rewritten(&self) -> bool {
        self.rewritten
    }

    /// Whether a slot shows that the store has lost what readers of this window were given: it stands
    /// where another one stood. Commit numbers grow along a log.
    pub(super) fn is_rewritten_by(&self, slot: &Slot) -> bool {
        let index = slot.index();
        if index >= self.ready() {
            return false;
        }
        let place = index.0.checked_sub(self.start.0);
        let held = place.and_then(|place| self.held.get(usize::try_from(place).ok()?));
        match held {
            Some(held) => held.origin() != (slot.commit(), slot.at()),
            None => self.newest.is_some_and(|newest| slot.commit() > newest),
        }
    }

    /// Takes a batch of events with dense indexes.
    pub(super) fn append(&mut self, batch: Vec<Event>) {
        let Some(first) = batch.first().map(|event| event.index) else {
            return;
        };
        if first > self.ready() {
            let bytes = self.ahead_bytes + weight(&batch);
            if self.ahead.len() < Self::MAX_AHEAD && bytes <= Self::MAX_AHEAD_BYTES {
                self.ahead_bytes = bytes;
                self.ahead.insert(first, batch);
            }
            return;
        }
        self.push(batch);
        self.absorb();
    }

    /// Takes slots that were read from the store. What is here already is passed over.
    pub(super) fn fill(&mut self, slots: Vec<Slot>) {
        for slot in slots {
            self.push_slot(slot);
        }
        self.absorb();
    }

    /// Tells that nothing below `to` comes any more, so that the window begins there.
    pub(super) fn skip_to(&mut self, to: Index) {
        if to > self.ready() {
            self.start = to;
            self.held.clear();
            self.newest = None;
            self.bytes = 0;
            self.absorb();
        }
    }

    fn push(&mut self, batch: Vec<Event>) {
        for event in batch {
            self.push_slot(Slot::Event(event));
        }
    }

    fn push_slot(&mut self, slot: Slot) {
        self.rewritten |= self.is_rewritten_by(&slot);
        if slot.index() == self.ready() && !self.rewritten {
            self.newest = Some(slot.commit());
            let held = Held::new(slot);
            self.bytes += held.weight();
            self.held.push_back(held);
        }
    }

    fn absorb(&mut self) {
        while let Some(entry) = self.ahead.first_entry() {
            if *entry.key() > self.start.plus(self.held.len() as u64) {
                return;
            }
            let batch = entry.remove();
            self.ahead_bytes = self.ahead_bytes.saturating_sub(weight(&batch));
            self.push(batch);
        }
    }

    /// Drops the oldest events until `budget` bytes are left. The newest stays, so that whoever
    /// is at the tail always finds it here.
    pub(super) fn shrink(&mut self, budget: usize) {
        while self.bytes > budget && self.held.len() > 1 {
            if let Some(oldest) = self.held.pop_front() {
                self.bytes -= oldest.weight();
                self.start = self.start.next();
            }
        }
    }

    /// The slots from `from` on, if the window reaches back so far: `max_bytes` of them, but at
    /// least one. Empty at the end of the window; none when `from` is not inside it.
    pub(super) fn read(&self, from: Index, max_bytes: usize) -> Option<Vec<Held>> {
        if from < self.start || from > self.ready() {
            return None;
        }
        let skip = usize::try_from(from.0 - self.start.0).unwrap_or(usize::MAX);
        let mut left = max_bytes;
        let mut found = Vec::with_capacity((self.held.len() - skip).min(64));
        for held in self.held.iter().skip(skip) {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(held.weight());
            found.push(held.clone());
        }
        Some(found)
    }
}

fn weight(batch: &[Event]) -> usize {
    batch.iter().map(Event::weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskcast_core::{EventType, Level, RawJson, SeriesTag};

    fn batch(indexes: std::ops::Range<u64>) -> Vec<Event> {
        let event = |index| Event {
            index: Index(index),
            at: Millis(0),
            commit: CommitNumber(0),
            event_type: EventType::new("t").unwrap(),
            level: Level::Info,
            data: None,
            series: SeriesTag::default(),
            fold: None,
            foreign_id: None,
        };
        indexes.map(event).collect()
    }

    fn indexes(window: &Window, from: u64) -> Option<Vec<u64>> {
        let held = window.read(Index(from), usize::MAX)?;
        let index = |held: &Held| match held {
            Held::Event(shared) => shared.event.index.0,
            Held::Tombstone(tombstone) => tombstone.index.0,
        };
        Some(held.iter().map(index).collect())
    }

    #[test]
    fn batches_out_of_order_become_contiguous() {
        let mut window = Window::at(Index(5), CommitNumber(0));
        window.append(batch(7..9));
        assert_eq!(
            (window.ready(), indexes(&window, 5)),
            (Index(5), Some(vec![]))
        );
        window.append(batch(5..7));
        assert_eq!(indexes(&window, 6), Some(vec![6, 7, 8]));
        window.append(batch(6..8));
        assert_eq!(window.ready(), Index(9));
        assert_eq!(indexes(&window, 4), None);
    }

    #[test]
    fn a_slot_in_place_of_another_one_is_noticed() {
        let slot = |index, commit| {
            let mut event = batch(index..index + 1).remove(0);
            event.commit = CommitNumber(commit);
            Slot::Event(event)
        };
        let mut window = Window::at(Index(5), CommitNumber(40));
        assert!(!window.is_rewritten_by(&slot(4, 40)));
        assert!(window.is_rewritten_by(&slot(4, 41)));
        assert!(!window.is_rewritten_by(&slot(5, 41)));
        window.fill(vec![slot(5, 44)]);
        assert!(!window.is_rewritten_by(&slot(5, 44)));
        assert!(window.is_rewritten_by(&slot(5, 43)));
        assert!(!window.is_rewritten_by(&slot(3, 2)));
        assert!(window.is_rewritten_by(&slot(3, 45)));
        window.skip_to(Index(9));
        assert!(!window.is_rewritten_by(&slot(8, 99)), "not known");
    }

    #[test]
    fn a_batch_that_never_comes_is_skipped_once_it_was_read_elsewhere() {
        let mut window = Window::at(Index(0), CommitNumber(0));
        window.append(batch(2..4));
        window.skip_to(Index(2));
        assert_eq!(indexes(&window, 2), Some(vec![2, 3]));
    }

    #[test]
    fn what_was_read_fills_the_hole_before_what_came_early() {
        let mut window = Window::at(Index(0), CommitNumber(0));
        window.append(batch(0..1));
        window.append(batch(3..5));
        window.fill(batch(0..4).into_iter().map(Slot::Event).collect());
        assert_eq!(indexes(&window, 0), Some(vec![0, 1, 2, 3, 4]));
        let bytes: usize = window.held.iter().map(Held::weight).sum();
        assert_eq!(window.bytes(), bytes);
    }

    #[test]
    fn what_waits_out_of_order_is_bounded_in_bytes() {
        let mut window = Window::at(Index(0), CommitNumber(0));
        let large = |index: u64| {
            let mut batch = batch(index..index + 1);
            batch[0].data = Some(RawJson::from_value(&"x".repeat(300 << 10)).unwrap());
            batch
        };
        for index in 1..100 {
            window.append(large(index));
        }
        assert_eq!(window.ahead.len(), 3);
        window.append(large(0));
        assert_eq!((window.ready(), window.ahead_bytes), (Index(4), 0));
    }

    #[test]
    fn a_budget_keeps_the_newest() {
        let mut window = Window::at(Index(0), CommitNumber(0));
        window.append(batch(0..100));
        let half = window.bytes() / 2;
        window.shrink(half);
        assert!(window.bytes() <= half);
        assert_eq!(indexes(&window, 99), Some(vec![99]));
        assert_eq!(indexes(&window, 0), None);
        window.shrink(0);
        assert_eq!(indexes(&window, 99), Some(vec![99]));
    }
}
