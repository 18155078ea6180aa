//! One run: a world, its actors, the end, the audit.

use crate::audit::audit;
use crate::chaos::{chaos, create};
use crate::everything::everything;
use crate::lockstep::{Actor, Lockstep};
use crate::rng::{Rng, hash, hash_text};
use crate::tiers::{Tiers, archive};
use crate::viewer::Viewer;
use crate::world::{Storage, World};
use crate::writer::Writer;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;
use taskcast_core::{Status, Transition};
use tokio::runtime::Builder;
use tokio::task::unconstrained;
use tokio::time::{sleep, timeout};

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Every promise that was broken; none in a good run.
    pub broken: Vec<String>,
    /// Everything that was committed and seen, as one number: two runs of a seed have the same.
    pub digest: u64,
    /// Publishes that were acknowledged.
    pub acknowledged: u64,
    /// Events that were committed.
    pub events: u64,
    /// Calls to the store that failed.
    pub faults: u64,
    /// Logs that the short-term store let go of, and took back.
    pub moves: u64,
}

/// Virtual time in which the actors act.
const LENGTH: Duration = Duration::from_secs(12);
/// Virtual time after the faults in which everybody has to reach the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a seed in memory, on one thread, in virtual time.
///
/// # Errors
/// When no runtime can be built.
pub fn run_memory(seed: u64) -> io::Result<Outcome> {
    run_over(seed, Storage::One)
}

/// Runs a seed over two tiers in memory, as [`run_memory`] does over one. Logs are released and come
/// back all the time, archivers are killed, the archive is away for seconds.
///
/// # Errors
/// When no runtime can be built.
pub fn run_tiered(seed: u64) -> io::Result<Outcome> {
    run_over(seed, Storage::Tiered)
}

fn run_over(seed: u64, storage: Storage) -> io::Result<Outcome> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(run(seed, storage)))
}

async fn run(seed: u64, storage: Storage) -> Outcome {
    let mut rng = Rng::new(seed);
    let world = World::new(&mut rng, storage);
    for id in &world.ids {
        create(&world, &mut rng, id).await;
    }
    let mut actors: Vec<Actor<'_>> = Vec::new();
    for number in 0..3 + rng.below(4) {
        let writer = Writer::new(&world, rng.fork(), number);
        actors.push(Box::pin(writing(&world, writer.run())));
    }
    let trouble = chaos(&world, rng.fork());
    actors.push(Box::pin(writing(&world, async move {
        trouble.await;
        0
    })));
    let writers = actors.len();
    for number in 0..4 + rng.below(6) {
        actors.push(Box::pin(Viewer::new(&world, rng.fork(), number).run()));
    }
    actors.push(Box::pin(everything(&world, rng.fork())));
    actors.push(Box::pin(end(&world, rng.fork(), writers)));
    for archiver in world.tiers.iter().flat_map(Tiers::archivers) {
        actors.push(Box::pin(archive(&world, rng.fork(), archiver)));
    }
    let mut actors = Lockstep::new(actors);
    let ended = timeout(LENGTH + PATIENCE, unconstrained(&mut actors)).await;
    let results = actors.results();
    if ended.is_err() {
        world.broken(format!("not everybody came to the end: {results:?}"));
    }
    audit(&world).await;
    world.shutdown().await;
    let acknowledged = results.iter().take(writers).flatten().sum();
    let seen: Vec<u64> = results.iter().skip(writers).flatten().copied().collect();
    outcome(&world, acknowledged, &seen)
}

/// Counts those who write while they do.
async fn writing(world: &World, writer: impl Future<Output = u64>) -> u64 {
    world.writing.fetch_add(1, Ordering::Relaxed);
    let result = writer.await;
    world.writing.fetch_sub(1, Ordering::Relaxed);
    result
}

/// Ends the run: first the faults and those who write, then every task.
async fn end(world: &World, mut rng: Rng, writers: usize) -> u64 {
    sleep(LENGTH).await;
    world.stop();
    while world.writing.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    end_all(world, &mut rng).await;
    world.close();
    writers as u64
}

async fn end_all(world: &World, rng: &mut Rng) {
    for id in &world.ids {
        // Most have ended, some are gone.
        let _ = world
            .engine(rng)
            .transition(id, &Transition::to(Status::Cancelled))
            .await;
    }
}

fn outcome(world: &World, acknowledged: u64, seen: &[u64]) -> Outcome {
    let truth = world.store.truth.lock();
    let (mut digest, mut events) = (0, 0);
    for ((id, epoch), log) in &truth.logs {
        digest = hash(&[digest, hash_text(id.as_str()), u64::from(*epoch), log.trim]);
        for event in &log.events {
            events += 1;
            let data = event.data.as_ref().map_or("", |data| data.as_str());
            digest = hash(&[digest, event.at.0, hash_text(data)]);
        }
    }
    for one in seen {
        digest = hash(&[digest, *one]);
    }
    Outcome {
        broken: world.findings(),
        digest,
        acknowledged,
        events,
        faults: world.store.faults(),
        moves: truth.released + truth.restored,
    }
}
