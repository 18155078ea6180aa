//! What the stories are told with: a world with an engine in it, events, viewers.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests, of which each test file uses its own part"
)]

pub mod greeting;
pub mod rng;
pub mod split;
pub mod store;
pub mod viewer;

pub use greeting::{greeting, id_at, seen};
pub use rng::{Rng, Seeded};
pub use split::Split;
pub use store::Tricky;
pub use viewer::{Viewer, cursor_of, told};

use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;
use tokio::time::sleep;

/// When every story begins.
pub const START: Millis = Millis(1_700_000_000_000);

/// A clock, a store dated by it, and an engine.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Arc<Tricky>,
    pub engine: TaskEngine,
}

pub fn world() -> World {
    world_with(Limits::default())
}

pub fn world_with(limits: Limits) -> World {
    let clock = Arc::new(ManualClock::at(START));
    let store = memory(&clock, limits.clone());
    world_over(clock, store, limits)
}

/// A world whose store has several partitions.
pub fn split_world(partitions: u16) -> World {
    let clock = Arc::new(ManualClock::at(START));
    let store = Arc::new(Split::new(&clock, partitions));
    world_over(clock, store, Limits::default())
}

fn world_over(clock: Arc<ManualClock>, store: Arc<dyn ShortTermStore>, limits: Limits) -> World {
    let store = Tricky::over(store);
    let engine = engine_over(&store, Arc::new(MemoryBroadcast::new()), limits, 1);
    World {
        clock,
        store,
        engine,
    }
}

pub fn memory(clock: &Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits,
        incarnation: 7,
        archived: None,
    };
    Arc::new(MemoryStore::new(options, clock.clone()))
}

pub fn engine_over(
    store: &Arc<Tricky>,
    broadcast: Arc<dyn Broadcast>,
    limits: Limits,
    seed: u64,
) -> TaskEngine {
    TaskEngine::start(EngineOptions {
        broadcast,
        random: Arc::new(Seeded::new(seed)),
        limits,
        ..EngineOptions::new(store.clone())
    })
}

impl World {
    /// Lets time pass, on the clock and for everybody who waits.
    pub async fn pass(&self, ms: u64) {
        self.clock.advance(ms);
        sleep(Duration::from_millis(ms)).await;
    }

    /// A new task that is running, with nothing but that in its log.
    pub async fn running(&self, id: &str) -> TaskId {
        let id = self.pending(id, NewTask::default()).await;
        self.to(&id, Status::Running).await;
        id
    }

    pub async fn pending(&self, id: &str, task: NewTask) -> TaskId {
        create(&self.engine, id, task).await
    }

    pub async fn to(&self, id: &TaskId, status: Status) -> TaskState {
        let asked = Transition::to(status);
        self.engine.transition(id, &asked).await.unwrap()
    }

    pub async fn publish(&self, id: &TaskId, events: Vec<NewEvent>) -> Vec<Event> {
        match self.engine.publish(id, Publish::events(events)).await {
            Ok(Published::Now { events, .. }) => events,
            other => panic!("not published: {other:?}"),
        }
    }

    pub async fn watch(&self, id: &TaskId, ask: SubscribeAsk) -> Viewer {
        Viewer::open(&self.engine, id, ask).await
    }

    /// Every slot that is left of a log.
    pub async fn slots(&self, id: &TaskId) -> Vec<Slot> {
        let epoch = self.engine.get(id).await.unwrap().epoch;
        let ask = ReadAsk {
            from: Index::START,
            to: Index::LIMIT,
            which: Which::All,
            max_slots: usize::MAX,
            max_bytes: usize::MAX,
        };
        self.store.read(id, epoch, ask).await.unwrap().slots
    }

    pub async fn epoch(&self, id: &TaskId) -> Epoch {
        self.engine.get(id).await.unwrap().epoch
    }
}

pub async fn create(engine: &TaskEngine, id: &str, task: NewTask) -> TaskId {
    let id = TaskId::new(id).unwrap();
    let ask = CreateAsk {
        id: Some(id.clone()),
        task,
        ..CreateAsk::default()
    };
    engine.create(ask).await.unwrap();
    id
}

pub fn json(text: &str) -> RawJson {
    RawJson::parse(text.as_bytes(), 64).unwrap()
}

/// An event outside any series.
pub fn plain(kind: &str, number: u64) -> NewEvent {
    let data = json(&format!(r#"{{"n":{number}}}"#));
    NewEvent::new(EventType::new(kind).unwrap(), Some(data))
}

/// A delta of an `accumulate` series.
pub fn delta(series: &str, text: &str) -> NewEvent {
    in_series("llm.delta", series, SeriesMode::Accumulate, text)
}

/// A value of a `latest` series.
pub fn latest(series: &str, text: &str) -> NewEvent {
    in_series("progress", series, SeriesMode::Latest, text)
}

pub fn in_series(kind: &str, series: &str, mode: SeriesMode, text: &str) -> NewEvent {
    let data = RawJson::from_value(&serde_json::json!({ "delta": text })).unwrap();
    let tag = SeriesTag {
        id: Some(SeriesId::new(series).unwrap()),
        mode: Some(mode),
        field: None,
    };
    NewEvent::new(EventType::new(kind).unwrap(), Some(data)).in_series(tag)
}

/// A filter by patterns of types.
pub fn only(patterns: &[&str]) -> EventFilter {
    EventFilter {
        types: Some(
            patterns
                .iter()
                .map(|text| TypePattern::parse(text))
                .collect(),
        ),
        ..EventFilter::default()
    }
}

pub fn after(cursor: &str) -> SubscribeAsk {
    SubscribeAsk {
        last_event_id: Some(cursor.to_owned()),
        ..SubscribeAsk::default()
    }
}

pub fn since(since: Since) -> SubscribeAsk {
    SubscribeAsk {
        since,
        ..SubscribeAsk::default()
    }
}
