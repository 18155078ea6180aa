//! Publishing: all or nothing, once or more often, with or without the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;

fn claim(seq: u64) -> Option<Once> {
    Some(Once::Producer(ProducerClaim {
        id: ProducerId::new("p").unwrap(),
        epoch: 1,
        first: seq,
        last: seq,
    }))
}

fn key(name: &str, body: u8) -> Option<Once> {
    Some(Once::Key(KeyClaim {
        key: name.into(),
        body: [body; 32],
    }))
}

fn indexes(published: &Published) -> Vec<u64> {
    let events = match published {
        Published::Now { events, .. } => events,
        Published::Before { events, .. } => events.as_ref().unwrap(),
    };
    events.iter().map(|event| event.index.0).collect()
}

#[tokio::test]
async fn a_batch_takes_dense_indexes_from_the_tail() {
    let world = world();
    let id = world.running("t").await;
    let events = world.publish(&id, vec![plain("a", 0), plain("b", 1)]).await;
    assert_eq!((events[0].index, events[1].index), (Index(1), Index(2)));
    assert_eq!(events[0].at, START);
    let nothing = world.publish(&id, vec![]).await;
    assert!(nothing.is_empty());
    assert_eq!(world.engine.get(&id).await.unwrap().tail, Index(3));
}

#[tokio::test]
async fn a_batch_of_which_one_event_does_not_fit_leaves_no_trace() {
    let world = world();
    let id = world.running("t").await;
    world.publish(&id, vec![delta("s", "a")]).await;
    let batch = vec![plain("a", 0), latest("s", "b")];
    let refused = world
        .engine
        .publish(&id, Publish::events(batch))
        .await
        .unwrap_err();
    let text =
        "series `s` is `accumulate of delta`, as its first event said; this event says `latest`";
    assert_eq!(refused.to_string(), text);
    assert_eq!(world.engine.get(&id).await.unwrap().tail, Index(2));
    let large = (0..1_001).map(|n| plain("a", n)).collect();
    let refused = world
        .engine
        .publish(&id, Publish::events(large))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        EngineError::BatchTooLarge {
            limit: 1_000,
            given: 1_001
        }
    ));
}

#[tokio::test]
async fn events_and_the_end_are_one_commit() {
    let world = world();
    let id = world.running("t").await;
    let mut viewer = world.watch(&id, SubscribeAsk::default()).await;
    let publish = Publish {
        events: vec![plain("last", 0)],
        transition: Some(Transition::to(Status::Completed)),
        once: None,
    };
    let published = world.engine.publish(&id, publish.clone()).await.unwrap();
    let Published::Now { events, task, .. } = published else {
        panic!("published before")
    };
    assert_eq!(
        (events.len(), task.unwrap().record.status),
        (1, Status::Completed)
    );
    assert_eq!(viewer.event().await.shared.event.index, Index(0));
    assert_eq!(
        viewer.event().await.shared.event.event_type.as_str(),
        "last"
    );
    assert_eq!(viewer.done().await.reason, "completed");
    let commits: Vec<_> = world.slots(&id).await.iter().map(Slot::commit).collect();
    assert_eq!(commits[1], commits[2]);
    let late = world.engine.publish(&id, publish).await.unwrap_err();
    assert!(matches!(late, EngineError::InvalidTransition { .. }));
    let late = world
        .engine
        .publish(&id, Publish::events(vec![plain("a", 0)]))
        .await;
    let text = "Cannot publish to task in terminal status: completed";
    assert_eq!(late.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn a_transition_that_is_refused_takes_its_events_along() {
    let world = world();
    let id = world.pending("t", NewTask::default()).await;
    for once in [None, claim(0), key("k", 0)] {
        let publish = Publish {
            events: vec![plain("last", 0)],
            transition: Some(Transition::to(Status::Completed)),
            once,
        };
        let refused = world.engine.publish(&id, publish).await.unwrap_err();
        assert!(
            matches!(refused, EngineError::InvalidTransition { .. }),
            "{refused}"
        );
    }
    assert_eq!(world.engine.get(&id).await.unwrap().tail, Index(0));
}

#[tokio::test]
async fn a_repeated_request_gets_the_answer_of_the_first() {
    let world = world();
    let id = world.running("t").await;
    for (once, first) in [(claim(0), 1), (key("k", 0), 3)] {
        let publish = Publish {
            events: vec![plain("a", 0), plain("b", 1)],
            transition: None,
            once,
        };
        let now = world.engine.publish(&id, publish.clone()).await.unwrap();
        let before = world.engine.publish(&id, publish).await.unwrap();
        assert!(matches!(before, Published::Before { .. }));
        assert_eq!(indexes(&now), [first, first + 1]);
        assert_eq!(indexes(&before), indexes(&now));
    }
    let other_body = Publish {
        once: key("k", 1),
        ..Publish::events(vec![])
    };
    let refused = world.engine.publish(&id, other_body).await.unwrap_err();
    assert!(matches!(refused, EngineError::KeyReused));
}

/// The transition of the first request is made, so the machine would refuse it now.
#[tokio::test]
async fn a_repeated_request_with_a_transition_gets_the_answer_of_the_first_too() {
    let world = world();
    for (name, to) in [("paused", Status::Paused), ("done", Status::Completed)] {
        let id = world.running(name).await;
        let publish = Publish {
            events: vec![plain("a", 0), plain("b", 1)],
            transition: Some(Transition::to(to)),
            once: claim(0),
        };
        let now = world.engine.publish(&id, publish.clone()).await.unwrap();
        let before = world.engine.publish(&id, publish).await.unwrap();
        assert!(matches!(before, Published::Before { .. }));
        assert_eq!(indexes(&before), indexes(&now), "{name}");
        assert_eq!(world.engine.get(&id).await.unwrap().tail, Index(4));
    }
}

#[tokio::test]
async fn producers_are_told_where_they_stand() {
    let world = world();
    let id = world.running("t").await;
    let producer = ProducerId::new("p").unwrap();
    let send = async |seq| {
        let publish = Publish {
            once: claim(seq),
            ..Publish::events(vec![plain("a", seq)])
        };
        world.engine.publish(&id, publish).await
    };
    assert!(matches!(
        send(3).await,
        Err(EngineError::ProducerStart { received: 3 })
    ));
    assert_eq!(world.engine.producer(&id, &producer).await.unwrap(), None);
    send(0).await.unwrap();
    send(1).await.unwrap();
    let gap = send(3).await.unwrap_err();
    assert!(matches!(
        gap,
        EngineError::ProducerGap {
            expected: 2,
            received: 3
        }
    ));
    let forgotten = send(0).await.unwrap();
    assert!(matches!(forgotten, Published::Before { events: None, .. }));
    let position = world.engine.producer(&id, &producer).await.unwrap();
    assert_eq!(position, Some(ProducerPosition { epoch: 1, seq: 1 }));
}

#[tokio::test]
async fn times_in_a_log_never_go_back() {
    let world = world();
    let id = world.running("t").await;
    world.clock.advance(1_000);
    world.publish(&id, vec![plain("a", 0)]).await;
    world.clock.set(Millis(5));
    let events = world.publish(&id, vec![plain("a", 1)]).await;
    assert_eq!(events[0].at, START.plus_millis(1_000));
}
