//! Two tiers: every engine has its own look at them, and any of them may be the one that archives.

use crate::archive::FaultyArchive;
use crate::faults::FaultyStore;
use crate::rng::{Rng, Seeded, hash};
use crate::world::World;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{Limits, TaskId};
use taskcast_engine::Random as _;
use taskcast_store::tier::{
    Archiver, HotStore, LongTermStore, MemoryArchive, Random, ReleaseOptions, TierOptions,
    TieredStore,
};
use taskcast_store::{ShortTermStore, TaskLog};
use tokio::time::{sleep, timeout};

/// The archive of a run, and the look that each engine has at both tiers.
pub(crate) struct Tiers {
    archive: Arc<FaultyArchive>,
    stores: Vec<Arc<TieredStore>>,
    archivers: Mutex<Vec<Archiver>>,
    /// Both tiers without their faults.
    real: Arc<TieredStore>,
}

impl Tiers {
    /// So many looks at an archive behind a short-term store; `real` is that without its faults.
    #[must_use]
    pub(crate) fn new(
        hot: &Arc<FaultyStore>,
        real: Arc<dyn HotStore>,
        limits: &Limits,
        seed: u64,
        count: u64,
    ) -> Self {
        let memory: Arc<dyn LongTermStore> = Arc::new(MemoryArchive::new(limits.clone()));
        let archive = Arc::new(FaultyArchive::new(memory.clone(), seed));
        let (mut stores, mut archivers) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (hot, archive) = (hot.clone(), archive.clone());
            let draws = random(hash(&[seed, 77, number]));
            let (store, archiver) = TieredStore::driven(hot, archive, options(limits), draws);
            stores.push(store);
            archivers.push(archiver);
        }
        let (real, _) = TieredStore::driven(real, memory, options(limits), random(seed));
        Self {
            archive,
            stores,
            archivers: Mutex::new(archivers),
            real,
        }
    }

    /// Ends the faults of the archive.
    pub(crate) fn heal(&self) {
        self.archive.heal();
    }

    /// The look of one engine.
    pub(crate) fn store(&self, number: usize) -> Arc<dyn ShortTermStore> {
        self.stores[number % self.stores.len()].clone()
    }

    /// Both tiers without their faults.
    pub(crate) fn real(&self) -> Arc<dyn ShortTermStore> {
        self.real.clone()
    }

    /// The archivers, once: whoever takes them drives them.
    pub(crate) fn archivers(&self) -> Vec<Archiver> {
        std::mem::take(&mut *self.archivers.lock())
    }

    /// Lets go of a task by hand, as far as the tiers allow.
    pub(crate) async fn release(&self, rng: &mut Rng, id: &TaskId) {
        let store = rng.pick(&self.stores).clone();
        if let Ok(Some(state)) = store.load(id).await {
            let now = store.clock().now();
            // It is refused when the task is in use, or a store is away.
            let _ = store.release(id, state.tail.previous(), now).await;
        }
    }
}

fn options(limits: &Limits) -> TierOptions {
    TierOptions {
        lease_ttl: Duration::from_secs(2),
        batch_slots: 40,
        grace: Duration::from_millis(500),
        release: Some(ReleaseOptions {
            terminal_after: Duration::from_millis(300),
            idle_after: Some(Duration::from_millis(700)),
            window_events: Some(20),
        }),
        ..TierOptions::new(limits.clone())
    }
}

fn random(seed: u64) -> Random {
    let seeded = Seeded::new(seed);
    Arc::new(move || seeded.next())
}

/// Drives an archiver until nobody writes any more. Now and then it is killed in the middle of what
/// it does, and another one takes over when its lease has passed.
pub(crate) async fn archive(world: &World, mut rng: Rng, mut archiver: Archiver) -> u64 {
    let mut steps = 0;
    while !world.is_written() {
        let patience = Duration::from_millis(if rng.once_in(6) {
            rng.below(30)
        } else {
            60_000
        });
        if timeout(patience, archiver.step()).await.is_ok() {
            steps += 1;
        }
        let pause = if rng.once_in(30) { 5_000 } else { 150 };
        sleep(Duration::from_millis(rng.below(pause))).await;
    }
    steps
}
