//! The stream of everything: in the order of commits, resumable at every event, and of each task
//! only to those who may see it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::{Maintenance, ShortTermStore, TaskIndex};
use tokio::time::timeout;

async fn open(world: &World, identity: Identity, cursor: Option<String>) -> EverythingStream {
    let ask = EverythingAsk {
        filter: EventFilter::default(),
        cursor,
    };
    world
        .engine
        .everything(Arc::new(identity), ask)
        .await
        .unwrap()
}

/// All that comes until nothing more comes: `task/index`, and the cursor after it.
async fn seen(stream: &mut EverythingStream) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    while let Ok(frames) = timeout(Duration::from_secs(3), stream.next()).await {
        for frame in frames.unwrap() {
            seen.push(match frame {
                EverythingFrame::Event {
                    task,
                    event,
                    cursor,
                    ..
                } => (format!("{task}/{}", event.index), cursor),
                EverythingFrame::Gap(gap) => {
                    (format!("gap {}", gap.reason.as_str()), String::new())
                }
            });
        }
    }
    seen
}

fn names(seen: &[(String, String)]) -> Vec<&str> {
    seen.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn events_come_in_the_order_of_commits_and_resume_after_each() {
    let world = world();
    world.running("old").await;
    let mut stream = open(&world, Identity::anyone(), None).await;
    let start = stream.cursor();
    let (a, b) = (world.running("a").await, world.running("b").await);
    for n in 0..200 {
        let id = if n % 3 == 0 { &a } else { &b };
        world
            .publish(id, (0..1 + n % 4).map(|i| plain("a", i)).collect())
            .await;
    }
    let whole = seen(&mut stream).await;
    assert_eq!(&names(&whole)[..3], ["a/0", "b/0", "a/1"]);
    assert_eq!(whole.len(), 2 + 500);
    let mut again = open(&world, Identity::anyone(), Some(start)).await;
    assert_eq!(seen(&mut again).await, whole);
    for (at, (_, cursor)) in whole.iter().enumerate() {
        let mut rest = open(&world, Identity::anyone(), Some(cursor.clone())).await;
        assert_eq!(seen(&mut rest).await, whole[at + 1..], "after {cursor}");
    }
}

/// A commit that was given in part may lose slots, or its task, before the reader comes back.
#[tokio::test(start_paused = true)]
async fn what_is_gone_meanwhile_takes_nothing_else_along() {
    let world = world();
    let mut stream = open(&world, Identity::anyone(), None).await;
    let (a, b) = (world.running("a").await, world.running("b").await);
    world
        .publish(&a, (0..5).map(|n| plain("a", n)).collect())
        .await;
    world
        .publish(&b, (0..5).map(|n| plain("b", n)).collect())
        .await;
    let whole = seen(&mut stream).await;
    let cursor = whole
        .iter()
        .find(|(name, _)| name == "a/2")
        .unwrap()
        .1
        .clone();
    let epoch = world.epoch(&a).await;
    world.store.trim(&a, epoch, Index(4)).await.unwrap();
    let mut rest = open(&world, Identity::anyone(), Some(cursor.clone())).await;
    let expected = ["a/4", "a/5", "b/1", "b/2", "b/3", "b/4", "b/5"];
    assert_eq!(names(&seen(&mut rest).await), expected);
    world.engine.delete(&a).await.unwrap();
    let mut rest = open(&world, Identity::anyone(), Some(cursor)).await;
    assert_eq!(names(&seen(&mut rest).await), expected[2..]);
}

#[tokio::test(start_paused = true)]
async fn everybody_sees_their_tasks_new_ones_too() {
    let world = world();
    let mine = Identity {
        subject: Some("ann".into()),
        tasks: TaskScope::Only([TaskId::new("a").unwrap(), TaskId::new("c").unwrap()].into()),
        ..Identity::anyone()
    };
    let mut limited = open(&world, mine, None).await;
    let bob = Identity {
        subject: Some("bob".into()),
        ..Identity::anyone()
    };
    let mut bobs = open(&world, bob, None).await;
    world.running("a").await;
    world.running("b").await;
    let rule = r#"{"rules":[{"match":{"scope":["event:subscribe"]},"require":{"sub":["ann"]}}]}"#;
    let task = NewTask {
        auth_config: Some(serde_json::from_str(rule).unwrap()),
        ..NewTask::default()
    };
    let c = world.pending("c", task).await;
    world.to(&c, Status::Running).await;
    assert_eq!(names(&seen(&mut limited).await), ["a/0", "c/0"]);
    assert_eq!(names(&seen(&mut bobs).await), ["a/0", "b/0"]);
    // Created anew without the rule, it is another task.
    world.engine.delete(&c).await.unwrap();
    world.running("c").await;
    assert_eq!(names(&seen(&mut bobs).await), ["c/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_store_or_of_the_future_is_a_gap() {
    let world = world();
    let stream = open(&world, Identity::anyone(), None).await;
    let cursor = stream.cursor();
    assert_eq!(cursor, format!("{:x}-0.0", world.store.info().incarnation));
    for bad in ["", "nonsense", "7-1.0", "8-0.0"] {
        let mut stream = open(&world, Identity::anyone(), Some(bad.to_owned())).await;
        assert_eq!(names(&seen(&mut stream).await), ["gap unknown"], "{bad:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_partitions_are_read_only_where_something_is_new() {
    let world = split_world(32);
    let mut stream = open(&world, Identity::anyone(), None).await;
    let start = stream.cursor();
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(world.running(&format!("t{n}")).await);
    }
    assert_eq!(seen(&mut stream).await.len(), 40);
    world.store.asked("appended");
    world.store.asked("newest");
    for n in 0..100 {
        world.publish(&ids[3], vec![plain("a", n)]).await;
        let frames = stream.next().await.unwrap();
        assert_eq!(frames.len(), 1);
    }
    assert_eq!(world.store.asked("appended"), 100);
    assert!(
        world.store.asked("newest") <= 1,
        "hardly any time has passed"
    );
    // Every cursor resumes after its event, and every event comes once.
    let mut again = open(&world, Identity::anyone(), Some(start)).await;
    let whole = seen(&mut again).await;
    assert_eq!(whole.len(), 140);
    for (at, (_, cursor)) in whole.iter().enumerate().step_by(7) {
        let mut rest = open(&world, Identity::anyone(), Some(cursor.clone())).await;
        let mut rest: Vec<String> = seen(&mut rest).await.into_iter().map(|it| it.0).collect();
        rest.extend(whole[..=at].iter().map(|it| it.0.clone()));
        rest.sort();
        let mut all: Vec<String> = whole.iter().map(|it| it.0.clone()).collect();
        all.sort();
        assert_eq!(rest, all, "after {cursor}");
    }
}

#[tokio::test(start_paused = true)]
async fn commits_of_another_engine_are_seen_by_one_look_for_all_streams() {
    let world = split_world(32);
    let far = engine_over(
        &world.store,
        std::sync::Arc::new(taskcast_store::MemoryBroadcast::new()),
        Limits::default(),
        2,
    );
    let id = world.running("t").await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(open(&world, Identity::anyone(), None).await);
    }
    world.store.asked("newest");
    let began = tokio::time::Instant::now();
    for n in 0..10 {
        let since = tokio::time::Instant::now();
        far.publish(&id, Publish::events(vec![plain("a", n)]))
            .await
            .unwrap();
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().len(), 1);
        }
        assert!(since.elapsed() <= Duration::from_millis(100));
    }
    let looks = u128::try_from(world.store.asked("newest")).unwrap();
    assert!(
        looks <= began.elapsed().as_millis() / 100 + 1,
        "{looks} looks"
    );
    drop(streams);
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.store.asked("newest");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.store.asked("newest"), 0, "nobody reads");
}

