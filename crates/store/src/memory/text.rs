//! The joined text of one run: appended in chunks, read as slices.
//!
//! ```text
//!   sealed  [ 0 .. 64 KiB ) [ 64 KiB .. 130 KiB )     shared, sliced without copying
//!   open                                         [ 130 KiB .. end )   copied when read
//! ```

use bytes::Bytes;
use std::ops::Range;

/// Bytes after which the open chunk is sealed: bounds what a read copies under the lock, and
/// what growing the chunk moves.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Text {
    /// Each with the offset at which it begins.
    sealed: Vec<(u64, Bytes)>,
    open: Vec<u8>,
}

impl Text {
    /// Joins a piece at the end.
    pub(super) fn join(&mut self, piece: &[u8]) {
        self.open.extend_from_slice(piece);
        if self.open.len() >= CHUNK {
            let start = self.open_start();
            let chunk = std::mem::take(&mut self.open);
            self.sealed.push((start, chunk.into()));
        }
    }

    /// The pieces that lie in a range; what lies past the end is passed over.
    pub(super) fn slices(&self, range: Range<u64>) -> Vec<Bytes> {
        let first = self
            .sealed
            .partition_point(|(start, chunk)| start + chunk.len() as u64 <= range.start);
        let sealed = self.sealed.iter().skip(first);
        let mut pieces: Vec<Bytes> = sealed
            .take_while(|(start, _)| *start < range.end)
            .map(|(start, chunk)| chunk.slice(within(&range, *start, chunk.len())))
            .collect();
        let open = within(&range, self.open_start(), self.open.len());
        if !open.is_empty() {
            pieces.push(Bytes::copy_from_slice(&self.open[open]));
        }
        pieces
    }

    fn open_start(&self) -> u64 {
        self.sealed
            .last()
            .map_or(0, |(start, chunk)| start + chunk.len() as u64)
    }
}

/// One text from its pieces.
pub(super) fn join(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 | 1 => pieces.pop().unwrap_or_default(),
        _ => pieces.concat().into(),
    }
}

/// The part of a chunk, which begins at `start`, that lies in `range`.
fn within(range: &Range<u64>, start: u64, len: usize) -> Range<usize> {
    let clip =
        |offset: u64| usize::try_from(offset.saturating_sub(start)).map_or(len, |o| o.min(len));
    let (from, to) = (clip(range.start), clip(range.end));
    from.min(to)..to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_is_that_of_the_whole_text() {
        let whole: Vec<u8> = (0..3 * CHUNK + 17).map(|i| (i % 251) as u8).collect();
        let mut text = Text::default();
        for piece in whole.chunks(1_013) {
            text.join(piece);
        }
        let len = whole.len();
        let edges = [
            0,
            1,
            CHUNK - 1,
            CHUNK,
            CHUNK + 1_000,
            2 * CHUNK,
            3 * CHUNK,
            len,
        ];
        for from in edges {
            for to in edges {
                let slice = join(text.slices(from as u64..to as u64));
                assert_eq!(slice, whole.get(from..to).unwrap_or_default());
            }
        }
        assert_eq!(join(text.slices(0..u64::MAX)), whole);
        assert!(join(text.slices(len as u64 + 1..u64::MAX)).is_empty());
    }
}
