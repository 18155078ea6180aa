//! Subscribing: what a viewer sees who comes early, late, back, or to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;

#[tokio::test]
async fn who_comes_late_gets_each_series_folded_where_it_is_exact() {
    let world = world();
    let id = greeting(&world).await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    let expected = ["0~", "1~", "3~", "S4~=Hello", "5~", "p5"];
    assert_eq!(told(&viewer.catch_up().await), expected);
    world
        .publish(&id, vec![delta("s", "!"), plain("d", 3)])
        .await;
    world.to(&id, Status::Completed).await;
    assert_eq!(
        told(&viewer.catch_up().await),
        ["6", "7", "8", "done completed"]
    );
}

#[tokio::test]
async fn who_comes_back_with_a_plain_cursor_gets_deltas() {
    let world = world();
    let id = greeting(&world).await;
    let cursor = id_at(&world, &id, 1).await;
    assert_eq!(
        seen(&world, &id, after(&cursor)).await,
        ["2", "3", "4", "5"]
    );
    let by_id = Since {
        id: Some(cursor.clone()),
        ..Since::default()
    };
    assert_eq!(seen(&world, &id, since(by_id)).await, ["2", "3", "4", "5"]);
    let ask = SubscribeAsk {
        format: SeriesFormat::Accumulated,
        ..after(&cursor)
    };
    assert_eq!(seen(&world, &id, ask).await, ["2=He", "3", "4=Hello", "5"]);
}

#[tokio::test]
async fn who_comes_back_within_the_replay_gets_the_rest_folded_at_the_tail_of_now() {
    let world = world();
    let id = greeting(&world).await;
    let cursor = format!("{}~", id_at(&world, &id, 3).await);
    assert_eq!(
        seen(&world, &id, after(&cursor)).await,
        ["S4~=Hello", "5~", "p5"]
    );
    world
        .publish(&id, vec![delta("s", "!"), plain("d", 3)])
        .await;
    assert_eq!(
        seen(&world, &id, after(&cursor)).await,
        ["5~", "S6~=Hello!", "7~", "p7"]
    );
    let end = format!("{}~", id_at(&world, &id, 7).await);
    assert_eq!(seen(&world, &id, after(&end)).await, ["p7"]);
}

#[tokio::test]
async fn cursors_in_the_question_go_before_the_one_of_the_event_stream() {
    let world = world();
    let id = greeting(&world).await;
    let ask = SubscribeAsk {
        last_event_id: Some(id_at(&world, &id, 1).await),
        ..since(Since {
            index: Some(3),
            ..Since::default()
        })
    };
    assert_eq!(seen(&world, &id, ask).await, ["4", "5"]);
    let both = Since {
        id: Some(id_at(&world, &id, 4).await),
        timestamp: None,
        index: Some(1),
    };
    assert_eq!(seen(&world, &id, since(both)).await, ["5"]);
    let time = Since {
        timestamp: Some(START.0 + 30),
        ..Since::default()
    };
    assert_eq!(seen(&world, &id, since(time)).await, ["4", "5"]);
    let all = Since {
        index: Some(-1),
        ..Since::default()
    };
    assert_eq!(
        seen(&world, &id, since(all)).await,
        ["0", "1", "2", "3", "4", "5"]
    );
    assert_eq!(
        seen(&world, &id, after("")).await.len(),
        6,
        "an empty cursor is none"
    );
}

#[tokio::test]
async fn positions_are_those_of_the_whole_filtered_log() {
    let world = world();
    let id = greeting(&world).await;
    let ask = SubscribeAsk {
        filter: only(&["llm.*", "c"]),
        ..SubscribeAsk::default()
    };
    let frames = world.watch(&id, ask.clone()).await.catch_up().await;
    let positions = |frames: &[Frame]| -> Vec<u64> {
        let position = |frame: &Frame| match frame {
            Frame::Event(event) => Some(event.position),
            _ => None,
        };
        frames.iter().filter_map(position).collect()
    };
    assert_eq!(told(&frames), ["S4~=Hello", "5~", "p5"]);
    assert_eq!(positions(&frames), [1, 2]);
    let since = Since {
        index: Some(0),
        ..Since::default()
    };
    let frames = world
        .watch(&id, SubscribeAsk { since, ..ask })
        .await
        .catch_up()
        .await;
    assert_eq!(told(&frames), ["4", "5"]);
    assert_eq!(positions(&frames), [1, 2]);
}

#[tokio::test]
async fn a_limit_leaves_out_the_oldest_and_nothing_that_comes_later() {
    let world = world();
    let id = greeting(&world).await;
    for (limit, expected) in [
        (2, &["S4~=Hello", "5~", "p5"][..]),
        (0, &["p5"]),
        (100, &["0~", "1~", "3~", "S4~=Hello", "5~", "p5"]),
    ] {
        let ask = SubscribeAsk {
            limit: Some(limit),
            ..SubscribeAsk::default()
        };
        let mut viewer = world.watch(&id, ask).await;
        assert_eq!(told(&viewer.catch_up().await), expected);
    }
    let ask = SubscribeAsk {
        limit: Some(1),
        ..after(&id_at(&world, &id, 1).await)
    };
    let mut viewer = world.watch(&id, ask).await;
    assert_eq!(told(&viewer.catch_up().await), ["5"]);
    world.publish(&id, vec![plain("d", 3)]).await;
    assert_eq!(viewer.event().await.shared.event.index, Index(6));
}