/// Whoever gives up a call, at whatever point, resumes without a loss.
#[tokio::test(start_paused = true)]
async fn frames_that_were_not_given_yet_lie_after_the_cursor() {
    let world = split_world(8);
    let mut stream = open(&world, Identity::anyone(), None).await;
    for n in 0..40 {
        world.running(&format!("t{n}")).await;
    }
    world.store.slow_feeds(10);
    let mut got = 0;
    for patience in [0, 5, 15, 0, 25, 5, 35] {
        if let Ok(frames) = timeout(Duration::from_millis(patience), stream.next()).await {
            got += frames.unwrap().len();
        }
        let mut again = open(&world, Identity::anyone(), Some(stream.cursor())).await;
        assert_eq!(got + seen(&mut again).await.len(), 40);
    }
    assert_eq!(got + seen(&mut stream).await.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn what_the_feed_has_forgotten_is_one_gap() {
    let world = world();
    let mut stream = open(&world, Identity::anyone(), None).await;
    let start = stream.cursor();
    let id = world.running("t").await;
    assert_eq!(names(&seen(&mut stream).await), ["t/0"]);
    for n in 0..5 {
        world.publish(&id, vec![plain("a", n)]).await;
    }
    let newest = world.store.newest().await.unwrap()[0];
    world.store.forget(CommitNumber(newest.0 - 2));
    let mut late = open(&world, Identity::anyone(), Some(start)).await;
    assert_eq!(names(&seen(&mut late).await), ["gap trimmed", "t/4", "t/5"]);
}

#[tokio::test(start_paused = true)]
async fn commits_that_the_store_has_lost_are_a_gap() {
    let world = world();
    let id = world.running("t").await;
    for n in 0..5 {
        world.publish(&id, vec![plain("a", n)]).await;
    }
    let mut stream = open(&world, Identity::anyone(), None).await;
    world
        .store
        .exchange(memory(&world.clock, Limits::default()));
    assert_eq!(names(&seen(&mut stream).await), ["gap lost"]);
    world.running("u").await;
    assert_eq!(names(&seen(&mut stream).await), ["u/0"]);
}
