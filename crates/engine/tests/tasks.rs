//! Tasks: created once, listed newest first, and ended by exactly one of those who try.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::sync::Arc;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;
use tokio::task::JoinSet;

#[tokio::test]
async fn an_id_is_taken_once_and_a_generated_one_is_new() {
    let world = world();
    let id = world.pending("report", NewTask::default()).await;
    let ask = CreateAsk {
        id: Some(id.clone()),
        ..CreateAsk::default()
    };
    let refused = world.engine.create(ask).await.unwrap_err();
    assert_eq!(refused.to_string(), "Task already exists: report");
    let one = world.engine.create(CreateAsk::default()).await.unwrap();
    let other = world.engine.create(CreateAsk::default()).await.unwrap();
    assert_ne!(one.state.record.id, other.state.record.id);
    assert_eq!(
        world.engine.get(&id).await.unwrap().record.status,
        Status::Pending
    );
}

#[tokio::test]
async fn the_same_key_and_body_create_one_task_per_owner() {
    let world = world();
    let ask = |body: u8, owner: &str| CreateAsk {
        key: Some(KeyClaim {
            key: "k".into(),
            body: [body; 32],
        }),
        owner: Some(owner.into()),
        ..CreateAsk::default()
    };
    let first = world.engine.create(ask(1, "ann")).await.unwrap();
    let again = world.engine.create(ask(1, "ann")).await.unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.state, again.state);
    let other = world.engine.create(ask(1, "bob")).await.unwrap();
    assert_ne!(other.state.record.id, first.state.record.id);
    let reused = world.engine.create(ask(2, "ann")).await.unwrap_err();
    assert!(matches!(reused, EngineError::KeyReused));
}

#[tokio::test]
async fn lists_are_newest_first_and_page_without_repeats() {
    let world = world();
    for n in 0..25 {
        world.pending(&format!("t{n:02}"), NewTask::default()).await;
        world.clock.advance(n % 2);
    }
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let ask = ListAsk {
            filter: TaskFilter::default(),
            after,
            limit: 7,
        };
        let page = world.engine.list(ask).await.unwrap();
        names.extend(page.tasks.iter().map(|task| task.record.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let newest_first: Vec<String> = (0..25).rev().map(|n| format!("t{n:02}")).collect();
    assert_eq!(names, newest_first);
}

#[tokio::test]
async fn a_caller_limited_to_tasks_pages_through_those_and_no_others() {
    let world = world();
    for n in 0..9 {
        world.pending(&format!("t{n}"), NewTask::default()).await;
        world.clock.advance(1);
    }
    let mine = ["t1", "t4", "t5", "t8", "gone"].map(|id| TaskId::new(id).unwrap());
    let identity = Identity {
        tasks: TaskScope::Only(mine.into()),
        ..Identity::anyone()
    };
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let ask = ListAsk {
            filter: TaskFilter::default(),
            after,
            limit: 3,
        };
        let page = world.engine.as_caller(&identity).list(ask).await.unwrap();
        names.extend(page.tasks.iter().map(|task| task.record.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, ["t8", "t5", "t4", "t1"]);
}

#[tokio::test]
async fn a_page_of_large_tasks_of_a_limited_caller_ends_early_and_goes_on() {
    let world = world();
    let large = RawJson::from_value(&serde_json::json!({ "x": "x".repeat(5 << 20) })).unwrap();
    let ids = ["a", "b", "c"];
    for id in ids {
        let params = Some(large.clone());
        let task = NewTask {
            params,
            ..NewTask::default()
        };
        world.pending(id, task).await;
    }
    let identity = Identity {
        tasks: TaskScope::Only(ids.map(|id| TaskId::new(id).unwrap()).into()),
        ..Identity::anyone()
    };
    let caller = world.engine.as_caller(&identity);
    let mut ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 10,
    };
    let first = caller.list(ask.clone()).await.unwrap();
    assert_eq!(first.tasks.len(), 2);
    ask.after = first.next;
    let second = caller.list(ask).await.unwrap();
    assert_eq!((second.tasks.len(), second.next), (1, None));
}

#[tokio::test]
async fn transitions_follow_the_table_and_tell_what_they_did() {
    let world = world();
    let id = world.running("t").await;
    let asked = Transition {
        result: Some(json(r#"{"pages":3}"#)),
        ..Transition::to(Status::Completed)
    };
    let done = world.engine.transition(&id, &asked).await.unwrap();
    assert_eq!(done, world.engine.get(&id).await.unwrap());
    let slots = world.slots(&id).await;
    let last = slots.last().unwrap().event().unwrap();
    assert_eq!(last.event_type.as_str(), "taskcast:status");
    let told = r#"{"status":"completed","result":{"pages":3}}"#;
    assert_eq!(last.data.as_ref().unwrap().as_str(), told);
    let late = world
        .engine
        .transition(&id, &Transition::to(Status::Failed))
        .await;
    let text = late.unwrap_err().to_string();
    assert_eq!(text, "Invalid transition: completed \u{2192} failed");
}

#[tokio::test]
async fn an_answer_lets_a_blocked_task_go_on() {
    let world = world();
    let id = world.running("t").await;
    assert!(matches!(
        world.engine.resolve(&id, None).await,
        Err(EngineError::NotBlocked)
    ));
    let asked = Transition {
        blocked_request: Some(BlockedRequest {
            kind: "approval".into(),
            data: None,
        }),
        ..Transition::to(Status::Blocked)
    };
    world.engine.transition(&id, &asked).await.unwrap();
    assert_eq!(
        world.engine.request(&id).await.unwrap().unwrap().kind,
        "approval"
    );
    let state = world.engine.resolve(&id, Some(json("true"))).await.unwrap();
    assert_eq!(state.record.status, Status::Running);
    assert_eq!(
        state.record.result.as_ref().unwrap().as_str(),
        r#"{"resolution":true}"#
    );
    assert_eq!(world.engine.request(&id).await.unwrap(), None);
}

/// 16 clients race to end each of many tasks: one wins, the others are told what it became, and
/// every subscriber is told the end once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_those_who_race_ends_a_task() {
    let world = world();
    let world = Arc::new(world);
    let mut races = JoinSet::new();
    for n in 0..100 {
        let world = world.clone();
        races.spawn(async move { race(&world, n).await });
    }
    while let Some(outcome) = races.join_next().await {
        outcome.unwrap();
    }
    assert_eq!(world.engine.subscribers(), 0);
}

async fn race(world: &Arc<World>, n: usize) {
    let id = world.running(&format!("t{n}")).await;
    let mut viewers = Vec::new();
    for _ in 0..3 {
        viewers.push(world.watch(&id, SubscribeAsk::default()).await);
    }
    let mut clients = JoinSet::new();
    for client in 0..16 {
        let (world, id) = (world.clone(), id.clone());
        let to = [Status::Completed, Status::Failed, Status::Cancelled][client % 3];
        clients.spawn(async move { world.engine.transition(&id, &Transition::to(to)).await });
    }
    let outcomes = clients.join_all().await;
    let won: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(won.len(), 1, "one client wins");
    let won = won[0].record.status;
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let from = match lost {
            EngineError::InvalidTransition { from, .. } => *from,
            other => panic!("{other}"),
        };
        assert_eq!(from, won, "losers are told what the task became");
    }
    for viewer in &mut viewers {
        assert_eq!(viewer.done().await.reason, won.as_str());
    }
    assert_eq!(world.slots(&id).await.len(), 2);
}
