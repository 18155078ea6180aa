//! A viewer that trusts nothing: it checks every position, is cut at random, and resumes in every
//! way there is.

use super::{SERIES, TASK};
use crate::chance::Chance;
use crate::sse::{Block, Stream};
use serde_json::Value;
use std::io;
use tokio::time::{Duration, sleep, timeout};

/// How a viewer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With the folded text so far.
    Folded,
    /// With the first event.
    EventByEvent,
    /// Folded, then running totals.
    Accumulated,
}

/// A viewer and what it knows.
pub(super) struct Viewer {
    port: u16,
    filter: &'static str,
    start: Start,
    chance: Chance,
    cursor: Option<String>,
    /// Whether the next event is the next one of the filtered log, rather than one of a fold.
    exact: bool,
    /// Positions of the newest event: in the log, and among the events of the filter.
    newest: (i64, i64),
    text: String,
    connects: usize,
}

impl Viewer {
    pub(super) fn new(port: &str, filter: &'static str, start: Start, chance: Chance) -> Self {
        Self {
            port: port.parse().unwrap(),
            filter,
            start,
            chance,
            cursor: None,
            exact: start == Start::EventByEvent,
            newest: (-1, -1),
            text: String::new(),
            connects: 0,
        }
    }

    /// Follows to the end, whatever happens to the connections.
    pub(super) async fn follow(mut self) -> super::Read {
        loop {
            // Half of the connections end at any byte, half after a number of blocks.
            let time = Duration::from_millis(self.chance.between(1, 400));
            let whole = self.chance.one_of(&[true, false]).then_some(Duration::MAX);
            match timeout(whole.unwrap_or(time), self.connection()).await {
                Ok(Ok(Some(reason))) => {
                    assert_eq!(reason, "completed");
                    break;
                }
                // The server is being restarted.
                Ok(Err(_)) => sleep(Duration::from_millis(10)).await,
                Ok(Ok(None)) | Err(_) => {}
            }
        }
        self.check_that_nothing_is_left().await;
        let name = format!("{:?} {:?}", self.start, self.filter);
        (name, self.text, self.connects)
    }

    /// One connection, to the reason of the end or a cut.
    async fn connection(&mut self) -> io::Result<Option<String>> {
        let blocks = self.chance.size(0, 400);
        let (path, header) = self.target();
        let stream = Stream::open(self.port, &path, header.as_deref()).await?;
        self.connects += 1;
        let mut stream = stream.unwrap();
        for _ in 0..blocks {
            let Some(block) = stream.next().await? else {
                break;
            };
            self.take(&block);
            if let Some(reason) = block.done() {
                return Ok(Some(reason.to_owned()));
            }
        }
        Ok(None)
    }

    /// Path and `Last-Event-ID` of the next connection.
    fn target(&mut self) -> (String, Option<String>) {
        let format = match self.start {
            Start::Accumulated => "&seriesFormat=accumulated",
            Start::Folded | Start::EventByEvent => "",
        };
        let path = format!("/tasks/{TASK}/events?{}{format}", self.filter);
        let by_index = format!("{path}&since.index={}", self.newest.1);
        let Some(cursor) = self.cursor.clone() else {
            return match self.start {
                Start::EventByEvent => (by_index, None),
                Start::Folded | Start::Accumulated => (path, None),
            };
        };
        match self.chance.size(0, 3) {
            0 => (format!("{path}&since.id={cursor}"), None),
            1 => (format!("{path}&lastEventId={cursor}"), None),
            // An index is no cursor before the replay is over.
            2 if self.exact => (by_index, None),
            _ => (path, Some(cursor)),
        }
    }

    fn take(&mut self, block: &Block) {
        assert_ne!(block.event.as_deref(), Some("taskcast.gap"), "{block:?}");
        if let Some(envelope) = block.envelope() {
            self.take_event(envelope);
        }
        if let Some(id) = &block.id {
            self.exact = !id.ends_with('~');
            self.cursor = Some(id.clone());
        }
    }

    fn take_event(&mut self, envelope: &Value) {
        let index = envelope["rawIndex"].as_i64().unwrap();
        let position = envelope["filteredIndex"].as_i64().unwrap();
        assert!(index > self.newest.0, "repeated: {envelope}");
        if self.exact {
            assert_eq!(position, self.newest.1 + 1, "left out: {envelope}");
        } else {
            assert!(position > self.newest.1, "repeated: {envelope}");
        }
        self.newest = (index, position);
        if envelope["seriesId"] != SERIES {
            return;
        }
        let piece = envelope["data"]["delta"].as_str().unwrap();
        let is_snapshot = envelope["seriesSnapshot"] == true;
        assert!(!(is_snapshot && self.exact), "folded again: {envelope}");
        if is_snapshot || self.start == Start::Accumulated {
            assert!(piece.starts_with(&self.text), "another text at {index}");
            self.text.clear();
        }
        self.text += piece;
    }

    /// After the end there is nothing to come back for.
    async fn check_that_nothing_is_left(&self) {
        let (path, cursor) = (
            format!("/tasks/{TASK}/events?{}", self.filter),
            &self.cursor,
        );
        let stream = Stream::open(self.port, &path, cursor.as_deref()).await;
        assert!(stream.unwrap().is_none());
    }
}
