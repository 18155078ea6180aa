//! Subscribers: each reads one task to its end, through any instance, cut at any moment, and resumes
//! from the cursor of the last block.

use crate::chance::Chance;
use crate::sse::{Block, Stream};
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// What a subscriber saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The events, each as [`print`] of it.
    pub(crate) events: Vec<u64>,
    /// Gaps it was told of: reason, and how many events it had seen before.
    pub(crate) gaps: Vec<(String, usize)>,
    /// Why its stream ended.
    pub(crate) reason: String,
    /// When it ended.
    pub(crate) ended: Instant,
    pub(crate) connections: usize,
    /// The longest time between two connections that gave a block.
    pub(crate) longest_away: Duration,
}

/// How often a subscriber is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cuts {
    /// Only when the server or the network does it.
    Never,
    /// One in so many blocks is the last of its connection.
    OneIn(usize),
}

/// A reader of one task.
pub(crate) struct Subscriber {
    task: String,
    ports: Vec<u16>,
    chance: Chance,
    cuts: Cuts,
    cursor: Option<String>,
    seen: Seen,
    away_since: Option<Instant>,
}

impl Subscriber {
    pub(crate) fn new(task: &str, ports: &[String], chance: Chance, cuts: Cuts) -> Self {
        Self {
            task: task.to_owned(),
            ports: ports.iter().map(|port| port.parse().unwrap()).collect(),
            chance,
            cuts,
            cursor: None,
            seen: Seen {
                events: Vec::new(),
                gaps: Vec::new(),
                reason: String::new(),
                ended: Instant::now(),
                connections: 0,
                longest_away: Duration::ZERO,
            },
            away_since: None,
        }
    }

    /// Reads to the end.
    pub(crate) async fn follow(mut self) -> Seen {
        loop {
            match self.connection().await {
                Ok(true) => return self.seen,
                Ok(false) => {}
                Err(_) => sleep(Duration::from_millis(self.chance.between(10, 100))).await,
            }
        }
    }

    /// Reads through one connection. Tells whether the stream is over.
    async fn connection(&mut self) -> io::Result<bool> {
        let port = self.chance.one_of(&self.ports);
        // Event by event from the start: every index is seen.
        let query = match self.cursor {
            None => "?since.index=-1",
            Some(_) => "",
        };
        let path = format!("/tasks/{}/events{query}", self.task);
        let opened = Stream::open(port, &path, self.cursor.as_deref()).await?;
        let Some(mut stream) = opened else {
            return Ok(true); // 204: the end was seen before.
        };
        self.seen.connections += 1;
        // Heartbeats come every 15 seconds: without any byte for so long the stream is dead.
        let patience = Duration::from_secs(40);
        while let Some(block) = timeout(patience, stream.next()).await?? {
            if self.take(&block) {
                return Ok(true);
            }
            if let Cuts::OneIn(blocks) = self.cuts
                && self.chance.size(1, blocks) == 1
            {
                break;
            }
        }
        self.away_since.get_or_insert_with(Instant::now);
        Ok(false)
    }

    /// Takes a block. Tells whether it is the last one.
    fn take(&mut self, block: &Block) -> bool {
        if let Some(since) = self.away_since.take() {
            self.seen.longest_away = self.seen.longest_away.max(since.elapsed());
        }
        if let Some(id) = &block.id {
            self.cursor = Some(id.clone());
        }
        if let Some(envelope) = block.envelope() {
            self.seen.events.push(print(
                envelope["rawIndex"].as_u64().unwrap(),
                &envelope["eventId"],
                &envelope["data"],
            ));
        }
        if let Some(gap) = block.named("taskcast.gap") {
            let reason = gap["reason"].as_str().unwrap().to_owned();
            self.seen.gaps.push((reason, self.seen.events.len()));
        }
        let done = block.done().map(str::to_owned);
        if let Some(reason) = &done {
            (self.seen.reason, self.seen.ended) = (reason.clone(), Instant::now());
        }
        done.is_some()
    }
}

/// An event in one number: two that differ in index, id or data differ in it.
pub(crate) fn print(index: u64, id: &Value, data: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (index, id.as_str().unwrap(), data.to_string()).hash(&mut hasher);
    hasher.finish()
}
