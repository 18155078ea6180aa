//! What a listener has still to hear.
//!
//! ```text
//!   line ── hint ──▶ tasks, in the order they were told of; of each the newest tail ──▶ next
//! ```
//!
//! A task that moves faster than the listener takes hints has one hint here, not many. Bounded: with
//! too many tasks waiting, the listener hears that hints were lost.

use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::{Heard, Hint};
use tokio::sync::Notify;

/// The queue of one listener.
#[derive(Default)]
pub(super) struct Queue {
    /// Held for memory operations only.
    waiting: Mutex<Waiting>,
    /// Told when there is something to hear.
    told: Notify,
}

#[derive(Default)]
struct Waiting {
    order: VecDeque<TaskId>,
    newest: HashMap<TaskId, (Epoch, Index)>,
    /// Stands for all that waits: who looks at every tail needs no hint.
    lost: bool,
}

impl Queue {
    /// Tasks that may wait.
    const MOST: usize = 1024;

    /// Adds a hint.
    pub(super) fn hint(&self, hint: Hint) {
        let mut waiting = self.waiting.lock();
        if waiting.lost {
            return;
        }
        let Hint { task, epoch, tail } = hint;
        let full = waiting.order.len() == Self::MOST;
        match waiting.newest.get_mut(&task) {
            Some(newest) if newest.0 == epoch => newest.1 = newest.1.max(tail),
            Some(newest) => *newest = (epoch, tail),
            None if full => waiting.lose(),
            None => {
                waiting.order.push_back(task.clone());
                waiting.newest.insert(task, (epoch, tail));
            }
        }
        drop(waiting);
        self.told.notify_one();
    }

    /// Says that hints were lost.
    pub(super) fn lost(&self) {
        self.waiting.lock().lose();
        self.told.notify_one();
    }

    /// The next thing to hear.
    pub(super) async fn next(&self) -> Heard {
        loop {
            if let Some(heard) = self.waiting.lock().take() {
                return heard;
            }
            self.told.notified().await;
        }
    }
}

impl Waiting {
    fn lose(&mut self) {
        self.order.clear();
        self.newest.clear();
        self.lost = true;
    }

    fn take(&mut self) -> Option<Heard> {
        if std::mem::take(&mut self.lost) {
            return Some(Heard::Lost);
        }
        let task = self.order.pop_front()?;
        let (epoch, tail) = self.newest.remove(&task)?;
        Some(Heard::Hint(Hint { task, epoch, tail }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(task: &str, epoch: u32, tail: u64) -> Hint {
        Hint {
            task: TaskId::new(task).unwrap(),
            epoch: Epoch(epoch),
            tail: Index(tail),
        }
    }

    #[tokio::test]
    async fn of_each_task_the_newest_tail_is_heard_once() {
        let queue = Queue::default();
        for (task, tail) in [("a", 1), ("b", 7), ("a", 3), ("a", 2)] {
            queue.hint(hint(task, 1, tail));
        }
        queue.hint(hint("b", 2, 1));
        assert_eq!(queue.next().await, Heard::Hint(hint("a", 1, 3)));
        assert_eq!(queue.next().await, Heard::Hint(hint("b", 2, 1)));
        queue.hint(hint("a", 1, 4));
        assert_eq!(queue.next().await, Heard::Hint(hint("a", 1, 4)));
    }

    #[tokio::test]
    async fn with_too_many_tasks_waiting_hints_are_lost_and_that_is_heard() {
        let queue = Queue::default();
        for number in 0..=Queue::MOST {
            queue.hint(hint(&format!("t{number}"), 1, 1));
        }
        queue.hint(hint("a", 1, 1));
        assert_eq!(queue.next().await, Heard::Lost);
        queue.hint(hint("b", 1, 1));
        assert_eq!(queue.next().await, Heard::Hint(hint("b", 1, 1)));
    }
}
