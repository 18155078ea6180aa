//! One followed log: how far it is known to reach, and its newest events.

use super::budget::WindowBudget;
use super::window::Window;
use super::{SharedEvent, Totals};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskcast_core::{Epoch, Event, Index, TaskId};
use tokio::sync::watch;

/// How a log stands, as far as its followers need to know. Only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// A tail the log has reached.
    pub(crate) known: Index,
    /// One past the newest event in the window.
    pub(crate) ready: Index,
    /// Why nothing more comes, once that is so.
    pub(crate) end: Option<End>,
}

/// Why nothing more comes from a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is sealed at the known tail.
    Sealed,
    /// The task was deleted.
    Deleted,
    /// The stored tail moved back: the store lost what was read before.
    Lost,
}

/// One followed log.
pub(crate) struct Topic {
    pub(crate) task: TaskId,
    pub(crate) epoch: Epoch,
    /// Running totals of `accumulate` series, while somebody reads them.
    pub(crate) totals: Totals,
    pub(super) followers: AtomicUsize,
    progress: watch::Sender<Progress>,
    /// Held for memory operations only, never across an await.
    window: Mutex<Window>,
    budget: Arc<WindowBudget>,
}

impl Topic {
    pub(super) fn new(task: TaskId, epoch: Epoch, tail: Index, budget: Arc<WindowBudget>) -> Self {
        Self {
            task,
            epoch,
            totals: Totals::default(),
            followers: AtomicUsize::new(0),
            progress: watch::Sender::new(Progress {
                known: tail,
                ready: tail,
                end: None,
            }),
            window: Mutex::new(Window::at(tail)),
            budget,
        }
    }

    /// How many subscribers follow the log here.
    pub(crate) fn followers(&self) -> usize {
        self.followers.load(Ordering::Relaxed)
    }

    /// Whether a reader of the log with this epoch can follow here: what a topic knows is of no
    /// use once its log is gone, or was seen to have moved back.
    pub(super) fn can_be_joined(&self, epoch: Epoch) -> bool {
        let end = self.progress.borrow().end;
        self.epoch == epoch && matches!(end, None | Some(End::Sealed))
    }

    /// Sees the progress of the log, now and as it moves.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Takes the events of a commit that was acknowledged.
    pub(crate) fn append(&self, events: Vec<Event>, tail: Index, sealed: bool) {
        let ready = {
            let mut window = self.window.lock();
            let before = window.bytes();
            window.append(events);
            let allowed = self.budget.replace(before, window.bytes());
            let grown = window.bytes();
            window.shrink(allowed);
            self.budget.replace(grown, window.bytes());
            window.ready()
        };
        self.advance(tail, ready, sealed.then_some(End::Sealed));
    }

    /// A tail the log has reached, as far as is known here.
    pub(crate) fn known(&self) -> Index {
        self.progress.borrow().known
    }

    /// Takes notice of a tail that was read from the store, when `known` was known before the read
    /// began: a smaller one has moved back.
    pub(crate) fn observe(&self, epoch: Epoch, tail: Index, sealed: bool, known: Index) {
        if epoch != self.epoch {
            return self.end(End::Deleted);
        }
        if tail < known {
            return self.end(End::Lost);
        }
        self.advance(tail, Index::START, sealed.then_some(End::Sealed));
    }

    /// Takes notice of a hint: a tail that the log has had.
    pub(crate) fn hint(&self, epoch: Epoch, tail: Index) {
        if epoch == self.epoch {
            self.advance(tail, Index::START, None);
        }
    }

    /// Tells the followers that the log has ended.
    pub(crate) fn end(&self, end: End) {
        self.progress.send_if_modified(|progress| {
            let news = progress
                .end
                .is_none_or(|before| before == End::Sealed && before != end);
            if news {
                progress.end = Some(end);
            }
            news
        });
    }

    /// Tells that everything below `to` was read from the store.
    pub(crate) fn read_elsewhere(&self, to: Index) {
        let ready = {
            let mut window = self.window.lock();
            let before = window.bytes();
            window.skip_to(to);
            self.budget.replace(before, window.bytes());
            window.ready()
        };
        self.advance(to, ready, None);
    }

    /// The events from `from` on, if they are in memory.
    pub(crate) fn read(&self, from: Index, max_bytes: usize) -> Option<Vec<Arc<SharedEvent>>> {
        self.window.lock().read(from, max_bytes)
    }

    fn advance(&self, known: Index, ready: Index, end: Option<End>) {
        self.progress.send_if_modified(|progress| {
            let before = *progress;
            progress.known = progress.known.max(known).max(ready);
            progress.ready = progress.ready.max(ready);
            progress.end = progress.end.or(end);
            *progress != before
        });
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        self.budget.replace(self.window.get_mut().bytes(), 0);
    }
}
