//! Runs over SQLite that lose power, and come back with what the disk has.
//!
//! Real threads, so that a seed decides what is tried, not what exactly happens.

use crate::rng::{Rng, Seeded};
use crate::run::Outcome;
use crate::vfs::{Disk, install};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskcast_core::{
    Epoch, EventFilter, EventId, EventType, GapReason, Limits, NewEvent, NewTask, RawJson,
    SeriesId, SeriesMode, SeriesTag, TaskId,
};
use taskcast_engine::{
    CreateAsk, EngineError, EngineOptions, Frame, HistoryAsk, Publish, Published, Subscribe,
    SubscribeAsk, TaskEngine,
};
use taskcast_store::{ShortTermStore, SystemClock};
use taskcast_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const TASKS: u64 = 3;
const WRITERS: u64 = 6;
const ROUNDS: u64 = 4;
/// How long a reader may take to reach the tail again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a seed over SQLite with power cuts.
///
/// # Errors
/// When no runtime or directory can be had.
pub fn run_sqlite(seed: u64) -> io::Result<Outcome> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let name = format!("power-{}-{seed}", RUNS.fetch_add(1, Ordering::Relaxed));
    let disk = install(&name).ok_or_else(|| io::Error::other("the VFS cannot be registered"))?;
    let directory = tempfile::tempdir()?;
    let mut rng = Rng::new(seed);
    let options = SqliteOptions {
        path: directory.path().join("tasks.db"),
        durability: *rng.pick(&[Durability::Full, Durability::Full, Durability::Process]),
        limits: Limits::default(),
        incarnation: seed,
        vfs: Some(name),
        readers: 2,
        archived: false,
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let ids = (0..TASKS).filter_map(|n| TaskId::new(format!("task-{n}")).ok());
    let run = Run {
        disk,
        options,
        ids: ids.collect(),
        known: Mutex::default(),
    };
    runtime.block_on(run.rounds(&mut rng))
}

struct Run {
    disk: Arc<Disk>,
    options: SqliteOptions,
    ids: Vec<TaskId>,
    known: Mutex<Known>,
}

/// What the clients know.
#[derive(Default)]
struct Known {
    /// Everything that was ever sent, acknowledged or not.
    sent: BTreeSet<String>,
    /// What was acknowledged, by task and index.
    acknowledged: BTreeMap<(TaskId, u64), String>,
    /// What a reader saw, by task and index.
    seen: BTreeMap<(TaskId, u64), String>,
    /// The cursor of the reader of each task.
    cursors: BTreeMap<TaskId, EventId>,
    broken: Vec<String>,
    counted: u64,
    said: u64,
}

impl Run {
    async fn rounds(self, rng: &mut Rng) -> io::Result<Outcome> {
        let run = Arc::new(self);
        let mut lost = 0;
        for round in 0..=ROUNDS {
            let store = SqliteStore::open(run.options.clone(), Arc::new(SystemClock));
            let store: Arc<dyn ShortTermStore> = match store {
                Ok(store) => Arc::new(store),
                Err(error) => {
                    run.broken(format!("round {round}: the store does not open: {error}"));
                    break;
                }
            };
            let engine = TaskEngine::start(EngineOptions {
                random: Arc::new(Seeded::new(rng.draw())),
                ..EngineOptions::new(store.clone())
            });
            if round == 0 {
                for id in &run.ids {
                    run.create(&engine, id).await;
                }
            } else {
                run.check(&engine).await;
                run.resume(&engine).await;
            }
            if round < ROUNDS {
                run.work_until_the_cut(&engine, rng).await;
            }
            engine.shutdown().await;
            drop(engine);
            store.close().await;
            drop(store);
            lost += run.disk.restore(rng)?;
            remove_shared_memory(&run.options.path);
        }
        let known = run.known.lock();
        Ok(Outcome {
            broken: known.broken.clone(),
            digest: 0,
            acknowledged: known.counted,
            events: known.sent.len() as u64,
            faults: lost,
            moves: 0,
        })
    }

    async fn create(&self, engine: &TaskEngine, id: &TaskId) {
        let ask = CreateAsk {
            id: Some(id.clone()),
            task: NewTask::default(),
            ..CreateAsk::default()
        };
        if let Err(error) = engine.create(ask).await {
            self.broken(format!("{id} cannot be created: {error}"));
        }
    }

