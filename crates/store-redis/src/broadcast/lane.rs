//! A connection that is made anew whenever it breaks, and brings the messages of wanted tasks.
//!
//! ```text
//!   waits, with jitter ──▶ connects ──▶ subscribes to all that is wanted ──▶ healthy
//!           ▲                                                       Lost        │
//!           └────────────── broken, or a ping without answer ◀──────────────────┘
//! ```

use super::backoff::Backoff;
use super::health::LaneHealth;
use super::line::Line;
use super::queue::Queue;
use super::wanted::Wanted;
use super::wiring::Wiring;
use crate::error::kind;
use redis::{ConnectionInfo, RedisError, RedisResult};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::FailureKind;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// One of the connections of a listener.
pub(super) struct Lane {
    wiring: Arc<Wiring>,
    /// Where to connect to; the next one is tried after a failure.
    nodes: Vec<ConnectionInfo>,
    wanted: Arc<Wanted>,
    queue: Arc<Queue>,
    /// Told when the lane broke: the cluster may have moved what it brings.
    broke: Arc<Notify>,
    health: LaneHealth,
}

impl Lane {
    pub(super) fn new(
        wiring: Arc<Wiring>,
        nodes: Vec<ConnectionInfo>,
        wanted: Arc<Wanted>,
        queue: Arc<Queue>,
        broke: Arc<Notify>,
    ) -> Self {
        let health = LaneHealth::new(wiring.health.clone());
        Self {
            wiring,
            nodes,
            wanted,
            queue,
            broke,
            health,
        }
    }

    /// Brings messages until it is dropped.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        for node in self.nodes.clone().iter().cycle() {
            match self.open(node).await {
                Ok(line) => {
                    let began = Instant::now();
                    let broken = self.serve(line).await;
                    backoff = Backoff::after(began.elapsed());
                    let kind = broken.map_or(FailureKind::ConnectionClosed, |error| kind(&error));
                    self.health.down(kind);
                }
                Err(error) => {
                    tracing::debug!(%error, "no connection for messages of Redis yet");
                    self.health.down(kind(&error));
                }
            }
            self.broke.notify_one();
            sleep(backoff.next()).await;
        }
    }

    /// Connects and subscribes to all that is wanted. What happened before is not heard any more.
    async fn open(&mut self, node: &ConnectionInfo) -> RedisResult<Line> {
        let mut line = Line::open(&self.wiring, node, self.queue.clone()).await?;
        let wanted = self.wanted.all();
        line.subscribe(&wanted).await?;
        if !wanted.is_empty() {
            self.queue.lost();
        }
        self.health.up();
        Ok(line)
    }

    /// Follows what is wanted until the connection breaks: by an error, if there is one.
    async fn serve(&mut self, mut line: Line) -> Option<RedisError> {
        const PING: Duration = Duration::from_secs(2);
        loop {
            let done = tokio::select! {
                () = line.ended() => return None,
                changes = self.wanted.changes() => line.change(&changes).await,
                () = sleep(PING) => line.ping().await,
            };
            match done {
                Ok(()) => self.health.up(),
                Err(error) => return Some(error),
            }
        }
    }
}