/// Of what was counted before the tail, something may be gone when its turn comes.
#[tokio::test]
async fn a_limit_never_eats_into_what_is_published_afterwards() {
    let world = world();
    let id = world.running("t").await;
    world
        .publish(&id, vec![latest("p", "1"), plain("a", 0)])
        .await;
    let ask = SubscribeAsk {
        limit: Some(0),
        ..SubscribeAsk::default()
    };
    let mut viewer = world.watch(&id, ask).await;
    world.publish(&id, vec![latest("p", "2")]).await;
    assert_eq!(viewer.event().await.shared.event.index, Index(3));
}

#[tokio::test]
async fn superseded_values_are_passed_over_and_keep_their_positions() {
    let world = world();
    let id = world.running("t").await;
    for n in 0..5 {
        world.publish(&id, vec![latest("p", &n.to_string())]).await;
    }
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    assert_eq!(told(&viewer.catch_up().await), ["0~", "5~", "p5"]);
    let ask = SubscribeAsk {
        filter: only(&["progress"]),
        ..SubscribeAsk::default()
    };
    assert_eq!(world.watch(&id, ask).await.event().await.position, 4);
}

#[tokio::test]
async fn the_end_is_told_until_it_was_heard() {
    let world = world();
    let id = greeting(&world).await;
    world.to(&id, Status::Completed).await;
    let done = world.watch(&id, SubscribeAsk::default()).await.done().await;
    let cursor = done.cursor.unwrap();
    assert_eq!((done.reason, cursor.index), ("completed", Index(7)));
    let over = world
        .engine
        .subscribe(&id, after(&cursor.to_string()))
        .await
        .unwrap();
    assert!(matches!(over, Subscribe::Over));
    let by_since = since(Since {
        id: Some(cursor.to_string()),
        ..Since::default()
    });
    assert_eq!(seen(&world, &id, by_since).await, ["done completed"]);
    let last = id_at(&world, &id, 6).await;
    assert_eq!(seen(&world, &id, after(&last)).await, ["done completed"]);
}

#[tokio::test]
async fn a_filter_that_matches_nothing_still_hears_the_end() {
    let world = world();
    let id = greeting(&world).await;
    world.to(&id, Status::Cancelled).await;
    let filter = EventFilter {
        types: Some(vec![]),
        ..EventFilter::default()
    };
    let ask = SubscribeAsk {
        filter,
        ..SubscribeAsk::default()
    };
    assert_eq!(seen(&world, &id, ask).await, ["p6", "done cancelled"]);
}

#[tokio::test]
async fn places_for_viewers_are_counted_and_given_back() {
    let limits = Limits {
        subscribers_per_task: 2,
        subscribers: 3,
        ..Limits::default()
    };
    let world = world_with(limits);
    let (a, b) = (world.running("a").await, world.running("b").await);
    let first = world.watch(&a, SubscribeAsk::default()).await;
    let _second = world.watch(&a, SubscribeAsk::default()).await;
    let refused = world
        .engine
        .subscribe(&a, SubscribeAsk::default())
        .await
        .err()
        .unwrap();
    let text = "the task has as many subscribers as it may have (2)";
    assert_eq!(refused.to_string(), text);
    let _third = world.watch(&b, SubscribeAsk::default()).await;
    let refused = world
        .engine
        .subscribe(&b, SubscribeAsk::default())
        .await
        .err()
        .unwrap();
    let text = "the server has as many subscribers as it may have (3)";
    assert_eq!(refused.to_string(), text);
    drop(first);
    assert_eq!(
        (world.engine.subscribers_of(&a), world.engine.subscribers()),
        (1, 2)
    );
    world.watch(&a, SubscribeAsk::default()).await;
}

/// Whoever joins at whatever moment: the totals are the deltas joined.
#[tokio::test]
async fn totals_are_what_the_deltas_add_up_to() {
    let world = world();
    let id = world.running("t").await;
    let (mut joined, mut viewers) = (Vec::new(), Vec::new());
    let mut text = String::new();
    for n in 0..40_u64 {
        let piece = ["a\"", "\u{1f600}", "\n", "\\"][n as usize % 4];
        // Something that is no text restarts the fold.
        let event = match n {
            20 => {
                let data = json(r#"{"delta":7}"#);
                NewEvent {
                    data: Some(data),
                    ..delta("s", "")
                }
                .in_series(delta("s", "").series)
            }
            _ => delta("s", piece),
        };
        text = if n == 20 { String::new() } else { text + piece };
        joined.push(text.clone());
        let ask = SubscribeAsk {
            format: SeriesFormat::Accumulated,
            ..SubscribeAsk::default()
        };
        viewers.push(world.watch(&id, ask).await);
        world.publish(&id, vec![event]).await;
    }
    world.to(&id, Status::Completed).await;
    for viewer in &mut viewers {
        for frame in viewer.catch_up().await {
            let Frame::Event(frame) = frame else { continue };
            let event = &frame.shared.event;
            if event.series.id.is_none() || event.index == Index(21) {
                continue;
            }
            let total = frame
                .total
                .expect("a total")
                .with(|text| Head::total(event, text));
            let total: serde_json::Value = total.unwrap().read().unwrap();
            assert_eq!(total["delta"], joined[event.index.0 as usize - 1]);
        }
    }
}
