//! The input as pieces of text, as it arrives.

use super::text::Utf8;
use std::collections::VecDeque;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes that are read at once, and of a line that is kept together. Escaped as JSON they
/// are at most six times as many, which servers take.
const MOST_BYTES: usize = 64 << 10;

/// Reads pieces: what arrived, or one line each.
pub(super) struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    utf8: Utf8,
    lines: Option<Lines>,
    ended: bool,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

#[derive(Default)]
struct Lines {
    whole: VecDeque<String>,
    begun: String,
}

impl<R: AsyncRead + Unpin> Input<R> {
    /// Reads from `reader`; with `lines`, one line is one piece.
    pub(super) fn new(reader: R, lines: bool) -> Self {
        Self {
            reader,
            buffer: vec![0; MOST_BYTES],
            utf8: Utf8::default(),
            lines: lines.then(Lines::default),
            ended: false,
            bytes: 0,
        }
    }

    /// The next piece, which is not empty; none at the end. Reads nothing before it is asked, so
    /// that a writer that is faster than the server has to wait. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(line) = self
                .lines
                .as_mut()
                .and_then(|lines| lines.whole.pop_front())
            {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            let text = self.read().await?;
            let piece = match &mut self.lines {
                None => text,
                Some(lines) => lines.take(&text, self.ended),
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    async fn read(&mut self) -> io::Result<String> {
        let count = self.reader.read(&mut self.buffer).await?;
        let mut text = String::with_capacity(count);
        self.utf8.push(&self.buffer[..count], &mut text);
        self.bytes += count as u64;
        if count == 0 {
            self.ended = true;
            self.utf8.finish(&mut text);
        }
        Ok(text)
    }
}

impl Lines {
    /// Takes text and gives the first line that it completes; the others wait in `whole`. A line
    /// that is too long is cut.
    fn take(&mut self, text: &str, ended: bool) -> String {
        for part in text.split_inclusive('\n') {
            self.begun.push_str(part);
            if part.ends_with('\n') || self.begun.len() >= MOST_BYTES {
                self.whole.push_back(std::mem::take(&mut self.begun));
            }
        }
        if ended && !self.begun.is_empty() {
            self.whole.push_back(std::mem::take(&mut self.begun));
        }
        self.whole.pop_front().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::io::StreamReader;

    async fn pieces(cuts: &[&str], lines: bool) -> Vec<String> {
        let cuts: Vec<io::Result<tokio_util::bytes::Bytes>> = cuts
            .iter()
            .map(|cut| Ok(cut.as_bytes().to_vec().into()))
            .collect();
        let reader = StreamReader::new(futures_util::stream::iter(cuts));
        let mut input = Input::new(reader, lines);
        let mut pieces = Vec::new();
        while let Some(piece) = input.next().await.unwrap() {
            pieces.push(piece);
        }
        pieces
    }

    #[tokio::test]
    async fn a_piece_is_what_arrived_or_a_line() {
        let cuts = ["a", "b\nc\n\nd", "e", "\nf"];
        assert_eq!(pieces(&cuts, false).await, cuts);
        assert_eq!(
            pieces(&cuts, true).await,
            ["ab\n", "c\n", "\n", "de\n", "f"]
        );
        assert_eq!(pieces(&[], true).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let long = "x".repeat(MOST_BYTES * 2 + 3);
        let pieces = pieces(&[&long], true).await;
        assert!(
            pieces.iter().all(|piece| piece.len() <= MOST_BYTES),
            "{}",
            pieces.len()
        );
        assert_eq!(pieces.concat(), long);
    }
}
