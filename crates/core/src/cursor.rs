//! Cursors: what a reader gives back to go on where it was.

use crate::{Epoch, EventId, Index, Millis};

/// A cursor as a reader gave it: an event id, and whether it came from within a folded replay.
///
/// `<id>` promises: everything up to that event was delivered. `<id>~` promises: every unfolded
/// event up to it, and every snapshot standing at or before it, was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The text without the mark of a folded replay.
    pub text: Box<str>,
    /// The position the text decodes to, if it looks like one of our ids.
    pub id: Option<EventId>,
    /// Whether the cursor is from within a folded replay.
    pub folded: bool,
}

impl Cursor {
    /// The mark at the end of ids within a folded replay.
    pub const FOLDED_MARK: char = '~';

    /// Reads a cursor; every text is one, if only an unknown one.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (plain, folded) = match text.strip_suffix(Self::FOLDED_MARK) {
            Some(plain) => (plain, true),
            None => (text, false),
        };
        Self {
            text: plain.into(),
            id: EventId::decode(plain).ok(),
            folded,
        }
    }

    /// Where the cursor points if it belongs to the log with this epoch.
    #[must_use]
    pub fn position_in(&self, epoch: Epoch) -> Option<(Index, Millis)> {
        self.id
            .filter(|id| id.epoch == epoch)
            .map(|id| (id.index, id.at))
    }
}

/// Why a reader cannot simply go on from its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The cursor belongs to another log: the task was deleted and created again, or imported.
    Epoch,
    /// The positions after the cursor were trimmed.
    Trimmed,
    /// A cleanup rule removed events after the cursor that the reader's filter matches.
    Cleaned,
    /// The position was lost in a crash.
    Lost,
    /// The cursor is no id that this log knows.
    Unknown,
}

impl GapReason {
    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Trimmed => "trimmed",
            Self::Cleaned => "cleaned",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_folded_replay_is_read_and_taken_off() {
        let id = EventId {
            at: Millis(1_700_000_000_000),
            epoch: Epoch(7),
            index: Index(42),
        };
        let plain = Cursor::parse(&id.to_string());
        assert_eq!(plain.position_in(Epoch(7)), Some((Index(42), id.at)));
        assert_eq!(plain.position_in(Epoch(8)), None);
        let folded = Cursor::parse(&format!("{id}~"));
        assert!(folded.folded && folded.id == Some(id));
        assert_eq!(Cursor::parse("msg_17").id, None);
    }
}
