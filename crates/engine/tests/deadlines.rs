//! Deadlines: they fire once, when their time has come, whatever the clock does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::sync::Arc;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;

fn with_ttl(seconds: u64) -> NewTask {
    NewTask {
        ttl: Some(seconds),
        ..NewTask::default()
    }
}

async fn status(world: &World, id: &TaskId) -> Status {
    world.engine.get(id).await.unwrap().record.status
}

#[tokio::test(start_paused = true)]
async fn a_ttl_that_passes_becomes_a_timeout_once_however_many_engines_look() {
    let world = world();
    let broadcast: Arc<dyn Broadcast> = Arc::new(MemoryBroadcast::new());
    let _others =
        [2, 3, 4].map(|seed| engine_over(&world.store, broadcast.clone(), Limits::default(), seed));
    let id = world.pending("t", with_ttl(10)).await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    world.pass(9_999).await;
    world.pass(0).await;
    assert_eq!(status(&world, &id).await, Status::Pending);
    world.pass(1).await;
    assert_eq!(viewer.done().await.reason, "timeout");
    world.pass(5_000).await;
    assert_eq!(world.slots(&id).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_task_goes_on_by_itself_and_a_paused_one_stands_still() {
    let world = world();
    let id = world.pending("t", with_ttl(10)).await;
    world.to(&id, Status::Running).await;
    let blocked = Transition {
        resume_after_ms: Some(3_000),
        ..Transition::to(Status::Blocked)
    };
    world.engine.transition(&id, &blocked).await.unwrap();
    world.pass(2_900).await;
    assert_eq!(status(&world, &id).await, Status::Blocked);
    world.pass(600).await;
    assert_eq!(status(&world, &id).await, Status::Running);
    world.to(&id, Status::Paused).await;
    world.pass(3_600_000).await;
    assert_eq!(status(&world, &id).await, Status::Paused);
    world.to(&id, Status::Running).await;
    world.pass(9_400).await;
    assert_eq!(status(&world, &id).await, Status::Running);
    world.pass(1_100).await;
    assert_eq!(status(&world, &id).await, Status::Timeout);
}

#[tokio::test(start_paused = true)]
async fn the_clock_may_be_set_in_both_directions() {
    let world = world();
    let (early, late) = (
        world.pending("a", with_ttl(10)).await,
        world.pending("b", with_ttl(60)).await,
    );
    world.clock.set(START.plus_seconds(30));
    world.pass(600).await;
    assert_eq!(status(&world, &early).await, Status::Timeout);
    assert_eq!(status(&world, &late).await, Status::Pending);
    world.clock.set(START);
    world.pass(20_000).await;
    assert_eq!(status(&world, &late).await, Status::Pending);
    world.pass(41_000).await;
    assert_eq!(status(&world, &late).await, Status::Timeout);
}

#[tokio::test(start_paused = true)]
async fn many_deadlines_fire_and_one_that_cannot_holds_up_no_other() {
    let world = world();
    let stuck = world.pending("stuck", with_ttl(1)).await;
    world.store.refuse(&stuck);
    let mut ids = Vec::new();
    for n in 0..1_500 {
        ids.push(world.pending(&format!("t{n}"), with_ttl(2 + n % 3)).await);
    }
    world.pass(4_000).await;
    world.pass(3_000).await;
    for id in &ids {
        assert_eq!(status(&world, id).await, Status::Timeout, "{id}");
    }
    assert_eq!(status(&world, &stuck).await, Status::Pending);
}

/// Several engines find the same deadlines. Who was too late for most of them lets the others go
/// ahead the next time.
#[tokio::test(start_paused = true)]
async fn engines_rarely_do_the_same_work() {
    let world = world();
    let broadcast: Arc<dyn Broadcast> = Arc::new(MemoryBroadcast::new());
    let _others =
        [2, 3].map(|seed| engine_over(&world.store, broadcast.clone(), Limits::default(), seed));
    for wave in 1..6_u64 {
        let mut ids = Vec::new();
        for n in 0..500 {
            ids.push(world.pending(&format!("t{wave}-{n}"), with_ttl(10)).await);
        }
        world.store.asked("load");
        for _ in 0..110 {
            world.pass(100).await;
        }
        let loads = world.store.asked("load");
        assert!(
            wave == 1 || loads <= 600,
            "wave {wave}: {loads} loads for 500 deadlines"
        );
        for id in &ids {
            assert_eq!(status(&world, id).await, Status::Timeout, "{id}");
        }
    }
}
