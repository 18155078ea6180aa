//! What the tests of the files begin with.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod draw;
pub(crate) mod tier;

use std::path::Path;
use std::sync::Arc;
use taskcast_core::{
    Epoch, EventType, Index, Limits, Millis, NewEvent, NewTask, RawJson, SeriesId, SeriesMode,
    SeriesTag, TaskId,
};
use taskcast_store::{
    Commit, CommitError, Committed, Create, ManualClock, ReadAsk, StoreError, TaskLog, Which,
};
use taskcast_store_sqlite::{Durability, SqliteOptions, SqliteStore};

pub(crate) const EPOCH: Epoch = Epoch(7);

pub(crate) fn options(path: &Path) -> SqliteOptions {
    SqliteOptions {
        path: path.to_owned(),
        durability: Durability::Process,
        limits: Limits::default(),
        incarnation: 42,
        vfs: None,
        readers: 1,
        archived: false,
    }
}

pub(crate) fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    open_with(options(path))
}

pub(crate) fn open_with(options: SqliteOptions) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(options, Arc::new(ManualClock::at(Millis(1_000))))
}

pub(crate) fn id(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

pub(crate) async fn create<S: TaskLog + ?Sized>(store: &S, name: &str) {
    store.create(creation(name)).await.unwrap();
}

pub(crate) fn creation(name: &str) -> Create {
    Create {
        record: NewTask::default().into_record(id(name), Millis(1_000)),
        epoch: EPOCH,
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    }
}

pub(crate) fn event(json: &str) -> NewEvent {
    let data = RawJson::parse(json.as_bytes(), 64).unwrap();
    NewEvent::new(EventType::new("note").unwrap(), Some(data))
}

pub(crate) fn delta(series: &str, text: &str) -> NewEvent {
    in_series(series, &format!(r#"{{"delta":"{text}"}}"#))
}

/// An event of an `accumulate` series, whatever its data.
pub(crate) fn in_series(series: &str, json: &str) -> NewEvent {
    event(json).in_series(SeriesTag {
        id: Some(SeriesId::new(series).unwrap()),
        mode: Some(SeriesMode::Accumulate),
        field: None,
    })
}

/// An event that replaces the one before it in its series.
pub(crate) fn latest(series: &str, json: &str) -> NewEvent {
    event(json).in_series(SeriesTag {
        id: Some(SeriesId::new(series).unwrap()),
        mode: Some(SeriesMode::Latest),
        field: None,
    })
}

pub(crate) fn commit(name: &str, events: Vec<NewEvent>) -> Commit {
    Commit {
        task: id(name),
        epoch: None,
        change: None,
        events,
        once: None,
    }
}

pub(crate) async fn publish<S: TaskLog + ?Sized>(
    store: &S,
    name: &str,
    event: NewEvent,
) -> Result<Committed, CommitError> {
    store.commit(commit(name, vec![event])).await
}

pub(crate) fn all() -> ReadAsk {
    ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: usize::MAX,
        max_bytes: usize::MAX,
    }
}
