//! What a rule begins with: a store, a clock that stands still, tasks and events in few words.

use super::Subject;
use crate::{
    Change, Commit, CommitError, Committed, Create, KeyClaim, ManualClock, Once, Page,
    ProducerClaim, ReadAsk, ShortTermStore, TaskState, Which,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use taskcast_core::{
    Epoch, EventType, Imported, Index, Level, Limits, Millis, NewEvent, NewTask, ProducerId,
    RawJson, SeriesId, SeriesMode, SeriesTag, Slot, Status, TaskId, TaskRecord, Transition,
    transition,
};

/// When every rule begins.
pub(super) const NOON: Millis = Millis(1_700_000_000_000);

pub(super) struct Given {
    pub(super) store: Arc<dyn ShortTermStore>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) limits: Limits,
    epochs: AtomicU32,
}

impl Given {
    pub(super) async fn open(subject: &dyn Subject) -> Self {
        Self::open_with(subject, Limits::default()).await
    }

    pub(super) async fn open_with(subject: &dyn Subject, limits: Limits) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let store = subject.open(clock.clone(), limits.clone()).await;
        Self::of(store, clock, limits)
    }

    /// A store that is open already.
    pub(super) fn of(
        store: Arc<dyn ShortTermStore>,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> Self {
        Self {
            store,
            clock,
            limits,
            epochs: AtomicU32::new(1),
        }
    }

    /// Closes the store and opens it again; false when it keeps nothing.
    pub(super) async fn reopen(&mut self, subject: &dyn Subject) -> bool {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        match subject.reopen(store, clock, self.limits.clone()).await {
            Some(store) => self.store = store,
            None => return false,
        }
        true
    }

    /// A create of a pending task under an id, with an epoch that was never used.
    pub(super) fn new_task(&self, id: &str) -> Create {
        self.create_of(record(id, crate::Clock::now(&*self.clock)))
    }

    pub(super) fn create_of(&self, record: TaskRecord) -> Create {
        Create {
            record,
            epoch: Epoch(self.epochs.fetch_add(1, Ordering::Relaxed)),
            events: Vec::new(),
            replace: false,
            key: None,
            drawn: false,
        }
    }

    pub(super) async fn task(&self, id: &str) -> TaskState {
        self.store.create(self.new_task(id)).await.unwrap()
    }

    pub(super) async fn state(&self, id: &str) -> TaskState {
        self.store.load(&task_id(id)).await.unwrap().unwrap()
    }

    pub(super) async fn publish(&self, id: &str, events: Vec<NewEvent>) -> Committed {
        self.store.commit(publish(id, events)).await.unwrap()
    }

    /// Makes a commit that has to be taken.
    pub(super) async fn take(&self, commit: Commit) -> Committed {
        self.store.commit(commit).await.unwrap()
    }

    pub(super) async fn refused(&self, commit: Commit) -> CommitError {
        self.store.commit(commit).await.unwrap_err()
    }

    /// Moves a task to a status, with the events that tell of it.
    pub(super) async fn step(&self, id: &str, to: Status) -> Committed {
        self.transit(id, &Transition::to(to)).await
    }

    pub(super) async fn transit(&self, id: &str, asked: &Transition) -> Committed {
        let before = self.state(id).await;
        let now = crate::Clock::now(&*self.clock);
        self.store
            .commit(change(&before, asked, now))
            .await
            .unwrap()
    }

    pub(super) async fn delete(&self, task: &TaskState) {
        let deleted = self.store.delete(&task.record.id, task.epoch).await;
        assert!(deleted.unwrap());
    }

    pub(super) async fn trim(&self, task: &TaskState, to: u64) {
        let trimmed = self.store.trim(&task.record.id, task.epoch, Index(to));
        trimmed.await.unwrap();
    }

    pub(super) async fn clean(&self, task: &TaskState, indexes: &[u64]) {
        let indexes: Vec<Index> = indexes.iter().copied().map(Index).collect();
        let cleaned = self.store.clean(&task.record.id, task.epoch, &indexes);
        cleaned.await.unwrap();
    }

    pub(super) async fn slots(&self, id: &str) -> Vec<Slot> {
        let state = self.state(id).await;
        read_all(&*self.store, &state, Which::All, 1_000, 1 << 20).await
    }
}

/// The commit that moves a task on from a state.
pub(super) fn change(before: &TaskState, asked: &Transition, now: Millis) -> Commit {
    let step = transition(&before.record, asked, now).unwrap();
    Commit {
        change: Some(Change {
            expected: before.revision,
            record: step.record,
        }),
        epoch: Some(before.epoch),
        ..publish(before.record.id.as_str(), step.events)
    }
}

pub(super) fn record(id: &str, now: Millis) -> TaskRecord {
    NewTask::default().into_record(task_id(id), now)
}

