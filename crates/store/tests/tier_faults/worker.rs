//! The worker: one of several instances archives, another goes on when it ends.

use crate::support::{World, everything, numbers, task_id, with_grace};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::Status;
use taskcast_store::tier::{HotStore, LongTermStore, TierOptions, TieredStore};
use taskcast_store::{ShortTermStore, StoreError, TaskLog};

fn quick() -> TierOptions {
    TierOptions {
        poll_interval: Duration::from_millis(5),
        lease_ttl: Duration::from_millis(80),
        ..with_grace(everything())
    }
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to: {what}");
}

async fn ended(store: &dyn ShortTermStore, world: &World, id: &str, epoch: u32) {
    store
        .create(crate::support::create(id, epoch))
        .await
        .unwrap();
    store.commit(crate::support::publish(id, 3)).await.unwrap();
    world.step_to(id, Status::Running).await;
    world.step_to(id, Status::Completed).await;
}

#[tokio::test]
async fn one_of_two_instances_archives_and_the_other_takes_over() {
    let world = World::new(with_grace(None));
    // The second instance must outlive the stores of the first: they are closed together.
    let start = |hot: &Arc<dyn HotStore>| {
        let archive: Arc<dyn LongTermStore> = world.archive.clone();
        TieredStore::start(hot.clone(), archive, quick(), numbers())
    };
    let (first, second) = (start(&world.hot), start(&world.hot));
    ended(&*first, &world, "a", 1).await;
    let gone = async |id| world.hot.load(&task_id(id)).await.unwrap().is_none();
    until("released", async || gone("a").await).await;
    until("one works", async || {
        first.backlog().working != second.backlog().working
    })
    .await;
    let (working, waiting) = if first.backlog().working {
        (first, second)
    } else {
        (second, first)
    };
    drop(working);
    // A store that is dropped without being closed stops too; its lease passes by the clock.
    world.clock.advance(1_000);
    until("the other works", async || waiting.backlog().working).await;
    ended(&*waiting, &world, "b", 2).await;
    until("released", async || gone("b").await).await;
    waiting.close().await;
    let closed = waiting.load(&task_id("a")).await;
    assert!(matches!(closed, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn the_worker_waits_out_an_outage() {
    let world = World::new(with_grace(None));
    let archive: Arc<dyn LongTermStore> = world.archive.clone();
    let store = TieredStore::start(world.hot.clone(), archive, quick(), numbers());
    until("it works", async || store.backlog().working).await;
    world.archive.set_down(true);
    ended(&*world.hot, &world, "a", 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.archive.set_down(false);
    until("archived and released", async || {
        world.hot.load(&task_id("a")).await.unwrap().is_none()
    })
    .await;
    let state = store.load(&task_id("a")).await.unwrap().unwrap();
    assert_eq!(state.tail.0, 5);
    store.close().await;
}

#[tokio::test]
async fn an_explicit_release_waits_for_the_worker() {
    let world = World::new(with_grace(None));
    let archive: Arc<dyn LongTermStore> = world.archive.clone();
    let options = TierOptions {
        release: None,
        ..quick()
    };
    let store = TieredStore::start(world.hot.clone(), archive, options, numbers());
    ended(&*store, &world, "a", 1).await;
    let state = store.load(&task_id("a")).await.unwrap().unwrap();
    let now = world.hot.clock().now();
    let released = store
        .release(&task_id("a"), state.tail.previous(), now)
        .await;
    let released = released.unwrap();
    assert!(released.released, "{released:?}");
    assert_eq!(world.hot.load(&task_id("a")).await.unwrap(), None);
    store.close().await;
}
