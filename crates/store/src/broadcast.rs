//! The broadcast: hints that a tail moved. Losing every hint costs latency, never data.

use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use taskcast_core::{Epoch, Index, TaskId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// A tail is at least here. May come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The task.
    pub task: TaskId,
    /// Its log.
    pub epoch: Epoch,
    /// A tail that the log has had.
    pub tail: Index,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A tail moved.
    Hint(Hint),
    /// Hints may have been lost: look at every followed tail.
    Lost,
}

/// Carries hints between the engines that share a store.
pub trait Broadcast: Send + Sync + 'static {
    /// Sends a hint to the others; not waited for.
    fn announce(&self, hint: Hint);

    /// Begins to listen. Nothing is heard until a task is followed.
    fn listen(&self) -> Listening;
}

/// The two ends of listening: what to follow, and what is heard.
pub struct Listening {
    /// Says which tasks matter.
    pub interest: Arc<dyn Interest>,
    /// Gives what is heard.
    pub hints: Box<dyn Hints>,
}

/// Says which tasks an engine wants hints about.
pub trait Interest: Send + Sync {
    /// Wants hints about a task from now on.
    fn follow(&self, task: &TaskId);

    /// Wants no more hints about a task.
    fn unfollow(&self, task: &TaskId);
}

/// A stream of what is heard.
#[async_trait]
pub trait Hints: Send {
    /// The next thing heard; none when the broadcast has ended.
    async fn next(&mut self) -> Option<Heard>;
}

/// Hints between the engines of one process.
///
/// With a single engine there is nobody else to tell, and announcing costs one look at a counter.
/// Among several an engine hears its own hints too; they say what it knows already.
#[derive(Clone, Debug)]
pub struct MemoryBroadcast {
    sender: Sender<Hint>,
}

impl MemoryBroadcast {
    /// Hints kept for a listener that is slow; more are [`Heard::Lost`].
    const BACKLOG: usize = 1024;

    /// A broadcast with nobody listening.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sender: channel(Self::BACKLOG).0,
        }
    }
}

impl Default for MemoryBroadcast {
    fn default() -> Self {
        Self::new()
    }
}

impl Broadcast for MemoryBroadcast {
    fn announce(&self, hint: Hint) {
        if self.sender.receiver_count() > 1 {
            // Without a receiver there is nobody to tell.
            let _ = self.sender.send(hint);
        }
    }

    fn listen(&self) -> Listening {
        let followed = Arc::new(Followed::default());
        let hints = MemoryHints {
            receiver: self.sender.subscribe(),
            followed: followed.clone(),
        };
        Listening {
            interest: followed,
            hints: Box::new(hints),
        }
    }
}

/// The tasks one engine follows. The lock is held for one look-up, never across an await.
#[derive(Default)]
struct Followed(Mutex<HashSet<TaskId>>);

impl Interest for Followed {
    fn follow(&self, task: &TaskId) {
        self.0.lock().insert(task.clone());
    }

    fn unfollow(&self, task: &TaskId) {
        self.0.lock().remove(task);
    }
}

struct MemoryHints {
    receiver: Receiver<Hint>,
    followed: Arc<Followed>,
}

#[async_trait]
impl Hints for MemoryHints {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.receiver.recv().await {
                Ok(hint) if self.followed.0.lock().contains(&hint.task) => {
                    return Some(Heard::Hint(hint));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(Heard::Lost),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