    /// Whether nothing that was acknowledged or seen may be lost.
    fn full(&self) -> bool {
        self.options.durability == Durability::Full
    }

    /// Writers and readers work until the power is cut under them.
    async fn work_until_the_cut(self: &Arc<Self>, engine: &TaskEngine, rng: &mut Rng) {
        let mut actors = JoinSet::new();
        for _ in 0..WRITERS {
            actors.spawn(self.clone().write(engine.clone(), rng.fork()));
        }
        for id in &self.ids {
            actors.spawn(self.clone().follow(engine.clone(), id.clone()));
        }
        sleep(Duration::from_millis(5 + rng.below(60))).await;
        self.disk.cut();
        // Readers wait for what nobody can write any more.
        sleep(Duration::from_millis(5)).await;
        actors.shutdown().await;
    }

    async fn write(self: Arc<Self>, engine: TaskEngine, mut rng: Rng) {
        loop {
            let id = rng.pick(&self.ids).clone();
            let count = if rng.once_in(5) { 1 + rng.below(20) } else { 1 };
            let events = (0..count).filter_map(|_| self.event(&mut rng)).collect();
            match engine.publish(&id, Publish::events(events)).await {
                Ok(Published::Now { events, .. }) => {
                    let mut known = self.known.lock();
                    known.counted += 1;
                    for event in events {
                        let key = (id.clone(), event.index.0);
                        known.acknowledged.insert(key, said(event.data.as_ref()));
                    }
                }
                // The power is gone.
                _ => return,
            }
        }
    }

    fn event(&self, rng: &mut Rng) -> Option<NewEvent> {
        let mut known = self.known.lock();
        known.said += 1;
        let words = format!("{}", known.said);
        known.sent.insert(words.clone());
        let filler = "x".repeat(usize::try_from(rng.below(300)).ok()?);
        let data = serde_json::json!({ "said": words, "delta": filler });
        let event = NewEvent::new(EventType::new("e").ok()?, RawJson::from_value(&data).ok());
        let tag = SeriesTag {
            id: SeriesId::new("s").ok(),
            mode: Some(SeriesMode::Accumulate),
            field: None,
        };
        Some(if rng.once_in(2) {
            event.in_series(tag)
        } else {
            event
        })
    }

    /// Follows a task event by event, from where it was.
    async fn follow(self: Arc<Self>, engine: TaskEngine, id: TaskId) {
        let Ok(Subscribe::Stream(mut stream)) = engine.subscribe(&id, self.ask(&id)).await else {
            return;
        };
        while let Ok(Some(frames)) = stream.next().await {
            self.saw(&id, stream.opening().epoch, &frames);
        }
    }

    fn ask(&self, id: &TaskId) -> SubscribeAsk {
        let cursor = self.known.lock().cursors.get(id).copied();
        let mut ask = SubscribeAsk::default();
        match cursor {
            Some(cursor) => ask.last_event_id = Some(cursor.to_string()),
            None => ask.since.index = Some(-1),
        }
        ask
    }

    fn saw(&self, id: &TaskId, epoch: Epoch, frames: &[Frame]) {
        let mut known = self.known.lock();
        for frame in frames {
            let Frame::Event(frame) = frame else { continue };
            let event = &frame.shared.event;
            let key = (id.clone(), event.index.0);
            known.seen.insert(key, said(event.data.as_ref()));
            let (at, index) = (event.at, event.index);
            known
                .cursors
                .insert(id.clone(), EventId { at, epoch, index });
        }
    }

    /// After a crash: what was promised is there, and nothing else.
    async fn check(&self, engine: &TaskEngine) {
        for id in &self.ids {
            match self.log(engine, id).await {
                Ok(log) => self.check_log(id, &log),
                // The cut took the task itself, which this mode allows: it begins anew.
                Err(EngineError::NotFound(_)) if !self.full() => {
                    self.check_log(id, &[]);
                    self.known.lock().cursors.remove(id);
                    self.create(engine, id).await;
                }
                Err(error) => self.broken(format!("{id} cannot be read: {error}")),
            }
        }
    }

