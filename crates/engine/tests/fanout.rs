//! What other engines commit: one read of the store per burst for all followers, and at once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;
use tokio::time::{Instant, sleep};

/// Two engines over one store.
async fn two(world: &World) -> ([TaskEngine; 2], TaskId) {
    let broadcast = Arc::new(MemoryBroadcast::new());
    let limits = Limits::default();
    let engines =
        [2, 3].map(|seed| engine_over(&world.store, broadcast.clone(), limits.clone(), seed));
    let id = create(&engines[0], "t", NewTask::default()).await;
    (engines, id)
}

async fn viewers(engine: &TaskEngine, id: &TaskId, count: usize) -> Vec<Viewer> {
    let mut viewers = Vec::new();
    for _ in 0..count {
        let mut viewer = Viewer::open(engine, id, SubscribeAsk::default()).await;
        viewer.catch_up().await;
        viewers.push(viewer);
    }
    viewers
}

fn one(n: u64) -> Publish {
    Publish::events(vec![plain("a", n)])
}

#[tokio::test(start_paused = true)]
async fn many_followers_cost_one_read_per_event_and_none_where_it_was_published() {
    let world = world();
    let ([near, far], id) = two(&world).await;
    let (mut here, mut there) = (viewers(&near, &id, 20).await, viewers(&far, &id, 100).await);
    world.store.asked("read");
    for n in 0..50 {
        let since = Instant::now();
        near.publish(&id, one(n)).await.unwrap();
        for viewer in here.iter_mut().chain(&mut there) {
            assert_eq!(viewer.event().await.shared.event.index, Index(n));
        }
        let took = since.elapsed();
        assert!(took < Duration::from_millis(5), "{took:?} of virtual time");
    }
    assert_eq!(world.store.asked("read"), 50);
    assert_eq!(world.store.asked("tails"), 0, "no second has passed");
}

#[tokio::test(start_paused = true)]
async fn hints_that_come_during_a_read_share_the_next_one() {
    let world = world();
    let ([near, far], id) = two(&world).await;
    let mut there = viewers(&far, &id, 100).await;
    world.store.asked("read");
    world.store.slow_reads(10);
    for n in 0..200 {
        near.publish(&id, one(n)).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    for viewer in &mut there {
        for n in 0..200 {
            assert_eq!(viewer.event().await.shared.event.index, Index(n));
        }
    }
    let reads = world.store.asked("read");
    assert!(reads <= 22, "{reads} reads for 200 hints in 200 ms");
}

/// A value that was superseded before it was read arrives as a tombstone; nobody stumbles over it.
#[tokio::test(start_paused = true)]
async fn values_that_were_superseded_on_the_way_are_passed_over() {
    let world = world();
    let ([near, far], id) = two(&world).await;
    let mut there = viewers(&far, &id, 3).await;
    world.store.slow_reads(10);
    for n in 0..100 {
        let publish = Publish::events(vec![latest("bar", &n.to_string())]);
        near.publish(&id, publish).await.unwrap();
    }
    near.publish(&id, one(0)).await.unwrap();
    for viewer in &mut there {
        let mut newest = None;
        loop {
            let index = viewer.event().await.shared.event.index;
            assert!(newest.is_none_or(|newest| newest < index));
            newest = Some(index);
            if index == Index(100) {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_followers_asks_for_nothing() {
    let world = world();
    let ([near, far], id) = two(&world).await;
    drop(viewers(&far, &id, 3).await);
    for what in ["read", "tails", "load", "newest", "appended"] {
        world.store.asked(what);
    }
    for n in 0..50 {
        near.publish(&id, one(n)).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    for what in ["read", "tails", "load", "newest", "appended"] {
        assert_eq!(world.store.asked(what), 0, "{what}");
    }
}

/// Deadlines are looked for by each engine, however many tasks and commits there are.
#[tokio::test(start_paused = true)]
async fn looking_for_deadlines_costs_two_commands_a_second() {
    let world = world();
    let ([near, far], _) = two(&world).await;
    world.store.asked("due");
    for n in 0..1_000 {
        let engine = if n % 2 == 0 { &near } else { &far };
        let task = NewTask {
            ttl: Some(3_600),
            ..NewTask::default()
        };
        create(engine, &format!("t{n}"), task).await;
        world.clock.advance(10);
        sleep(Duration::from_millis(10)).await;
    }
    let looks = world.store.asked("due");
    assert!(
        looks <= 3 * 21,
        "{looks} looks of three engines in ten seconds"
    );
}

/// Where the slots of two tiers meet, a page may hold nothing new.
#[tokio::test(start_paused = true)]
async fn a_page_that_ends_where_something_is_missing_is_read_on() {
    let world = world();
    let ([near, far], id) = two(&world).await;
    let mut there = viewers(&far, &id, 3).await;
    for n in 0..10 {
        world.store.divide(Index(n));
        near.publish(&id, one(n)).await.unwrap();
        for viewer in &mut there {
            assert_eq!(viewer.event().await.shared.event.index, Index(n));
        }
    }
}
