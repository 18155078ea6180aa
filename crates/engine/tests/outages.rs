//! A store that does not answer, or has lost everything: streams go on, or say what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use async_trait::async_trait;
use common::*;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;
use tokio::time::{Instant, sleep, timeout};

fn one(n: u64) -> Publish {
    Publish::events(vec![plain("a", n)])
}

/// Another engine over the store of a world, with hints between the two lost.
fn other(world: &World) -> TaskEngine {
    engine_over(
        &world.store,
        Arc::new(MemoryBroadcast::new()),
        Limits::default(),
        9,
    )
}

#[tokio::test(start_paused = true)]
async fn streams_stay_open_through_an_outage_and_go_on_soon_after() {
    let world = world();
    let (id, far) = (world.running("t").await, other(&world));
    let mut near = world.watch(&id, SubscribeAsk::default()).await;
    near.catch_up().await;
    let mut viewer = Viewer::open(&far, &id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    world.publish(&id, vec![plain("a", 0)]).await;
    world.store.away(true);
    let refused = far.publish(&id, one(1)).await;
    assert!(matches!(
        refused,
        Err(EngineError::Store(StoreError::Unavailable { .. }))
    ));
    sleep(Duration::from_secs(20)).await;
    world.store.away(false);
    let since = Instant::now();
    far.publish(&id, one(2)).await.unwrap();
    for viewer in [&mut near, &mut viewer] {
        for index in 1..3 {
            assert_eq!(viewer.event().await.shared.event.index, Index(index));
        }
    }
    world.to(&id, Status::Completed).await;
    assert_eq!(near.done().await.reason, "completed");
    assert_eq!(viewer.done().await.reason, "completed");
    let took = since.elapsed();
    assert!(
        took < Duration::from_millis(2_100),
        "{took:?} of virtual time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_on_after_an_outage() {
    let world = world();
    let id = greeting(&world).await;
    let ask = SubscribeAsk::default();
    let Subscribe::Stream(mut stream) = world.engine.subscribe(&id, ask).await.unwrap() else {
        panic!("there is something to see");
    };
    world.store.away(true);
    let ends = async {
        sleep(Duration::from_secs(10)).await;
        world.store.away(false);
    };
    let (frames, ()) = tokio::join!(stream.next(), ends);
    assert_eq!(
        told(&frames.unwrap().unwrap())[..4],
        ["0~", "1~", "3~", "S4~=Hello"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_does_not_end_closes_streams_so_that_they_can_come_back() {
    let world = world();
    let id = world.running("t").await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    let anyone = Arc::new(Identity::anyone());
    let all = world.engine.everything(anyone, EverythingAsk::default());
    let mut all = all.await.unwrap();
    world.store.away(true);
    let since = Instant::now();
    let (one, all) = tokio::join!(viewer.error(), all.next());
    for error in [one, all.unwrap_err()] {
        assert!(matches!(error, EngineError::Store(_)), "{error}");
    }
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(30) && took < Duration::from_secs(33),
        "{took:?}"
    );
    // With the store, everything works again.
    world.store.away(false);
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    world.publish(&id, vec![plain("a", 0)]).await;
    assert_eq!(viewer.event().await.shared.event.index, Index(1));
}

/// The store is emptied under two engines, as by hand: nobody waits in silence.
#[tokio::test(start_paused = true)]
async fn an_emptied_store_ends_the_streams_of_every_engine_within_a_second() {
    let world = world();
    let (id, far) = (world.running("t").await, other(&world));
    let cursor = id_at(&world, &id, 0).await;
    let mut here = world.watch(&id, SubscribeAsk::default()).await;
    let mut there = Viewer::open(&far, &id, SubscribeAsk::default()).await;
    here.catch_up().await;
    there.catch_up().await;
    world
        .store
        .exchange(memory(&world.clock, Limits::default()));
    let since = Instant::now();
    assert_eq!(here.done().await.reason, "deleted");
    assert_eq!(there.done().await.reason, "deleted");
    assert!(since.elapsed() <= Duration::from_millis(1_050));
    let gone = far.subscribe(&id, after(&cursor)).await;
    assert!(matches!(gone, Err(EngineError::NotFound(_))));
    // Created anew, it is another log.
    world.clock.advance(1);
    world.running("t").await;
    assert_eq!(seen(&world, &id, after(&cursor)).await[0], "gap epoch 0");
}

/// The store loses its newest commits under two engines.
#[tokio::test(start_paused = true)]
async fn commits_that_are_taken_back_are_told_on_every_engine() {
    let world = world();
    let id = world.running("t").await;
    let state = world.engine.get(&id).await.unwrap();
    let older = memory(&world.clock, Limits::default());
    let restored = Create {
        record: state.record.as_ref().clone(),
        epoch: state.epoch,
        events: vec![plain("kept", 0)],
        replace: false,
        key: None,
        drawn: false,
    };
    older.create(restored).await.unwrap();
    world.publish(&id, vec![plain("a", 0), plain("a", 1)]).await;
    let far = other(&world);
    let mut viewers = vec![
        world.watch(&id, SubscribeAsk::default()).await,
        Viewer::open(&far, &id, SubscribeAsk::default()).await,
    ];
    for viewer in &mut viewers {
        viewer.catch_up().await;
    }
    world.store.exchange(older);
    let since = Instant::now();
    for viewer in &mut viewers {
        let gap = viewer.gap().await;
        assert_eq!((gap.reason, gap.earliest), (GapReason::Lost, Index(0)));
        assert_eq!(
            viewer.event().await.shared.event.event_type.as_str(),
            "kept"
        );
    }
    assert!(since.elapsed() <= Duration::from_millis(1_050));
    far.publish(&id, one(7)).await.unwrap();
    for viewer in &mut viewers {
        assert_eq!(viewer.event().await.shared.event.index, Index(1));
    }
}

/// A log that the store had lost comes back under another epoch: the same task, another log.
#[tokio::test(start_paused = true)]
async fn a_task_that_comes_back_as_another_log_calls_its_readers_back() {
    let world = world();
    let id = greeting(&world).await;
    let cursor = id_at(&world, &id, 1).await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    let state = world.engine.get(&id).await.unwrap();
    let revived = memory(&world.clock, Limits::default());
    let create = Create {
        record: state.record.as_ref().clone(),
        epoch: Epoch(state.epoch.0 ^ 1),
        events: vec![plain("kept", 0)],
        replace: false,
        key: None,
        drawn: false,
    };
    revived.create(create).await.unwrap();
    world.store.exchange(revived);
    assert!(matches!(viewer.error().await, EngineError::AnotherLog(_)));
    assert_eq!(
        seen(&world, &id, after(&cursor)).await,
        ["gap epoch 0", "0~", "p0"]
    );
}

/// A broadcast through which nothing comes but that hints were lost.
#[derive(Default)]
struct Bell(Arc<tokio::sync::Notify>);

struct Rung(Arc<tokio::sync::Notify>);

#[async_trait]
impl Hints for Rung {
    async fn next(&mut self) -> Option<Heard> {
        self.0.notified().await;
        Some(Heard::Lost)
    }
}

impl Interest for Rung {
    fn follow(&self, _: &TaskId) {}
    fn unfollow(&self, _: &TaskId) {}
}

impl Broadcast for Bell {
    fn announce(&self, _: Hint) {}
    fn listen(&self) -> Listening {
        Listening {
            interest: Arc::new(Rung(self.0.clone())),
            hints: Box::new(Rung(self.0.clone())),
        }
    }
}

/// The store loses the end of a log, and others fill it up to the very same tail before anybody
/// looks; the hints come back while the store is still away.
#[tokio::test(start_paused = true)]
async fn a_log_that_was_rewritten_to_the_same_tail_is_noticed_without_any_news() {
    let world = world();
    let bell = Bell::default();
    let rings = bell.0.clone();
    let far = engine_over(&world.store, Arc::new(bell), Limits::default(), 9);
    let id = world.running("t").await;
    let epoch = world.epoch(&id).await;
    world.publish(&id, vec![plain("a", 0)]).await;
    let mut viewer = Viewer::open(&far, &id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    let other = memory(&world.clock, Limits::default());
    // Its commits have numbers that were not used before the loss.
    for (task, events) in ["1", "2", "3", "4", "5"]
        .map(|task| (task, 0))
        .into_iter()
        .chain([("t", 2)])
    {
        let create = Create {
            record: NewTask::default().into_record(TaskId::new(task).unwrap(), START),
            epoch,
            events: (0..events).map(|n| plain("b", n)).collect(),
            replace: false,
            key: None,
            drawn: false,
        };
        other.create(create).await.unwrap();
    }
    world.store.exchange(other);
    world.store.away(true);
    rings.notify_one();
    sleep(Duration::from_secs(3)).await;
    world.store.away(false);
    let gap = timeout(Duration::from_secs(3), viewer.gap()).await;
    assert_eq!(gap.expect("it is told").reason, GapReason::Lost);
    assert_eq!(viewer.event().await.shared.event.event_type.as_str(), "b");
}
