//! What the actors of a run share: the store, the engines, the tasks, the findings.

use crate::broadcast::PoorBroadcast;
use crate::clock::VirtualClock;
use crate::faults::FaultyStore;
use crate::rng::{Rng, Seeded, hash};
use crate::tiers::Tiers;
use crate::truth::Broken;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use taskcast_core::{CommitNumber, Limits, TaskId};
use taskcast_engine::{EngineOptions, TaskEngine};
use taskcast_store::{BeforeArchive, MemoryOptions, MemoryStore, ShortTermStore};

/// What the tasks of a run are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// A short-term store.
    One,
    /// A short-term store and an archive behind it.
    Tiered,
}

/// The world of one run.
pub(crate) struct World {
    /// The clock of the store.
    pub(crate) clock: Arc<VirtualClock>,
    /// The short-term store, with its faults.
    pub(crate) store: Arc<FaultyStore>,
    /// The archive behind it, when there is one.
    pub(crate) tiers: Option<Tiers>,
    /// All that is stored, without faults.
    pub(crate) real: Arc<dyn ShortTermStore>,
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
    pub(crate) fn new(rng: &mut Rng, storage: Storage) -> Self {
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
            archived: (storage == Storage::Tiered).then_some(BeforeArchive {
                after: CommitNumber(0),
            }),
        };
        let memory = Arc::new(MemoryStore::new(options, clock.clone()));
        let store = Arc::new(FaultyStore::new(memory.clone(), seed));
        let names = (0..3 + rng.below(4)).map(|n| TaskId::new(format!("task-{n}")));
        let mut world = Self {
            clock,
            store,
            tiers: None,
            real: memory.clone(),
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
        let engines = if rng.once_in(4) { 1 } else { 2 + rng.below(2) };
        if storage == Storage::Tiered {
            let tiers = Tiers::new(&world.store, memory, &world.limits, seed, engines);
            world.real = tiers.real();
            world.tiers = Some(tiers);
        }
        let places = 0..usize::try_from(engines).unwrap_or(1);
        world.engines = places.map(|place| Mutex::new(world.start(place))).collect();
        world
    }

    fn start(&self, place: usize) -> TaskEngine {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        TaskEngine::start(EngineOptions {
            broadcast: self.broadcast.clone(),
            random: Arc::new(Seeded::new(hash(&[self.seed, number]))),
            limits: self.limits.clone(),
            ..EngineOptions::new(match &self.tiers {
                Some(tiers) => tiers.store(place),
                None => self.store.clone(),
            })
        })
    }

    /// One of the engines.
    pub(crate) fn engine(&self, rng: &mut Rng) -> TaskEngine {
        rng.pick(&self.engines).lock().clone()
    }

    /// Stops an engine, and puts a new one in its place.
    pub(crate) async fn restart(&self, rng: &mut Rng) {
        let place = usize::try_from(rng.below(self.engines.len() as u64)).unwrap_or(0);
        let new = self.start(place);
        let old = std::mem::replace(&mut *self.engines[place].lock(), new);
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
        if let Some(tiers) = &self.tiers {
            tiers.heal();
        }
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
