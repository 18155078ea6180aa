//! History: what a log holds, from a place, of a kind, folded or not.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::Maintenance;

async fn told(world: &World, id: &TaskId, ask: HistoryAsk) -> Vec<String> {
    let mut history = world.engine.history(id, ask).await.unwrap();
    let mut told = Vec::new();
    while let Some(items) = history.next().await.unwrap() {
        told.extend(items.iter().map(|item| {
            let total = item.total.as_ref();
            let text =
                total.map(|total| total.with(|text| String::from_utf8(text.to_vec()).unwrap()));
            let snapshot = if item.snapshot { "S" } else { "" };
            format!(
                "{snapshot}{}{}",
                item.event.index,
                text.map_or(String::new(), |t| format!("={t}"))
            )
        }));
    }
    told
}

/// `0 status  1 a  2 d"He"  3 b  4 d"llo"  5 c  6 e"x"`
async fn greeting(world: &World) -> TaskId {
    let id = world.running("t").await;
    for event in [
        plain("a", 0),
        delta("s", "He"),
        plain("b", 1),
        delta("s", "llo"),
        plain("c", 2),
        delta("z", "x"),
    ] {
        world.clock.advance(10);
        world.publish(&id, vec![event]).await;
    }
    id
}

fn from(index: i64) -> Since {
    Since {
        index: Some(index),
        ..Since::default()
    }
}

#[tokio::test]
async fn the_whole_history_as_published_or_folded() {
    let limits = Limits {
        page: 2,
        ..Limits::default()
    };
    for world in [world(), world_with(limits)] {
        let id = greeting(&world).await;
        let all = HistoryAsk::default();
        assert_eq!(
            told(&world, &id, all.clone()).await,
            ["0", "1", "2", "3", "4", "5", "6"]
        );
        let folded = HistoryAsk {
            format: SeriesFormat::Accumulated,
            ..all
        };
        assert_eq!(
            told(&world, &id, folded).await,
            ["0", "1", "3", "S4=Hello", "5", "S6=x"]
        );
    }
}

#[tokio::test]
async fn a_limit_counts_events_before_they_are_folded() {
    let world = world();
    let id = greeting(&world).await;
    let ask = HistoryAsk {
        limit: Some(3),
        ..HistoryAsk::default()
    };
    assert_eq!(told(&world, &id, ask.clone()).await, ["0", "1", "2"]);
    let folded = HistoryAsk {
        format: SeriesFormat::Accumulated,
        ..ask
    };
    assert_eq!(told(&world, &id, folded.clone()).await, ["0", "1", "S2=He"]);
    let later = HistoryAsk {
        since: from(2),
        ..folded
    };
    assert_eq!(told(&world, &id, later).await, ["3", "S4=Hello", "5"]);
}

#[tokio::test]
async fn places_and_filters_narrow_what_comes() {
    let world = world();
    let id = greeting(&world).await;
    let since = |since| HistoryAsk {
        since,
        ..HistoryAsk::default()
    };
    let time = Since {
        timestamp: Some(START.0 + 40),
        ..Since::default()
    };
    assert_eq!(told(&world, &id, since(from(4))).await, ["5", "6"]);
    assert_eq!(told(&world, &id, since(time)).await, ["5", "6"]);
    assert_eq!(told(&world, &id, since(from(99))).await, [""; 0]);
    let unknown = Since {
        id: Some("nothing".into()),
        ..Since::default()
    };
    assert_eq!(told(&world, &id, since(unknown)).await.len(), 7);
    let filtered = HistoryAsk {
        filter: only(&["llm.*", "c"]),
        ..HistoryAsk::default()
    };
    assert_eq!(
        told(&world, &id, filtered.clone()).await,
        ["2", "4", "5", "6"]
    );
    let folded = HistoryAsk {
        format: SeriesFormat::Accumulated,
        ..filtered
    };
    assert_eq!(told(&world, &id, folded).await, ["S4=Hello", "5", "S6=x"]);
}

#[tokio::test]
async fn folded_text_outlives_the_events_it_was_made_of() {
    let world = world();
    let id = greeting(&world).await;
    let epoch = world.epoch(&id).await;
    world.store.trim(&id, epoch, Index(5)).await.unwrap();
    assert_eq!(told(&world, &id, HistoryAsk::default()).await, ["5", "6"]);
    let folded = HistoryAsk {
        format: SeriesFormat::Accumulated,
        ..HistoryAsk::default()
    };
    assert_eq!(told(&world, &id, folded).await, ["S4=Hello", "5", "S6=x"]);
}

#[tokio::test]
async fn an_import_replaces_a_task_and_its_ids_are_found_again() {
    let world = world();
    let id = greeting(&world).await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    viewer.catch_up().await;
    let record = world.engine.get(&id).await.unwrap().record.as_ref().clone();
    let imported = |name: &str, event: NewEvent| NewEvent {
        imported: Some(Imported {
            id: name.into(),
            at: START,
        }),
        ..event
    };
    let events = vec![
        imported("x-1", plain("a", 0)),
        imported("x-2", delta("s", "Hi")),
        imported("x-3", plain("b", 0)),
    ];
    let refused = world
        .engine
        .import(record.clone(), events.clone(), false)
        .await;
    assert!(matches!(refused, Err(EngineError::Exists(_))));
    let replaced = world.engine.import(record, events, true).await.unwrap();
    assert!(replaced.overwritten);
    assert_eq!(viewer.done().await.reason, "deleted");
    let frames = world.watch(&id, after("x-1")).await.catch_up().await;
    assert_eq!(common::told(&frames), ["1", "2"]);
    let frames = world.watch(&id, after("x-9")).await.catch_up().await;
    assert_eq!(
        common::told(&frames),
        ["gap unknown 0", "0~", "S1~=Hi", "2~", "p2"]
    );
}

#[tokio::test]
async fn a_reader_who_wants_none_of_many_events_lets_others_have_their_turn() {
    let world = world_with(Limits {
        page: 10,
        ..Limits::default()
    });
    let id = world.running("t").await;
    for _ in 0..20 {
        let batch = (0..1_000).map(|_| NewEvent::new(EventType::new("x").unwrap(), None));
        world.publish(&id, batch.collect()).await;
    }
    let filter = EventFilter {
        types: Some(vec![TypePattern::parse("nothing")]),
        ..EventFilter::default()
    };
    let ask = HistoryAsk {
        filter: filter.clone(),
        ..HistoryAsk::default()
    };
    let mut history = world.engine.history(&id, ask).await.unwrap();
    assert!(turns_during(history.next()).await > 1);
    let ask = SubscribeAsk {
        filter,
        since: Since {
            index: Some(-1),
            ..Since::default()
        },
        ..SubscribeAsk::default()
    };
    let mut viewer = world.watch(&id, ask).await;
    assert!(turns_during(viewer.next()).await > 1);
}

/// How many turns somebody else gets while something is waited for.
async fn turns_during<T>(waited_for: impl Future<Output = T>) -> usize {
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = others => {}
        _ = waited_for => {}
    }
    turns
}
