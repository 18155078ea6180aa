//! A broadcast that loses hints, brings them late, and brings them twice.

use crate::rng::{hash, hash_text};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use taskcast_core::TaskId;
use taskcast_store::{Broadcast, Heard, Hint, Hints, Interest, Listening};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Carries hints badly. What becomes of a hint depends on the seed and the hint alone.
pub(crate) struct PoorBroadcast {
    seed: u64,
    listeners: Mutex<Vec<Weak<Mailbox>>>,
}

#[derive(Default)]
struct Mailbox {
    /// Hints by the time they arrive.
    waiting: Mutex<BTreeMap<(Instant, u64), Heard>>,
    news: Notify,
}

impl PoorBroadcast {
    /// Hints in one mailbox; more are lost.
    const ROOM: usize = 256;

    /// The broadcast of a seed.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            listeners: Mutex::default(),
        }
    }
}

impl Broadcast for PoorBroadcast {
    fn announce(&self, hint: Hint) {
        let task = hash_text(hint.task.as_str());
        for (number, mailbox) in self.listeners.lock().iter().enumerate() {
            let Some(mailbox) = mailbox.upgrade() else {
                continue;
            };
            let fate = hash(&[self.seed, task, hint.tail.0, number as u64]);
            // 0: lost. 1: once. 2: twice. Of some that are lost it is told that something was.
            if fate.is_multiple_of(12) {
                let mut waiting = mailbox.waiting.lock();
                waiting.insert((Instant::now(), fate), Heard::Lost);
            }
            for copy in 0..fate % 3 {
                let delay = Duration::from_millis((fate >> (8 + 8 * copy)) % 200);
                let mut waiting = mailbox.waiting.lock();
                if waiting.len() < Self::ROOM {
                    let at = Instant::now() + delay;
                    waiting.insert((at, hash(&[fate, copy])), Heard::Hint(hint.clone()));
                }
            }
            mailbox.news.notify_one();
        }
    }

    fn listen(&self) -> Listening {
        let mailbox = Arc::new(Mailbox::default());
        self.listeners.lock().push(Arc::downgrade(&mailbox));
        Listening {
            interest: Arc::new(EveryTask),
            hints: Box::new(PoorHints(mailbox)),
        }
    }
}

struct EveryTask;

impl Interest for EveryTask {
    fn follow(&self, _: &TaskId) {}
    fn unfollow(&self, _: &TaskId) {}
}

struct PoorHints(Arc<Mailbox>);

#[async_trait]
impl Hints for PoorHints {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            let first = self.0.waiting.lock().keys().next().copied();
            match first {
                Some(key @ (at, _)) if at <= Instant::now() => {
                    let heard = self.0.waiting.lock().remove(&key);
                    if heard.is_some() {
                        return heard;
                    }
                }
                Some((at, _)) => tokio::select! {
                    biased;
                    () = self.0.news.notified() => {}
                    () = sleep_until(at) => {}
                },
                None => self.0.news.notified().await,
            }
        }
    }
}
