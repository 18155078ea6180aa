//! Gaps: what a viewer is told about events that are no longer there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::Maintenance;

#[tokio::test]
async fn a_cursor_that_is_not_exact_is_a_gap_and_a_replay() {
    let world = world();
    let id = greeting(&world).await;
    let replay = ["0~", "1~", "3~", "S4~=Hello", "5~", "p5"];
    let epoch = world.epoch(&id).await;
    let cursor = |at, epoch, index| EventId { at, epoch, index }.to_string();
    let cases = [
        ("unknown", "msg_17".to_owned()),
        ("epoch", cursor(START, Epoch(epoch.0 ^ 1), Index(2))),
        ("lost", cursor(START, epoch, Index(99))),
        ("lost", cursor(START, epoch, Index(6))),
        ("lost", cursor(START.plus_millis(1), epoch, Index(2))),
    ];
    for (reason, cursor) in cases {
        let gap = format!("gap {reason} 0");
        let expected: Vec<&str> = std::iter::once(&*gap).chain(replay).collect();
        assert_eq!(
            seen(&world, &id, after(&cursor)).await,
            expected,
            "{cursor}"
        );
        let requested = world.watch(&id, after(&cursor)).await.gap().await.requested;
        assert_eq!(requested, cursor);
    }
    let beyond = Since {
        index: Some(6),
        ..Since::default()
    };
    assert_eq!(seen(&world, &id, since(beyond)).await[0], "gap lost 0");
    let at_tail = Since {
        index: Some(5),
        ..Since::default()
    };
    assert_eq!(seen(&world, &id, since(at_tail)).await, [""; 0]);
}

#[tokio::test]
async fn a_cursor_that_is_trimmed_while_it_is_looked_up_is_not_lost() {
    let world = world();
    let id = greeting(&world).await;
    let (edge, late) = (id_at(&world, &id, 2).await, id_at(&world, &id, 3).await);
    world.store.trim_before_read(Index(3));
    let at_edge = seen(&world, &id, after(&edge)).await;
    assert_eq!(
        at_edge,
        ["3", "4", "5"],
        "nothing is missing after the edge"
    );
    world.store.trim_before_read(Index(5));
    let gap = world.watch(&id, after(&late)).await.gap().await;
    assert_eq!(gap.reason, GapReason::Trimmed);
}

#[tokio::test]
async fn trimmed_events_are_a_gap_and_folded_text_outlives_them() {
    let world = world();
    let id = greeting(&world).await;
    let (before, edge) = (id_at(&world, &id, 1).await, id_at(&world, &id, 4).await);
    let epoch = world.epoch(&id).await;
    world.store.trim(&id, epoch, Index(5)).await.unwrap();
    let expected = ["gap trimmed 5", "S4~=Hello", "5~", "p5"];
    assert_eq!(seen(&world, &id, after(&before)).await, expected);
    assert_eq!(
        seen(&world, &id, after(&format!("{before}~"))).await,
        expected
    );
    assert_eq!(
        seen(&world, &id, after(&edge)).await,
        ["5"],
        "nothing is missing after the edge"
    );
    assert_eq!(
        seen(&world, &id, SubscribeAsk::default()).await,
        ["S4~=Hello", "5~", "p5"]
    );
    for (since_time, first) in [(START.0 + 10, "gap trimmed 5"), (START.0 + 50, "")] {
        let ask = since(Since {
            timestamp: Some(since_time),
            ..Since::default()
        });
        let seen = seen(&world, &id, ask).await;
        assert_eq!(seen.first().map_or("", String::as_str), first);
    }
    world.store.trim(&id, epoch, Index(6)).await.unwrap();
    assert_eq!(
        seen(&world, &id, SubscribeAsk::default()).await,
        ["S4~=Hello", "p5"]
    );
}

#[tokio::test]
async fn a_viewer_that_a_trim_overtakes_is_told_so() {
    let limits = Limits {
        window_bytes_per_task: 1,
        ..Limits::default()
    };
    let world = world_with(limits);
    let id = greeting(&world).await;
    let mut viewer = world.watch(&id, after(&id_at(&world, &id, 0).await)).await;
    let epoch = world.epoch(&id).await;
    world.store.trim(&id, epoch, Index(5)).await.unwrap();
    let expected = ["gap trimmed 5", "S4~=Hello", "5~", "p5"];
    assert_eq!(told(&viewer.catch_up().await), expected);
}

#[tokio::test]
async fn cleaned_events_are_one_gap_for_those_who_wanted_them() {
    let world = world();
    let id = greeting(&world).await;
    let (start, epoch) = (id_at(&world, &id, 0).await, world.epoch(&id).await);
    world
        .store
        .clean(&id, epoch, &[Index(1), Index(3)])
        .await
        .unwrap();
    let expected = ["gap cleaned 2", "2", "4", "5"];
    assert_eq!(seen(&world, &id, after(&start)).await, expected);
    let ask = SubscribeAsk {
        filter: only(&["c"]),
        ..after(&start)
    };
    assert_eq!(
        seen(&world, &id, ask).await,
        ["5"],
        "no gap for events that were not asked for"
    );
    assert_eq!(
        seen(&world, &id, SubscribeAsk::default()).await,
        ["0~", "S4~=Hello", "5~", "p5"]
    );
}

#[tokio::test]
async fn a_deleted_task_ends_its_viewers_and_a_new_one_is_another_log() {
    let world = world();
    let id = greeting(&world).await;
    let cursor = id_at(&world, &id, 1).await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    let mut unread = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    world.engine.delete(&id).await.unwrap();
    assert_eq!(
        viewer.done().await,
        Done {
            reason: "deleted",
            cursor: None
        }
    );
    assert_eq!(unread.done().await.reason, "deleted");
    let gone = world.engine.subscribe(&id, SubscribeAsk::default()).await;
    assert!(matches!(gone, Err(EngineError::NotFound(_))));
    assert!(matches!(
        world.engine.delete(&id).await,
        Err(EngineError::NotFound(_))
    ));
    world.running("t").await;
    assert_eq!(
        seen(&world, &id, after(&cursor)).await,
        ["gap epoch 0", "0~", "p0"]
    );
}
