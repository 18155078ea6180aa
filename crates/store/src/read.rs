//! What is read from a log: pages of slots, heads, texts, positions.

use crate::StoreError;
use taskcast_core::{Epoch, EventFilter, Head, Index, Millis, Slot};

/// Which slots of a range are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every slot.
    All,
    /// All but the deltas of `accumulate` series, which a folded replay shows through their heads.
    /// A delta that was cleaned is passed over as well.
    /// Costs nothing for the deltas that are passed over.
    Unfolded,
}

/// A stretch of one log to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAsk {
    /// The first index wanted.
    pub from: Index,
    /// The first index not wanted. May lie past the tail.
    pub to: Index,
    /// Which slots.
    pub which: Which,
    /// The most slots in the page; at least 1.
    pub max_slots: usize,
    /// Payload bytes after which the page ends. The first slot comes whatever its size.
    pub max_bytes: usize,
}

/// A page of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The slots found, by index.
    pub slots: Vec<Slot>,
    /// Where to go on: everything wanted below it is in the page. At the end of what exists it is
    /// the smaller of the tail and `to`.
    pub next: Index,
    /// The tail when the page was read.
    pub tail: Index,
    /// The trim point when the page was read; a larger one than `from` means that slots are gone.
    pub trim: Index,
    /// The first index whose slot this store held when the page was read: lower ones, from the trim
    /// point on, are in the archive (see [`crate::tier`]). The trim point where there is none.
    pub base: Index,
}

/// The heads of every `accumulate` series, exact at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The tail at that moment.
    pub tail: Index,
    /// The heads, by the index of their newest event.
    pub heads: Vec<Head>,
}

/// A position to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The first readable slot appended later than this; the tail if there is none.
    After(Millis),
    /// The slot that follows the first `count` slots a filter matches (trimmed ones count), so
    /// that the filtered log from there on begins with position `count`. None when fewer match. An
    /// index below the trim point, which one is not said, when a match after it is trimmed.
    Past {
        /// The filter.
        filter: EventFilter,
        /// How many matching slots lie before the position.
        count: u64,
    },
    /// The event that an archive brought along under this id. None when there is no such event.
    Foreign(Box<str>),
}

/// Where a log stands, for a reader that only wants to know whether to wake up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Which log.
    pub epoch: Epoch,
    /// The first unwritten index.
    pub tail: Index,
    /// Whether nothing more will come.
    pub sealed: bool,
}

/// Why a log cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is gone: no such task, or the id is another log's now.
    #[error("the log is gone")]
    Gone,
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}
