//! The numbers everything is addressed by: indexes, epochs, revisions, commit numbers, times.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A dense position in one log, from 0. Every event of any type takes one.
    ///
    /// ```text
    ///   0        trim point         tail
    ///   | removed |  readable slots  |  not yet written
    /// ```
    ///
    /// The *tail* is the first unwritten index, the *trim point* the first readable one; both are
    /// `Index` values. Indexes stay below [`Index::LIMIT`].
    Index(u64)
}

number! {
    /// The identity of one log. A deleted and recreated task id is another log with another epoch.
    Epoch(u32)
}

number! {
    /// The compare-and-set token of a task record: grows by one with every change of the record.
    Revision(u64)
}

number! {
    /// The number of a commit within its partition; the first commit is 1, and 0 is before all.
    CommitNumber(u64)
}

number! {
    /// Milliseconds since the Unix epoch.
    Millis(u64)
}

impl Index {
    /// The first slot of every log.
    pub const START: Self = Self(0);
    /// Indexes are 48 bits wide, because an event id carries them (see [`crate::EventId`]).
    pub const LIMIT: Self = Self(1 << 48);

    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position `count` after this one.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    /// The position before this one; none before the start.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl CommitNumber {
    /// The commit after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Millis {
    /// The time `ms` milliseconds later, saturating.
    #[must_use]
    pub fn plus_millis(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The time `seconds` later, saturating.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }
}
