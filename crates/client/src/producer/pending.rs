//! Lines that are not known to be stored.

use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;

/// Lines in order, each with its number.
///
/// ```text
///   stored        │ sent          │ unsent
///   ... next-n-1  │ first ...     │ ... next-1
/// ```
#[derive(Debug)]
pub(super) struct Pending {
    lines: VecDeque<Bytes>,
    bytes: usize,
    /// How many of the lines were given to the request that is under way.
    sent: usize,
    /// The number of the next line.
    next: u64,
}

impl Pending {
    pub(super) fn new(next: u64) -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            sent: 0,
            next,
        }
    }

    /// Takes an event: a JSON object without its closing brace.
    pub(super) fn push(&mut self, event: &[u8]) {
        let mut line = BytesMut::with_capacity(event.len() + 40);
        line.put_slice(event);
        line.put_slice(format!(",\"producerSeq\":{}}}\n", self.next).as_bytes());
        self.next += 1;
        self.bytes += line.len();
        self.lines.push_back(line.freeze());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes of all lines.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the next line.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The number of the first line that is not known to be stored.
    pub(super) fn first(&self) -> u64 {
        self.next - self.lines.len() as u64
    }

    /// How many lines were given to the request that is under way.
    pub(super) fn sent(&self) -> u64 {
        self.sent as u64
    }

    pub(super) fn all_sent(&self) -> bool {
        self.sent == self.lines.len()
    }

    /// A new request begins: nothing is sent of it.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// The next lines to send, some 64 KiB of them.
    pub(super) fn chunk(&mut self) -> Bytes {
        const ENOUGH: usize = 64 << 10;
        let mut chunk = BytesMut::new();
        for line in self.lines.range(self.sent..) {
            self.sent += 1;
            if chunk.is_empty() && (line.len() >= ENOUGH || self.sent == self.lines.len()) {
                return line.clone();
            }
            chunk.put_slice(line);
            if chunk.len() >= ENOUGH {
                break;
            }
        }
        chunk.freeze()
    }

    /// Lines up to a number are stored; how many of them were not known to be.
    pub(super) fn stored_up_to(&mut self, seq: u64) -> u64 {
        let mut count = 0;
        while self.first() <= seq
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.len();
            self.sent = self.sent.saturating_sub(1);
            count += 1;
        }
        count
    }

    /// Everything that was sent is stored.
    pub(super) fn sent_are_stored(&mut self) {
        let first = self.first();
        if let Some(last) = (first + self.sent as u64).checked_sub(1) {
            self.stored_up_to(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_sent_once_and_kept_until_they_are_stored() {
        let mut pending = Pending::new(7);
        for _ in 0..3 {
            pending.push(b"{\"type\":\"x\"");
        }
        let line = |seq| format!("{{\"type\":\"x\",\"producerSeq\":{seq}}}\n");
        assert_eq!(pending.chunk(), [line(7), line(8), line(9)].concat());
        assert!(pending.all_sent());
        assert_eq!(pending.stored_up_to(7), 1);
        assert_eq!((pending.first(), pending.next()), (8, 10));
        pending.rewind();
        assert_eq!(pending.chunk(), [line(8), line(9)].concat());
        pending.push(b"{\"type\":\"x\"");
        pending.sent_are_stored();
        assert_eq!((pending.first(), pending.bytes()), (10, line(10).len()));
        assert_eq!(pending.chunk(), line(10));
        assert_eq!(pending.stored_up_to(99), 1);
        assert!(pending.is_empty());
        pending.sent_are_stored();
        assert_eq!((pending.first(), pending.next()), (11, 11));
    }
}
