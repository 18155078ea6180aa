//! Where a reader of all tasks stands, and how that is written.

use taskcast_core::{CommitNumber, Index};

/// Where a reader stands in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Every commit up to this one was given.
    pub(super) after: CommitNumber,
    /// Slots of the commit after that were given below this index.
    pub(super) given: Index,
}

impl Position {
    /// Where everything up to a commit was given.
    pub(super) fn after(commit: CommitNumber) -> Self {
        Self {
            after: commit,
            given: Index::START,
        }
    }

    /// Where a commit was given up to a slot.
    pub(super) fn within(commit: CommitNumber, index: Index) -> Self {
        Self {
            after: CommitNumber(commit.0.saturating_sub(1)),
            given: index.next(),
        }
    }

    /// Whether the commits that were given, also the one given in part, are ones the store has.
    fn is_known(self, newest: CommitNumber) -> bool {
        let begun = self.given > Index::START;
        self.after < newest || (self.after == newest && !begun)
    }
}

pub(super) fn write(incarnation: u64, positions: &[Position]) -> String {
    let one = |position: &Position| format!("{}.{}", position.after, position.given);
    let all: Vec<String> = positions.iter().map(one).collect();
    format!("{incarnation:x}-{}", all.join(","))
}

/// Reads a cursor of this incarnation that is not ahead of what the store has.
pub(super) fn parse(text: &str, incarnation: u64, newest: &[Position]) -> Option<Vec<Position>> {
    let (own, rest) = text.split_once('-')?;
    if u64::from_str_radix(own, 16).ok()? != incarnation {
        return None;
    }
    let positions: Option<Vec<Position>> = rest.split(',').map(parse_one).collect();
    let positions = positions.filter(|positions| positions.len() == newest.len())?;
    let known = positions
        .iter()
        .zip(newest)
        .all(|(position, newest)| position.is_known(newest.after));
    known.then_some(positions)
}

fn parse_one(text: &str) -> Option<Position> {
    let (after, given) = text.split_once('.')?;
    Some(Position {
        after: CommitNumber(after.parse().ok()?),
        given: Index(given.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_unless_it_is_of_another_store_or_ahead_of_it() {
        let at = |after, given| Position {
            after: CommitNumber(after),
            given: Index(given),
        };
        let positions = vec![at(7, 2), at(0, 0)];
        let text = write(0xbeef, &positions);
        assert_eq!(text, "beef-7.2,0.0");
        let newest = [at(8, 0), at(0, 0)];
        assert_eq!(parse(&text, 0xbeef, &newest), Some(positions));
        assert_eq!(parse(&text, 0xdead, &newest), None);
        assert_eq!(parse(&text, 0xbeef, &[at(6, 0), at(0, 0)]), None);
        // Commit 8 was given in part: a store that ends before it has lost it.
        assert_eq!(parse(&text, 0xbeef, &[at(7, 0), at(0, 0)]), None);
        for bad in ["", "beef", "beef-", "beef-1", "beef-1.x,2.0", "beef-1.0"] {
            assert_eq!(parse(bad, 0xbeef, &newest), None, "{bad}");
        }
    }
}
