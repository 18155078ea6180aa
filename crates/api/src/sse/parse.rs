//! Reading an event stream, however its bytes are cut, within a bound of memory.

use std::time::Duration;

/// One block of a stream that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The name; `message` where the stream gave none.
    pub event: String,
    /// The payload; absent on blocks that only move the cursor or set the waiting time.
    pub data: Option<String>,
    /// The new cursor; the old one stays where the block has none. The empty text forgets it.
    pub id: Option<String>,
    /// How long to wait before coming back.
    pub retry: Option<Duration>,
}

/// A frame larger than the reader takes. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of the stream is larger than {limit} bytes")]
pub struct FrameTooLarge {
    /// The most bytes of one frame.
    pub limit: usize,
}

/// An incremental reader of event streams: lines end with CR, LF or both, a byte order mark at the
/// start is skipped, comments are ignored, and what the stream leaves unfinished is discarded.
#[derive(Clone, Debug)]
pub struct Parser {
    limit: usize,
    line: Vec<u8>,
    block: Block,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but an unfinished first line was read: a byte order mark may stand there.
    Start,
    /// Within the stream.
    Within,
    /// The last line ended with CR: a LF that follows belongs to it.
    AfterCr,
    /// A frame was too large.
    Failed,
}

impl Parser {
    /// A parser at the start of a stream that takes frames of up to `max_frame_bytes` bytes.
    #[must_use]
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            limit: max_frame_bytes,
            line: Vec::new(),
            block: Block::default(),
            state: State::Start,
        }
    }

    /// Takes the next bytes of the stream and appends the frames that they complete.
    ///
    /// # Errors
    /// [`FrameTooLarge`], now and ever after; frames before it were appended.
    pub fn push(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameTooLarge> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            self.check(0)?;
            if self.state == State::AfterCr {
                self.state = State::Within;
                if first == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.check(rest.len())?;
                self.line.extend_from_slice(rest);
                return Ok(());
            };
            self.check(end)?;
            self.line.extend_from_slice(&rest[..end]);
            self.end_line(rest[end], frames);
            rest = &rest[end + 1..];
        }
        self.check(0)
    }

    fn check(&mut self, more: usize) -> Result<(), FrameTooLarge> {
        let held = self.line.len() + self.block.len() + more;
        if self.state == State::Failed || held > self.limit {
            self.state = State::Failed;
            self.line = Vec::new();
            self.block = Block::default();
            return Err(FrameTooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn end_line(&mut self, line_end: u8, frames: &mut Vec<Frame>) {
        let mut line = self.line.as_slice();
        if self.state == State::Start {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        self.state = match line_end {
            b'\r' => State::AfterCr,
            _ => State::Within,
        };
        if line.is_empty() {
            frames.extend(std::mem::take(&mut self.block).into_frame());
        } else {
            self.block.field(line);
        }
        self.line.clear();
    }
}

/// The fields of the block being read.
#[derive(Clone, Debug, Default)]
struct Block {
    event: Vec<u8>,
    data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    retry: Option<Duration>,
}

impl Block {
    fn len(&self) -> usize {
        self.event.len()
            + self.data.as_ref().map_or(0, Vec::len)
            + self.id.as_ref().map_or(0, Vec::len)
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|b| *b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.event = value.to_vec(),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"id" if !value.contains(&0) => self.id = Some(value.to_vec()),
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            _ => {}
        }
    }

    fn into_frame(self) -> Option<Frame> {
        if self.data.is_none() && self.id.is_none() && self.retry.is_none() {
            return None;
        }
        let event = if self.event.is_empty() {
            "message".to_owned()
        } else {
            text(self.event)
        };
        Some(Frame {
            event,
            data: self.data.map(text),
            id: self.id.map(text),
            retry: self.retry,
        })
    }
}

fn milliseconds(value: &[u8]) -> Option<Duration> {
    let digits = std::str::from_utf8(value).ok()?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Duration::from_millis)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunks: &[&[u8]], limit: usize) -> (Vec<Frame>, Result<(), FrameTooLarge>) {
        let (mut parser, mut frames) = (Parser::new(limit), Vec::new());
        let result = chunks
            .iter()
            .try_for_each(|chunk| parser.push(chunk, &mut frames));
        (frames, result)
    }

    /// Each frame as `event|data|id|retry`, with `-` for what is absent.
    fn told(stream: &[u8]) -> Vec<String> {
        let (frames, result) = read(&[stream], 1000);
        assert_eq!(result, Ok(()));
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let line = |frame: &Frame| {
            let retry = frame.retry.map(|wait| wait.as_millis().to_string());
            let parts = [
                frame.event.clone(),
                or_none(&frame.data),
                or_none(&frame.id),
                or_none(&retry),
            ];
            parts.join("|")
        };
        frames.iter().map(line).collect()
    }

    #[test]
    fn streams_are_read_as_the_standard_says() {
        for (stream, frames) in [
            (&b"event: a\ndata: 1\nid: x\n\n"[..], &["a|1|x|-"][..]),
            (
                b"data:1\n\ndata: 2\n\n",
                &["message|1|-|-", "message|2|-|-"],
            ),
            (b"\xef\xbb\xbfdata: 1\n\n", &["message|1|-|-"]),
            (
                b"data: a\rdata: b\r\ndata: c\n\r\n",
                &["message|a\nb\nc|-|-"],
            ),
            (b"data\ndata\n\n", &["message|\n|-|-"]),
            (b"data:  two spaces\n\n", &["message| two spaces|-|-"]),
            (b": comment\n:\n\n\n", &[]),
            (b"id: 7~\n\n", &["message|-|7~|-"]),
            (b"id\n\n", &["message|-||-"]),
            (b"id: a\0b\ndata: 1\n\n", &["message|1|-|-"]),
            (b"retry: 2137\n: open\n\n", &["message|-|-|2137"]),
            (
                b"retry: 1x\nretry: -1\nretry:\ndata: 1\n\n",
                &["message|1|-|-"],
            ),
            (b"event: lost\n\ndata: 1\n\n", &["message|1|-|-"]),
            (b"unknown: 1\nDATA: 2\n\n", &[]),
            (b"data: unfinished\n", &[]),
            (b"data: \xff\n\n", &["message|\u{fffd}|-|-"]),
        ] {
            assert_eq!(told(stream), frames, "{}", String::from_utf8_lossy(stream));
        }
    }

    #[test]
    fn memory_is_bounded_and_frames_before_the_bound_are_delivered() {
        for huge in [
            "x".repeat(100),
            "data: y\n".repeat(100),
            format!("id: {}", "z".repeat(40)),
        ] {
            let stream = format!("data: 1\n\n{huge}");
            let (frames, result) = read(&[stream.as_bytes()], 32);
            assert_eq!(
                (frames.len(), result),
                (1, Err(FrameTooLarge { limit: 32 }))
            );
        }
        let (frames, result) = read(&["data: 1\n\n".repeat(100).as_bytes()], 32);
        assert_eq!((frames.len(), result), (100, Ok(())));
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_frames(
            stream in proptest::collection::vec(
                prop_oneof![
                    Just("data: x"), Just("data"), Just("id: 7"), Just("id: \0"), Just("event: e"),
                    Just("retry: 5"), Just(": c"), Just("\n"), Just("\r"), Just("\r\n"),
                    Just("\u{feff}"), Just("é"), Just("\n\n"),
                ], 0..40),
            cuts in proptest::collection::vec(1_usize..9, 1..40),
        ) {
            let stream = stream.concat();
            let (whole, _) = read(&[stream.as_bytes()], 10_000);
            let (mut chunks, mut rest) = (Vec::new(), stream.as_bytes());
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            let (cut, _) = read(&chunks, 10_000);
            prop_assert_eq!(cut, whole);
        }
    }
}
