//! What the actors of a run share: the store, the engines, the tasks, the findings.

use crate::broadcast::PoorBroadcast;
use crate::clock::VirtualClock;
use crate::faults::FaultyStore;
use crate::rng::{Rng, Seeded, hash};
use crate::truth::Broken;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use taskcast_core::{Limits, TaskId};
use taskcast_engine::{EngineOptions, TaskEngine};
use taskcast_store::{MemoryOptions, MemoryStore};

/// The world of one run.
pub(crate) struct World {
    /// The clock of the store.
    pub(crate) clock: Arc<VirtualClock>,
    /// The store, with its faults.
    pub(crate) store: Arc<FaultyStore>,
    /// The ids that tasks have, now and then.
    pub(crate) ids: Vec<TaskId>,
    /// How many actors are still writing.
    pub(crate) writing: AtomicUsize,
    broadcast: Arc<PoorBroadcast>,
    engines: Vec<Mutex<TaskEngine>>,
    limits: Limits,
    seed: u64,
    started: AtomicU64,
    stopping: AtomicBool,
    written: AtomicBool,
    broken: Mutex<Vec<Broken>>,
}

impl World {
    /// The world of a seed: its sizes are drawn from it too.
    #[must_use]
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let seed = rng.draw();
        let limits = Limits {
            window_bytes_per_task: *rng.pick(&[1, 4_000, 1 << 20]),
            page: *rng.pick(&[2, 17, 1_000]),
            ..Limits::default()
        };
        let clock = Arc::new(VirtualClock::start());
        let options = MemoryOptions {
            max_bytes: 1 << 30,
            limits: limits.clone(),
            incarnation: seed,
            archived: None,
        };
        let memory = Arc::new(MemoryStore::new(options, clock.clone()));
        let names = (0..3 + rng.below(4)).map(|n| TaskId::new(format!("task-{n}")));
        let mut world = Self {
            clock,
            store: Arc::new(FaultyStore::new(memory, seed)),
            ids: names.filter_map(Result::ok).collect(),
            writing: AtomicUsize::new(0),
            broadcast: Arc::new(PoorBroadcast::new(seed)),
            engines: Vec::new(),
            limits,
            seed,
            started: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            written: AtomicBool::new(false),
            broken: Mutex::default(),
        };
        let engines = 1 + rng.below(3);
        world.engines = (0..engines).map(|_| Mutex::new(world.start())).collect();
        world
    }

    fn start(&self) -> TaskEngine {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        TaskEngine::start(EngineOptions {
            broadcast: self.broadcast.clone(),
            random: Arc::new(Seeded::new(hash(&[self.seed, number]))),
            limits: self.limits.clone(),
            ..EngineOptions::new(self.store.clone())
        })
    }

    /// One of the engines.
    pub(crate) fn engine(&self, rng: &mut Rng) -> TaskEngine {
        rng.pick(&self.engines).lock().clone()
    }

    /// Stops an engine, and puts a new one in its place.
    pub(crate) async fn restart(&self, rng: &mut Rng) {
        let place = rng.pick(&self.engines);
        let old = std::mem::replace(&mut *place.lock(), self.start());
        old.shutdown().await;
    }

    /// Stops all engines.
    pub(crate) async fn shutdown(&self) {
        for engine in &self.engines {
            let engine = engine.lock().clone();
            engine.shutdown().await;
        }
    }

    /// Lets actors come to their end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.store.heal();
    }

    /// Whether actors should come to their end.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Says that nobody writes any more.
    pub(crate) fn close(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    /// Whether the last event was written.
    pub(crate) fn is_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    /// Notes a broken promise.
    pub(crate) fn broken(&self, what: impl Into<Broken>) {
        self.broken.lock().push(what.into());
    }

    /// Every broken promise, the store's own first.
    pub(crate) fn findings(&self) -> Vec<Broken> {
        let mut all = self.store.broken.lock().clone();
        all.extend(self.broken.lock().iter().cloned());
        all
    }
}
