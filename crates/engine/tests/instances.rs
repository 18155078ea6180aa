//! Several engines over one store, acknowledgements in any order, lost data, the stop.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use async_trait::async_trait;
use common::*;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// A broadcast that nothing comes through.
struct Silence;

struct Nobody;

#[async_trait]
impl Hints for Nobody {
    async fn next(&mut self) -> Option<Heard> {
        std::future::pending().await
    }
}

impl Interest for Nobody {
    fn follow(&self, _: &TaskId) {}
    fn unfollow(&self, _: &TaskId) {}
}

impl Broadcast for Silence {
    fn announce(&self, _: Hint) {}
    fn listen(&self) -> Listening {
        Listening {
            interest: Arc::new(Nobody),
            hints: Box::new(Nobody),
        }
    }
}

fn engines(world: &World, broadcast: Arc<dyn Broadcast>) -> [TaskEngine; 3] {
    [2, 3, 4].map(|seed| engine_over(&world.store, broadcast.clone(), Limits::default(), seed))
}

/// Publishes on one engine and watches on another; gives the longest time that an event took.
async fn longest_way(broadcast: Arc<dyn Broadcast>) -> Duration {
    let world = world();
    let engines = engines(&world, broadcast);
    let id = create(&engines[0], "t", NewTask::default()).await;
    let mut viewer = Viewer::open(&engines[1], &id, SubscribeAsk::default()).await;
    let mut longest = Duration::ZERO;
    for n in 0..20 {
        sleep(Duration::from_millis(37)).await;
        let since = Instant::now();
        let publish = Publish::events(vec![plain("a", n)]);
        engines[(n % 3) as usize]
            .publish(&id, publish)
            .await
            .unwrap();
        let event = viewer.event().await.shared.event.clone();
        assert_eq!(event.index, Index(n));
        longest = longest.max(since.elapsed());
    }
    let asked = Transition::to(Status::Cancelled);
    engines[2].transition(&id, &asked).await.unwrap();
    assert_eq!(viewer.done().await.reason, "cancelled");
    longest
}

