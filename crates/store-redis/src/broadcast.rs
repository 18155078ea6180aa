//! The broadcast: who follows a task hears at once that its tail moved.
//!
//! ```text
//!   commit.lua ── PUBLISH or SPUBLISH ──▶ Redis ──▶ line ──▶ queue ──▶ Hints
//!   Interest ──▶ wanted ──▶ lane ── SUBSCRIBE or SSUBSCRIBE ──▶ Redis
//!
//!   a server     one lane
//!   a cluster    a lane for each node that owns partitions, if it is 7.0 or newer; an older one
//!                carries every message to every node, so that one lane is enough
//! ```
//!
//! A lane keeps one connection alive and makes it anew when it breaks. Whoever loses messages
//! meanwhile is told so by [`Heard::Lost`], and looks at the tails.

mod backoff;
mod cluster;
mod health;
mod lane;
mod lanes;
mod line;
mod queue;
mod wanted;
mod wiring;

use crate::{RedisOptions, RedisStore};
use async_trait::async_trait;
use cluster::Steering;
use lane::Lane;
use lanes::Lanes;
use queue::Queue;
use std::sync::Arc;
use taskcast_store::{Broadcast, Dependency, Heard, Hint, Hints, Listening, StoreError};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use wanted::Wanted;
use wiring::Wiring;

/// Hints between the engines that share a [`RedisStore`].
///
/// Each listener has connections of its own, and one subscription for each task that it follows.
/// They end with the listener, with this broadcast, or with [`close`](Self::close).
pub struct RedisBroadcast {
    wiring: Arc<Wiring>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl RedisBroadcast {
    /// A broadcast for a store: `options` are those that the store was connected with.
    ///
    /// # Errors
    /// When Redis cannot be reached, or does not let us in.
    pub async fn connect(options: &RedisOptions, store: &RedisStore) -> Result<Self, StoreError> {
        let wiring = Wiring::connect(options, store.keys.clone()).await?;
        Ok(Self {
            wiring: Arc::new(wiring),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// How the connections for messages are, as `redisPubSub`: healthy when all of them are.
    #[must_use]
    pub fn dependency(&self) -> Arc<Dependency> {
        self.wiring.dependency()
    }

    /// Ends every listener and lets go of the connections.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for RedisBroadcast {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Broadcast for RedisBroadcast {
    /// Nothing is left to do: the script that makes a commit publishes its tail in the same step,
    /// so that no commit goes untold and no command is spent on telling.
    fn announce(&self, _: Hint) {}

    fn listen(&self) -> Listening {
        let (queue, stop) = (Arc::new(Queue::default()), self.stop.child_token());
        let lanes = Arc::new(Lanes::new(self.wiring.keys.clone()));
        let (wiring, tasks) = (self.wiring.clone(), self.tasks.clone());
        if wiring.sharded {
            let steering = Steering::new(wiring, lanes.clone(), queue.clone(), tasks);
            let steered = steering.run(stop.clone());
            (self.tasks).spawn(stop.clone().run_until_cancelled_owned(steered));
        } else {
            let wanted = Arc::new(Wanted::default());
            lanes.route(|_| Some(wanted.clone()));
            let nodes = wiring.nodes.clone();
            let lane = Lane::new(wiring, nodes, wanted, queue.clone(), Arc::default());
            tasks.spawn(stop.clone().run_until_cancelled_owned(lane.run()));
        }
        let hints = RedisHints {
            queue,
            _stop: stop.clone().drop_guard(),
            stop,
        };
        Listening {
            interest: lanes,
            hints: Box::new(hints),
        }
    }
}

/// What a listener hears. Its lanes end with it.
struct RedisHints {
    queue: Arc<Queue>,
    stop: CancellationToken,
    _stop: DropGuard,
}

#[async_trait]
impl Hints for RedisHints {
    async fn next(&mut self) -> Option<Heard> {
        self.stop.run_until_cancelled(self.queue.next()).await
    }
}
