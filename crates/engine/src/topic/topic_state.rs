//! One followed log: how far it is known to reach, and its newest events.

use super::Totals;
use super::budget::WindowBudget;
use super::flight::Flights;
use super::window::{Held, Window};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use taskcast_core::{CommitNumber, Epoch, Event, Index, Slot, TaskId};
use taskcast_store::{Page, StoreError};
use tokio::sync::watch;

/// How a log stands, as far as its followers need to know. Only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// A tail the log has reached. Followers are not woken for it: there is nothing to give yet.
    pub(crate) known: Index,
    /// One past the newest event in the window.
    pub(crate) ready: Index,
    /// Why nothing more comes, once that is so.
    pub(crate) end: Option<End>,
}

/// Why nothing more comes from a log, or from this topic of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is sealed at the known tail.
    Sealed,
    /// The task was deleted.
    Deleted,
    /// The id is another log's.
    Replaced,
    /// The stored tail moved back: the store lost what was read before.
    Lost,
    /// The store has not answered for too long; see [`Topic::failure`].
    Failed,
}

/// What a follower finds at its position.
pub(crate) enum Ahead {
    /// Slots in memory.
    Held(Vec<Held>),
    /// Slots that only the store has, up to this index.
    Stored(Index),
    /// Nothing yet.
    Nothing,
}

/// One followed log.
pub(crate) struct Topic {
    pub(crate) task: TaskId,
    pub(crate) epoch: Epoch,
    /// Running totals of `accumulate` series, while somebody reads them.
    pub(crate) totals: Totals,
    pub(super) followers: AtomicUsize,
    progress: watch::Sender<Progress>,
    /// Commits of this engine that were not answered yet.
    pub(super) flights: Flights,
    /// Whether somebody reads from the store what the window lacks.
    reading: AtomicBool,
    failure: OnceLock<StoreError>,
    /// Held for memory operations only, never across an await.
    window: Mutex<Window>,
    budget: Arc<WindowBudget>,
}

impl Topic {
    pub(super) fn new(
        task: TaskId,
        epoch: Epoch,
        (tail, newest): (Index, CommitNumber),
        budget: Arc<WindowBudget>,
    ) -> Self {
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
            flights: Flights::default(),
            reading: AtomicBool::new(false),
            failure: OnceLock::new(),
            window: Mutex::new(Window::at(tail, newest)),
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
        match self.change(|window| window.append(events)) {
            Some(ready) => self.advance(tail, ready, sealed.then_some(End::Sealed)),
            None => self.end(End::Lost),
        }
    }

    /// Takes a look at slots of the log: one that stands where another stood shows a loss.
    pub(crate) fn verify(&self, slots: &[Slot]) {
        let window = self.window.lock();
        if slots.iter().any(|slot| window.is_rewritten_by(slot)) {
            self.end(End::Lost);
        }
    }

    /// The last index that followers may have been given.
    pub(crate) fn last_given(&self) -> Option<Index> {
        self.progress.borrow().ready.previous()
    }

    /// What the window lacks of the log as far as that is known; none when nobody would read it.
    pub(crate) fn missing(&self) -> Option<Range<Index>> {
        let Progress { known, ready, end } = *self.progress.borrow();
        let wanted = self.followers() > 0 && matches!(end, None | Some(End::Sealed));
        (wanted && ready < known).then_some(ready..known)
    }

    /// Begins to read what is missing, unless somebody does already.
    pub(crate) fn begin_reading(&self) -> bool {
        self.missing().is_some() && !self.reading.swap(true, Ordering::SeqCst)
    }

    /// Ends reading. Tells whether there is more to read after all.
    pub(crate) fn end_reading(&self) -> bool {
        self.reading.store(false, Ordering::SeqCst);
        self.begin_reading()
    }

    /// Takes a page that was read because it was missing. What was trimmed meanwhile is left out;
    /// whoever wanted it finds out at its position.
    pub(crate) fn take_page(&self, missing: &Range<Index>, page: Page) {
        if page.next <= missing.start && page.tail < missing.end {
            return self.end(End::Lost);
        }
        let to = page.next.max(page.trim);
        let ready = self.change(|window| {
            if page.trim > missing.start {
                window.skip_to(page.trim);
            }
            window.fill(page.slots);
            // A page without every slot would be a damaged store; nobody shall wait for the rest.
            window.skip_to(to);
        });
        match ready {
            Some(ready) => self.advance(to, ready, None),
            None => self.end(End::Lost),
        }
    }

    /// Changes the window within its budget. Tells how far it reaches then; nothing when it was
    /// shown that the log is another than was given.
    fn change(&self, change: impl FnOnce(&mut Window)) -> Option<Index> {
        let mut window = self.window.lock();
        let before = window.bytes();
        change(&mut window);
        let grown = window.bytes();
        let allowed = self.budget.replace(before, grown);
        window.shrink(allowed);
        self.budget.replace(grown, window.bytes());
        (!window.is_rewritten()).then(|| window.ready())
    }

    /// A tail the log has reached, as far as is known here.
    pub(crate) fn known(&self) -> Index {
        self.progress.borrow().known
    }

    /// Takes notice of a tail that was read from the store, when `known` was known before the read
    /// began: a smaller one has moved back.
    pub(crate) fn observe(&self, epoch: Epoch, tail: Index, sealed: bool, known: Index) {
        if epoch != self.epoch {
            return self.end(End::Replaced);
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

    /// Ends the topic because the store has not answered for too long.
    pub(crate) fn fail(&self, error: &StoreError) {
        self.failure.get_or_init(|| error.clone());
        self.end(End::Failed);
    }

    /// Why the topic ended as [`End::Failed`].
    pub(crate) fn failure(&self) -> Option<&StoreError> {
        self.failure.get()
    }

    /// What lies at `from`: of what is in memory up to `max_bytes`, but at least one slot.
    pub(crate) fn ahead(&self, from: Index, max_bytes: usize) -> Ahead {
        let window = self.window.lock();
        match window.read(from, max_bytes) {
            Some(held) if !held.is_empty() => Ahead::Held(held),
            None if from < window.start() => Ahead::Stored(window.start()),
            _ => Ahead::Nothing,
        }
    }

    fn advance(&self, known: Index, ready: Index, end: Option<End>) {
        self.progress.send_if_modified(|progress| {
            let before = *progress;
            progress.known = progress.known.max(known).max(ready);
            progress.ready = progress.ready.max(ready);
            progress.end = progress.end.or(end);
            progress.ready != before.ready || progress.end != before.end
        });
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        self.budget.replace(self.window.get_mut().bytes(), 0);
    }
}
