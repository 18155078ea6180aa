//! Subscribing: what a viewer sees who comes early, late, back, or to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::Maintenance;

/// `0 status  1 a  2 d"He"  3 b  4 d"llo"  5 c`
async fn greeting(world: &World) -> TaskId {
    let id = world.running("t").await;
    let events = [
        plain("a", 0),
        delta("s", "He"),
        plain("b", 1),
        delta("s", "llo"),
        plain("c", 2),
    ];
    for event in events {
        world.clock.advance(10);
        world.publish(&id, vec![event]).await;
    }
    id
}

async fn seen(world: &World, id: &TaskId, ask: SubscribeAsk) -> Vec<String> {
    told(&world.watch(id, ask).await.catch_up().await)
}

async fn id_at(world: &World, id: &TaskId, index: usize) -> String {
    let epoch = world.epoch(id).await;
    world.slots(id).await[index]
        .event()
        .unwrap()
        .id(epoch)
        .to_string()
}

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