    async fn log(&self, engine: &TaskEngine, id: &TaskId) -> Result<Vec<String>, EngineError> {
        let ask = HistoryAsk {
            filter: EventFilter::default(),
            ..HistoryAsk::default()
        };
        let mut history = engine.history(id, ask).await?;
        let mut log = Vec::new();
        while let Some(items) = history.next().await? {
            for item in items {
                if item.event.index.0 != log.len() as u64 {
                    self.broken(format!("{id}: index {} is not dense", item.event.index));
                }
                log.push(said(item.event.data.as_ref()));
            }
        }
        Ok(log)
    }

    fn check_log(&self, id: &TaskId, log: &[String]) {
        let mut known = self.known.lock();
        let mut broken = Vec::new();
        let once: BTreeSet<&String> = log.iter().collect();
        if once.len() != log.len() {
            broken.push(format!("{id}: an event is in the log twice"));
        }
        if let Some(phantom) = log.iter().find(|words| !known.sent.contains(*words)) {
            broken.push(format!("{id}: nobody sent `{phantom}`"));
        }
        let full = self.full();
        let promised = [("acknowledged", &known.acknowledged), ("seen", &known.seen)];
        for (what, promised) in promised {
            let of_task = promised.iter().filter(|((task, _), _)| task == id);
            for ((_, index), words) in of_task {
                let stored = usize::try_from(*index).ok().and_then(|at| log.get(at));
                let kept = stored.map_or(!full, |stored| stored == words);
                if !kept {
                    broken.push(format!("{id}: {index} was {what}, and is {stored:?} now"));
                }
            }
        }
        // What a power cut may take in this mode is forgotten, for the next round.
        let tail = log.len() as u64;
        let left = |(task, index): &(TaskId, u64)| task != id || *index < tail;
        known.acknowledged.retain(|key, _| left(key));
        known.seen.retain(|key, _| left(key));
        known.broken.extend(broken);
    }

    /// Readers come back with their cursors: they go on, or are told that something was lost.
    async fn resume(&self, engine: &TaskEngine) {
        for id in &self.ids {
            if timeout(PATIENCE, self.resume_one(engine, id))
                .await
                .is_err()
            {
                self.broken(format!("{id}: a reader does not reach the tail"));
            }
        }
    }

    async fn resume_one(&self, engine: &TaskEngine, id: &TaskId) {
        let before = self.known.lock().cursors.get(id).map(|cursor| cursor.index);
        let stream = engine.subscribe(id, self.ask(id)).await;
        let Ok(Subscribe::Stream(mut stream)) = stream else {
            return self.broken(format!("{id} cannot be subscribed to"));
        };
        let (mut next, tail) = (
            before.map_or(0, |index| index.0 + 1),
            stream.opening().tail.0,
        );
        let full = self.full();
        loop {
            let frames = match stream.next().await {
                Ok(Some(frames)) => frames,
                other => return self.broken(format!("{id}: a reader gets {:?}", other.err())),
            };
            for frame in &frames {
                match frame {
                    Frame::Gap(gap) if gap.reason == GapReason::Lost && !full && next > tail => {
                        // Its cursor is of no use any more; the next round begins at the start.
                        self.known.lock().cursors.remove(id);
                        return;
                    }
                    Frame::Gap(gap) => return self.broken(format!("{id}: {gap:?} for nothing")),
                    Frame::Event(frame) if frame.shared.event.index.0 == next => next += 1,
                    Frame::Event(frame) => {
                        let index = frame.shared.event.index;
                        return self.broken(format!("{id}: {index} instead of {next}"));
                    }
                    Frame::CaughtUp(_) if next == tail => {
                        return self.saw(id, stream.opening().epoch, &frames);
                    }
                    other => return self.broken(format!("{id}: {other:?} at {next} of {tail}")),
                }
            }
            self.saw(id, stream.opening().epoch, &frames);
        }
    }

    fn broken(&self, what: String) {
        self.known.lock().broken.push(what);
    }
}

/// The words of an event.
fn said(data: Option<&RawJson>) -> String {
    let data = data.map(RawJson::read::<serde_json::Value>);
    let words = data.and_then(Result::ok);
    let words = words.as_ref().and_then(|data| data["said"].as_str());
    words.unwrap_or_default().to_owned()
}

/// Shared memory does not outlive a machine without power.
fn remove_shared_memory(path: &Path) {
    let mut name = path.as_os_str().to_owned();
    name.push("-shm");
    // It is there only if a connection did not close in peace.
    let _ = std::fs::remove_file(name);
}
