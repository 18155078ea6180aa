//! What the tests begin with: stores, tasks and events in few words.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventType, Index, Millis, NewEvent, NewTask, RawJson, Slot, TaskId,
};
use taskcast_store::{
    Clock, Commit, Committed, Create, LogReader, ReadAsk, ReadError, ShortTermStore, StoreError,
    SystemClock, TaskLog, Which,
};
use taskcast_store_redis::{RedisOptions, RedisStore};

/// The reduced or the full count.
pub(crate) fn count(reduced: usize, full: usize) -> usize {
    match std::env::var("TASKCAST_TEST_COUNTS").is_ok_and(|counts| counts == "full") {
        true => full,
        false => reduced,
    }
}

/// A store of one partition.
pub(crate) fn options(url: impl Into<String>) -> RedisOptions {
    RedisOptions {
        partitions: 1,
        ..RedisOptions::new(url)
    }
}

pub(crate) async fn connect(url: impl Into<String>) -> RedisStore {
    RedisStore::connect(options(url)).await.unwrap()
}

/// Why no connection was made, as an operator reads it.
pub(crate) async fn refused(options: RedisOptions) -> String {
    let refused = RedisStore::connect(options).await;
    refused.err().map(|error| error.to_string()).unwrap()
}

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

/// A new task with an epoch that was never used.
pub(crate) fn new_task(id: &str) -> Create {
    static EPOCHS: AtomicU32 = AtomicU32::new(1);
    Create {
        record: NewTask::default().into_record(task_id(id), SystemClock.now()),
        epoch: Epoch(EPOCHS.fetch_add(1, Ordering::Relaxed)),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    }
}

/// A publish of one event that says a number.
pub(crate) fn number(id: &str, number: u64) -> Commit {
    let data = RawJson::parse(format!("{{\"n\":{number}}}").as_bytes(), 9).unwrap();
    let event = NewEvent::new(EventType::new("number").unwrap(), Some(data));
    Commit {
        task: task_id(id),
        epoch: None,
        change: None,
        events: vec![event],
        once: None,
    }
}

pub(crate) fn says(event: &Event) -> String {
    let data = event.data.as_ref().unwrap().as_bytes();
    String::from_utf8(data.to_vec()).unwrap()
}

/// Every event of a task; waits for connections that are being made anew.
pub(crate) async fn events(store: &RedisStore, id: &str) -> Vec<Event> {
    let id = task_id(id);
    let state = until_ok(|| store.load(&id)).await.unwrap();
    let mut events = Vec::new();
    let mut from = Index::START;
    while from < state.tail {
        let ask = ReadAsk {
            from,
            to: Index::LIMIT,
            which: Which::All,
            max_slots: 1000,
            max_bytes: 1 << 20,
        };
        let read = || async {
            store
                .read(&id, state.epoch, ask)
                .await
                .map_err(|error| match error {
                    ReadError::Store(error) => error,
                    ReadError::Gone => panic!("the log of {id} is gone"),
                })
        };
        let page = until_ok(read).await;
        let slots = page.slots.into_iter();
        events.extend(slots.filter_map(|slot| match slot {
            Slot::Event(event) => Some(event),
            Slot::Tombstone(_) => None,
        }));
        from = page.next;
    }
    events
}

/// Waits until something asked of the store is answered.
pub(crate) async fn until_ok<T, F>(mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(error) => assert!(matches!(error, StoreError::Unavailable { .. }), "{error}"),
        }
        pause().await;
    }
}

/// Waits until the store works.
pub(crate) async fn until_up(store: &RedisStore) {
    until_ok(|| store.check()).await;
}

pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// What was acknowledged, which must never come twice.
#[derive(Default)]
pub(crate) struct Seen {
    positions: HashSet<(TaskId, Epoch, Index, Millis)>,
    commits: HashSet<CommitNumber>,
    pub(crate) newest: CommitNumber,
}

impl Seen {
    pub(crate) fn add(&mut self, id: &str, committed: &Committed) {
        self.add_commit(committed.commit);
        for event in &committed.events {
            let position = (task_id(id), committed.epoch, event.index, event.at);
            assert!(
                self.positions.insert(position.clone()),
                "twice {position:?}"
            );
        }
    }

    pub(crate) fn add_commit(&mut self, commit: CommitNumber) {
        assert!(self.commits.insert(commit), "twice {commit}");
        self.newest = self.newest.max(commit);
    }
}
