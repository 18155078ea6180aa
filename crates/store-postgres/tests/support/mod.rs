//! What the tests begin with: a server of their own, stores in fresh databases, and a memory store
//! whose logs are archived by hand.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it"
)]

use std::sync::{Arc, Mutex, Weak};
use taskcast_core::{
    Epoch, EventType, Index, Limits, Millis, NewEvent, NewTask, RawJson, SeriesId, SeriesMode,
    SeriesTag, Slot, TaskId,
};
use taskcast_rig::{PostgresOptions as ServerOptions, PostgresServer};
use taskcast_store::tier::{ArchiveEntry, Archived, HotStore, LongTermStore, OnceImage, Watermark};
use taskcast_store::{
    Commit, Committed, Create, LogReader, ManualClock, MemoryOptions, MemoryStore, Partition,
    ReadAsk, TaskLog, TaskState, Which,
};
use taskcast_store_postgres::{PostgresOptions, PostgresStore, migrations};

pub const NOON: Millis = Millis(1_700_000_000_000);

/// The server that the tests of one file share; it ends with the last of them.
pub fn server() -> Arc<PostgresServer> {
    static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let settings = vec!["max_connections=200".to_owned()];
    let server = PostgresServer::start(&ServerOptions {
        settings,
        ..ServerOptions::default()
    });
    let server = Arc::new(server);
    *shared = Arc::downgrade(&server);
    server
}

/// An archive in a fresh database.
pub struct Given {
    pub store: PostgresStore,
    pub clock: Arc<ManualClock>,
    pub database: String,
    pub url: String,
    pub server: Arc<PostgresServer>,
}

impl Given {
    pub async fn open() -> Self {
        let server = server();
        let database = server.new_database();
        let url = server.url_of(&database, server.port());
        migrations::run(&url).await.unwrap();
        let clock = Arc::new(ManualClock::at(NOON));
        let store = PostgresStore::connect(PostgresOptions::new(&url), clock.clone()).await;
        Self {
            store: store.unwrap(),
            clock,
            database,
            url,
            server,
        }
    }

    pub fn sql(&self, sql: &str) -> String {
        self.server.psql(&self.database, sql)
    }
}

pub fn memory(clock: Arc<ManualClock>) -> MemoryStore {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits: Limits::default(),
        incarnation: 1,
        archived: None,
    };
    MemoryStore::new(options, clock)
}

pub fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub fn series_id(text: &str) -> SeriesId {
    SeriesId::new(text).unwrap()
}

pub fn event(event_type: &str, data: &str) -> NewEvent {
    let data = RawJson::parse(data.as_bytes(), 64).unwrap();
    NewEvent::new(EventType::new(event_type).unwrap(), Some(data))
}

pub fn in_series(series: &str, mode: SeriesMode, data: &str) -> NewEvent {
    let tag = SeriesTag {
        id: Some(series_id(series)),
        mode: Some(mode),
        field: None,
    };
    event("llm.delta", data).in_series(tag)
}

pub fn delta(series: &str, text: &str) -> NewEvent {
    in_series(
        series,
        SeriesMode::Accumulate,
        &format!(r#"{{"delta":"{text}"}}"#),
    )
}

pub fn create(name: &str, epoch: u32, now: Millis) -> Create {
    Create {
        record: NewTask::default().into_record(id(name), now),
        epoch: Epoch(epoch),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    }
}

pub async fn publish(hot: &MemoryStore, name: &str, events: Vec<NewEvent>) -> Committed {
    let commit = Commit {
        task: id(name),
        epoch: None,
        change: None,
        events,
        once: None,
    };
    hot.commit(commit).await.unwrap()
}

pub fn all(from: Index, to: Index) -> ReadAsk {
    ReadAsk {
        from,
        to,
        which: Which::All,
        max_slots: 100_000,
        max_bytes: usize::MAX,
    }
}

pub async fn slots(store: &dyn LogReader, state: &TaskState) -> Vec<Slot> {
    let ask = all(Index::START, Index::LIMIT);
    store
        .read(&state.record.id, state.epoch, ask)
        .await
        .unwrap()
        .slots
}

pub async fn text(store: &dyn LogReader, name: &str, series: &str, run: u64) -> String {
    let (id, series) = (id(name), series_id(series));
    let text = store
        .text(&id, Epoch(1), &series, Index(run), 0..u64::MAX)
        .await
        .unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

/// What a log has gained since a watermark; at most `most` slots of it.
pub async fn gained(
    hot: &MemoryStore,
    state: &TaskState,
    mark: Option<Watermark>,
    most: u64,
) -> ArchiveEntry {
    let from = mark.map_or(Index::START, |mark| mark.tail);
    let (id, epoch) = (&state.record.id, state.epoch);
    let to = state.tail.min(from.plus(most));
    let page = hot.read(id, epoch, all(from, to)).await.unwrap();
    let after = mark.map_or_else(Default::default, |mark| mark.commit);
    let once = hot
        .once_since(id, epoch, after)
        .await
        .unwrap_or_else(|_| OnceImage::default());
    ArchiveEntry {
        partition: Partition(0),
        state: state.clone(),
        from,
        slots: page.slots,
        once,
    }
}

/// Archives all that a log has gained, in one entry.
pub async fn follow(hot: &MemoryStore, archive: &dyn LongTermStore, name: &str) -> Watermark {
    let state = hot.load(&id(name)).await.unwrap().unwrap();
    let marks = archive
        .watermarks(&[(id(name), state.epoch)])
        .await
        .unwrap();
    let entry = gained(hot, &state, marks[0], u64::MAX >> 1).await;
    match archive.archive(vec![entry]).await.unwrap()[..] {
        [Archived::Done(mark)] => mark,
        ref other => panic!("{other:?}"),
    }
}
