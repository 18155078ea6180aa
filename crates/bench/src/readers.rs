//! Subscribers: as little work per byte as can be, so that they do not measure themselves.

use memchr::memmem;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A subscriber whose stream has begun.
pub(crate) struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    pub(crate) bytes: u64,
}

/// What a reader waits for.
const EVENT: &[u8] = b"event: taskcast.event";
const DONE: &[u8] = b"event: taskcast.done";

impl Reader {
    /// Subscribes to a task and waits until the answer has begun.
    pub(crate) async fn subscribe(
        address: SocketAddr,
        task: &str,
        query: &str,
    ) -> io::Result<Self> {
        let request = format!(
            "GET /tasks/{task}/events?{query} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n"
        );
        Self::open(address, request.as_bytes()).await
    }

    /// Sends a request and waits until the answer has begun.
    pub(crate) async fn open(address: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        let mut reader = Self {
            stream,
            buffer: vec![0; 64 << 10],
            filled: 0,
            bytes: 0,
        };
        while memmem::find(&reader.buffer[..reader.filled], b"\r\n\r\n").is_none() {
            reader.fill().await?;
        }
        let (head, line) = (&reader.buffer[..reader.filled], b"HTTP/1.1 200");
        if !head.starts_with(line) {
            return Err(io::Error::other(String::from_utf8_lossy(head).into_owned()));
        }
        Ok(reader)
    }

    /// Reads until this many events, or the end, have come; tells how many came.
    pub(crate) async fn read_events(&mut self, count: usize) -> io::Result<usize> {
        let mut seen = self.scan();
        while seen.events < count && !seen.done {
            self.fill().await?;
            let more = self.scan();
            seen = Seen {
                events: seen.events + more.events,
                done: more.done,
            };
        }
        Ok(seen.events)
    }

    /// Reads until an event and gives the time since the one that its data names.
    pub(crate) async fn delay(&mut self, start: Instant) -> io::Result<Duration> {
        const SENT: &[u8] = b"\"sent\":";
        loop {
            let text = &self.buffer[..self.filled];
            let event = memmem::find(text, SENT).and_then(|at| {
                let end = at + memmem::find(&text[at..], b"\n\n")? + 2;
                Some((at + SENT.len(), end))
            });
            if let Some((digits, end)) = event {
                let digits = text[digits..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit());
                let sent = digits.fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
                self.buffer.copy_within(end..self.filled, 0);
                self.filled -= end;
                return Ok(start.elapsed().saturating_sub(Duration::from_nanos(sent)));
            }
            self.fill().await?;
        }
    }

    /// Counts what has come, and keeps only what may be the beginning of a mark.
    fn scan(&mut self) -> Seen {
        let text = &self.buffer[..self.filled];
        let events = memmem::find_iter(text, EVENT).count();
        let done = memmem::find(text, DONE).is_some();
        let keep = text.len().min(EVENT.len() - 1);
        let tail = text.len() - keep;
        // A mark that was counted must not be counted again from what is kept.
        let keep_from = memmem::rfind(text, EVENT).map_or(tail, |at| tail.max(at + EVENT.len()));
        self.buffer.copy_within(keep_from..self.filled, 0);
        self.filled -= keep_from;
        Seen { events, done }
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        let read = timeout(
            Duration::from_secs(60),
            self.stream.read(&mut self.buffer[self.filled..]),
        );
        match read.await?? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the stream ended early",
            )),
            count => {
                self.filled += count;
                self.bytes += count as u64;
                Ok(())
            }
        }
    }
}

struct Seen {
    events: usize,
    done: bool,
}

/// Opens many subscribers, some at a time.
pub(crate) async fn open_many(
    address: SocketAddr,
    task: &str,
    query: &str,
    count: usize,
) -> io::Result<Vec<Reader>> {
    const AT_ONCE: usize = 64;
    let mut readers = Vec::with_capacity(count);
    while readers.len() < count {
        let some = AT_ONCE.min(count - readers.len());
        let opening = (0..some).map(|_| Reader::subscribe(address, task, query));
        readers.extend(futures_util::future::try_join_all(opening).await?);
    }
    Ok(readers)
}

/// Lets every reader read so many events, and waits for all of them.
pub(crate) async fn drain(readers: Vec<Reader>, events: usize) -> io::Result<Vec<Reader>> {
    let mut reading = JoinSet::new();
    for mut reader in readers {
        reading.spawn(async move { reader.read_events(events).await.map(|_| reader) });
    }
    let mut readers = Vec::new();
    while let Some(reader) = reading.join_next().await {
        readers.push(reader??);
    }
    Ok(readers)
}