pub(super) fn publish(id: &str, events: Vec<NewEvent>) -> Commit {
    Commit {
        task: task_id(id),
        epoch: None,
        change: None,
        events,
        once: None,
    }
}

/// The same commit, made at most once by a producer that numbers it `first..=last`.
pub(super) fn by_producer(commit: Commit, id: &str, epoch: u64, first: u64, last: u64) -> Commit {
    let id = ProducerId::new(id).unwrap();
    let claim = ProducerClaim {
        id,
        epoch,
        first,
        last,
    };
    Commit {
        once: Some(Once::Producer(claim)),
        ..commit
    }
}

/// The same commit, named by a key; `body` stands for what the request says.
pub(super) fn by_key(commit: Commit, key: &str, body: u8) -> Commit {
    Commit {
        once: Some(Once::Key(claim(key, body))),
        ..commit
    }
}

pub(super) fn claim(key: &str, body: u8) -> KeyClaim {
    KeyClaim {
        key: key.into(),
        body: [body; 32],
    }
}

pub(super) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

pub(super) fn series_id(id: &str) -> SeriesId {
    SeriesId::new(id).unwrap()
}

pub(super) fn json(text: &str) -> RawJson {
    RawJson::parse(text.as_bytes(), 64).unwrap()
}

pub(super) fn event(event_type: &str) -> NewEvent {
    with_data(event_type, "{}")
}

pub(super) fn with_data(event_type: &str, data: &str) -> NewEvent {
    NewEvent::new(EventType::new(event_type).unwrap(), Some(json(data)))
}

pub(super) fn at_level(event_type: &str, level: Level) -> NewEvent {
    NewEvent {
        level,
        ..event(event_type)
    }
}

pub(super) fn in_series(series: &str, mode: SeriesMode, data: &str) -> NewEvent {
    let tag = SeriesTag {
        id: Some(series_id(series)),
        mode: Some(mode),
        field: None,
    };
    with_data("llm.delta", data).in_series(tag)
}

/// A delta of an `accumulate` series whose text is `text`, in its JSON-escaped form.
pub(super) fn delta(series: &str, text: &str) -> NewEvent {
    let data = format!(r#"{{"delta":"{text}"}}"#);
    in_series(series, SeriesMode::Accumulate, &data)
}

pub(super) fn latest(series: &str, data: &str) -> NewEvent {
    in_series(series, SeriesMode::Latest, data)
}

pub(super) fn imported(event: NewEvent, id: &str, at: Millis) -> NewEvent {
    let imported = Some(Imported { id: id.into(), at });
    NewEvent { imported, ..event }
}

/// Everything that is readable, page by page, each page checked.
pub(super) async fn read_all(
    store: &dyn ShortTermStore,
    state: &TaskState,
    which: Which,
    max_slots: usize,
    max_bytes: usize,
) -> Vec<Slot> {
    let ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which,
        max_slots,
        max_bytes,
    };
    read_range(store, state, ask).await
}

/// What a range holds, page by page, each page checked.
pub(super) async fn read_range(
    store: &dyn ShortTermStore,
    state: &TaskState,
    mut ask: ReadAsk,
) -> Vec<Slot> {
    let mut slots = Vec::new();
    loop {
        let (id, epoch) = (&state.record.id, state.epoch);
        let page = store.read(id, epoch, ask).await.unwrap();
        check_page(&page, &ask);
        let end = page.tail.min(ask.to);
        slots.extend(page.slots);
        if page.next >= end {
            return slots;
        }
        assert!(page.next > ask.from, "a page has to make progress: {ask:?}");
        ask.from = page.next;
    }
}

/// The rules of a page.
pub(super) fn check_page(page: &Page, ask: &ReadAsk) {
    let (first, end) = (ask.from.max(page.trim), page.tail.min(ask.to));
    let indexes: Vec<Index> = page.slots.iter().map(Slot::index).collect();
    assert!(indexes.is_sorted_by(|a, b| a < b), "{ask:?}: {indexes:?}");
    assert!(
        indexes.iter().all(|index| (first..end).contains(index)),
        "{ask:?} from {first} to {end}: {indexes:?}"
    );
    assert!(indexes.len() <= ask.max_slots, "{ask:?}: {indexes:?}");
    assert!(page.next <= end, "{ask:?}: next {}, end {end}", page.next);
    let Some(last) = indexes.last() else {
        assert_eq!(page.next, end, "an empty page is at the end: {ask:?}");
        return;
    };
    assert!(
        page.next > *last,
        "{ask:?}: next {}, last {last}",
        page.next
    );
    let sizes: Vec<usize> = page.slots.iter().map(payload).collect();
    let before_last: usize = sizes.iter().rev().skip(1).sum();
    assert!(before_last <= ask.max_bytes, "{ask:?}: {sizes:?}");
}

fn payload(slot: &Slot) -> usize {
    let data = slot.event().and_then(|event| event.data.as_ref());
    data.map_or(0, |data| data.as_bytes().len())
}