#[tokio::test(start_paused = true)]
async fn hints_carry_news_between_engines_at_once() {
    let longest = longest_way(Arc::new(MemoryBroadcast::new())).await;
    assert!(
        longest < Duration::from_millis(50),
        "{longest:?} of virtual time"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_single_hint_news_takes_a_second_and_nothing_is_lost() {
    let longest = longest_way(Arc::new(Silence)).await;
    assert!(
        longest <= Duration::from_millis(1_050),
        "{longest:?} of virtual time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_deleted_on_one_engine_ends_its_viewers_on_the_others() {
    let world = world();
    let engines = engines(&world, Arc::new(Silence));
    let id = create(&engines[0], "t", NewTask::default()).await;
    let mut gone = Viewer::open(&engines[1], &id, SubscribeAsk::default()).await;
    let mut recreated = Viewer::open(&engines[2], &id, SubscribeAsk::default()).await;
    gone.catch_up().await;
    recreated.catch_up().await;
    engines[0].delete(&id).await.unwrap();
    assert_eq!(gone.done().await.reason, "deleted");
    world.clock.advance(1);
    create(&engines[0], "t", NewTask::default()).await;
    assert_eq!(recreated.done().await.reason, "deleted");
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_in_any_order_are_delivered_in_the_order_of_the_log() {
    let world = world();
    let id = world.running("t").await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    world.store.delay(&id, [9, 3, 7, 0, 12, 400, 1, 5]);
    let mut publishers = JoinSet::new();
    for n in 0..8 {
        let (engine, id) = (world.engine.clone(), id.clone());
        publishers.spawn(async move {
            engine
                .publish(&id, Publish::events(vec![plain("a", n)]))
                .await
                .unwrap()
        });
    }
    for index in 1..9 {
        assert_eq!(viewer.event().await.shared.event.index, Index(index));
    }
    publishers.join_all().await;
}

/// The commit of a publisher that went away is in the log, and nobody tells of it. Busy others
/// must not keep viewers from finding it.
#[tokio::test(start_paused = true)]
async fn a_publisher_that_goes_away_in_the_middle_holds_nobody_up() {
    let world = world();
    let id = world.running("t").await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    world.store.delay(&id, [10_000]);
    let publish = Publish::events(vec![plain("a", 0)]);
    let gone = timeout(Duration::from_millis(1), world.engine.publish(&id, publish)).await;
    assert!(gone.is_err());
    let mut busy = JoinSet::new();
    let (engine, task) = (world.engine.clone(), id.clone());
    busy.spawn(async move {
        for n in 1..500 {
            sleep(Duration::from_millis(2)).await;
            let publish = Publish::events(vec![plain("a", n)]);
            engine.publish(&task, publish).await.unwrap();
        }
    });
    let since = Instant::now();
    assert_eq!(viewer.event().await.shared.event.index, Index(1));
    let took = since.elapsed();
    assert!(took < Duration::from_millis(40), "{took:?} of virtual time");
    for index in 2..500 {
        assert_eq!(viewer.event().await.shared.event.index, Index(index));
    }
}

/// The store comes back with less than it had: the same log, a shorter tail.
#[tokio::test(start_paused = true)]
async fn viewers_of_a_log_that_moved_back_are_told_and_go_on() {
    let world = world();
    let (kept, lost) = (memory(&world.clock, Limits::default()), world.store.clone());
    let id = world.running("t").await;
    let state = world.engine.get(&id).await.unwrap();
    let create = Create {
        record: NewTask::default().into_record(id.clone(), START),
        epoch: state.epoch,
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    };
    kept.create(create).await.unwrap();
    world.publish(&id, vec![plain("a", 0), plain("a", 1)]).await;
    let mut viewers = Vec::new();
    for _ in 0..2 {
        let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
        viewer.catch_up().await;
        viewers.push(viewer);
    }
    lost.exchange(kept);
    world
        .engine
        .transition(&id, &Transition::to(Status::Cancelled))
        .await
        .unwrap();
    for viewer in &mut viewers {
        let gap = viewer.gap().await;
        assert_eq!((gap.reason, gap.earliest), (GapReason::Lost, Index(0)));
        assert_eq!(viewer.event().await.shared.event.index, Index(0));
        assert_eq!(viewer.done().await.reason, "cancelled");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_viewers_behind_a_small_window_miss_nothing() {
    let limits = Limits {
        window_bytes_per_task: 2_000,
        window_bytes: 3_000,
        page: 7,
        ..Limits::default()
    };
    let world = world_with(limits);
    let id = world.running("t").await;
    let mut viewers = Vec::new();
    for _ in 0..5 {
        viewers.push(world.watch(&id, SubscribeAsk::default()).await);
    }
    for n in 0..400_u64 {
        world.publish(&id, vec![plain("a", n)]).await;
        let slow = &mut viewers[(n % 5) as usize];
        slow.next().await;
    }
    world.to(&id, Status::Completed).await;
    for mut viewer in viewers {
        let mut indexes = Vec::new();
        while let Some(frame) = viewer.next().await {
            if let Frame::Event(frame) = frame {
                indexes.push(frame.shared.event.index.0);
            }
        }
        let first = indexes[0];
        assert_eq!(indexes, (first..402).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn the_stop_ends_streams_and_is_waited_for() {
    let world = world();
    let id = world.running("t").await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    let anyone = Arc::new(Identity::anyone());
    let everything = world.engine.everything(anyone, EverythingAsk::default());
    let mut everything = everything.await.unwrap();
    let (stopped, error, other) =
        tokio::join!(world.engine.shutdown(), viewer.error(), everything.next());
    assert_eq!(stopped, ());
    assert!(matches!(error, EngineError::Stopping));
    assert!(matches!(other, Err(EngineError::Stopping)));
    let late = world.engine.subscribe(&id, SubscribeAsk::default()).await;
    assert!(matches!(late, Err(EngineError::Stopping)));
}
