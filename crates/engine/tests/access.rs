//! Access: scopes and tasks first, then the task, then its rules.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use common::*;
use taskcast_core::*;
use taskcast_engine::*;
use taskcast_store::*;

fn holding(words: &[&str]) -> Identity {
    Identity {
        scopes: Scopes::from_words(words.iter().copied()),
        ..Identity::anyone()
    }
}

fn only_for(scope: &str, subject: &str) -> NewTask {
    let rule = serde_json::json!({
        "rules": [{ "match": { "scope": [scope] }, "require": { "sub": [subject] } }]
    });
    NewTask {
        auth_config: Some(serde_json::from_value(rule).unwrap()),
        ..NewTask::default()
    }
}

/// The scopes with which each thing may be done to a task: `(what, was it denied)`.
async fn denied(caller: Caller<'_>, id: &TaskId) -> Vec<&'static str> {
    let mut denied = Vec::new();
    let mut note = |what, error: Option<EngineError>| {
        if matches!(error, Some(EngineError::Denied(_))) {
            denied.push(what);
        }
    };
    let running = Transition::to(Status::Running);
    let publish = Publish::events(vec![]);
    let with_end = Publish {
        transition: Some(running.clone()),
        ..publish.clone()
    };
    let producer = ProducerId::new("p").unwrap();
    note("get", caller.get(id).await.err());
    note(
        "subscribe",
        caller.subscribe(id, SubscribeAsk::default()).await.err(),
    );
    note(
        "history",
        caller.history(id, HistoryAsk::default()).await.err(),
    );
    note("publish", caller.publish(id, publish).await.err());
    note("publish+end", caller.publish(id, with_end).await.err());
    note("producer", caller.producer(id, &producer).await.err());
    note("transition", caller.transition(id, &running).await.err());
    note("request", caller.request(id).await.err());
    note("resolve", caller.resolve(id, None).await.err());
    note("delete", caller.delete(id).await.err());
    denied
}

const EVERY: [&str; 10] = [
    "get",
    "subscribe",
    "history",
    "publish",
    "publish+end",
    "producer",
    "transition",
    "request",
    "resolve",
    "delete",
];

#[tokio::test]
async fn each_thing_needs_its_scope_and_no_other_gives_it() {
    let world = world();
    let allows: [(&[&str], &[&str]); 7] = [
        (&[], &[]),
        (&["task:create"], &[]),
        (&["event:subscribe"], &["get", "subscribe"]),
        (&["event:history"], &["history"]),
        (&["event:publish"], &["publish", "producer"]),
        (&["task:resolve"], &["request", "resolve"]),
        (
            &["task:manage", "event:publish"],
            &["publish", "publish+end", "producer", "transition", "delete"],
        ),
    ];
    for (scopes, allowed) in allows {
        let id = world.pending("t", NewTask::default()).await;
        let identity = holding(scopes);
        let expected: Vec<_> = EVERY
            .into_iter()
            .filter(|what| !allowed.contains(what))
            .collect();
        assert_eq!(
            denied(world.engine.as_caller(&identity), &id).await,
            expected,
            "{scopes:?}"
        );
        let _ = world.engine.delete(&id).await;
    }
}

#[tokio::test]
async fn who_may_not_touch_a_task_does_not_learn_whether_it_exists() {
    let world = world();
    let id = world.pending("t", NewTask::default()).await;
    let missing = TaskId::new("missing").unwrap();
    let elsewhere = Identity {
        tasks: TaskScope::Only([TaskId::new("mine").unwrap()].into()),
        ..Identity::anyone()
    };
    let caller = world.engine.as_caller(&elsewhere);
    assert_eq!(denied(caller, &id).await, EVERY);
    assert_eq!(denied(caller, &missing).await, EVERY);
    let create = |name: &str| CreateAsk {
        id: Some(TaskId::new(name).unwrap()),
        ..CreateAsk::default()
    };
    assert!(matches!(
        caller.create(create("t")).await,
        Err(EngineError::Denied(_))
    ));
    assert!(caller.create(create("mine")).await.is_ok());
}

#[tokio::test]
async fn rules_of_a_task_narrow_the_scope_they_name() {
    let world = world();
    let id = world.pending("t", only_for("event:publish", "ann")).await;
    let as_subject = |name: &str| Identity {
        subject: Some(name.into()),
        scopes: Scopes::from_words(["event:publish", "event:subscribe"]),
        ..Identity::anyone()
    };
    let (ann, bob) = (as_subject("ann"), as_subject("bob"));
    let publish = || Publish::events(vec![plain("a", 0)]);
    assert!(
        world
            .engine
            .as_caller(&ann)
            .publish(&id, publish())
            .await
            .is_ok()
    );
    let refused = world.engine.as_caller(&bob).publish(&id, publish()).await;
    assert!(matches!(refused, Err(EngineError::Denied(_))));
    assert!(world.engine.as_caller(&bob).get(&id).await.is_ok());
}

/// Rules are remembered per log. A task of the same id that another engine made anew has its own.
#[tokio::test]
async fn a_recreated_task_is_judged_by_its_new_rules() {
    let world = world();
    let broadcast = std::sync::Arc::new(taskcast_store::MemoryBroadcast::new());
    let other = engine_over(&world.store, broadcast, Limits::default(), 9);
    let bob = Identity {
        subject: Some("bob".into()),
        ..Identity::anyone()
    };
    let caller = world.engine.as_caller(&bob);
    let publish = || Publish::events(vec![plain("a", 0)]);
    let id = world.pending("t", NewTask::default()).await;
    for (rules, allowed) in [("ann", false), ("bob", true), ("ann", false)] {
        caller.publish(&id, publish()).await.ok();
        other.delete(&id).await.unwrap();
        create(&other, "t", only_for("*", rules)).await;
        let outcome = caller.publish(&id, publish()).await;
        assert_eq!(outcome.is_ok(), allowed, "{rules}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_task_that_is_replaced_after_its_rules_were_read_is_not_touched() {
    let world = world();
    let mallory = holding(&["*"]);
    let caller = world.engine.as_caller(&mallory);
    let id = TaskId::new("t").unwrap();
    let anns = |epoch| Create {
        record: only_for("*", "ann").into_record(id.clone(), START),
        epoch: Epoch(epoch),
        events: Vec::new(),
        replace: true,
        key: None,
        drawn: false,
    };
    let mine = NewTask::default().into_record(id.clone(), START);
    let running = Transition::to(Status::Running);

    // None was there when it was looked for.
    world.store.replace_after_load(anns(1));
    let imported = caller.import(mine.clone(), Vec::new(), true).await;
    assert!(imported.is_err(), "{imported:?}");
    for epoch in 2..6 {
        world
            .engine
            .import(mine.clone(), Vec::new(), true)
            .await
            .unwrap();
        world.store.replace_after_load(anns(epoch));
        let error = match epoch {
            2 => caller.transition(&id, &running).await.err(),
            3 => caller.delete(&id).await.err(),
            4 => caller.history(&id, HistoryAsk::default()).await.err(),
            _ => caller.subscribe(&id, SubscribeAsk::default()).await.err(),
        };
        assert!(
            matches!(error, Some(EngineError::NotFound(_))),
            "{epoch}: {error:?}"
        );
        let task = world.engine.get(&id).await.unwrap();
        assert_eq!(
            (task.epoch, task.record.status),
            (Epoch(epoch), Status::Pending)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_publish_is_never_answered_with_the_events_of_another_log() {
    let world = world();
    let id = world.pending("t", NewTask::default()).await;
    let ann = holding(&["*"]);
    let caller = world.engine.as_caller(&ann);
    let mine = || Publish {
        once: Some(Once::Key(KeyClaim {
            key: "k".into(),
            body: [7; 32],
        })),
        ..Publish::events(vec![NewEvent::new(EventType::new("mine").unwrap(), None)])
    };
    caller.publish(&id, mine()).await.unwrap();
    // The store knows the request, and is slow to say so; the task is replaced meanwhile.
    world.store.delay(&id, [50]);
    let replace = async {
        world.pass(10).await;
        let record = NewTask::default().into_record(id.clone(), START);
        world.engine.import(record, Vec::new(), true).await.unwrap();
        let theirs = NewEvent::new(EventType::new("theirs").unwrap(), None);
        world.publish(&id, vec![theirs]).await;
    };
    let (outcome, ()) = tokio::join!(caller.publish(&id, mine()), replace);
    let now = world.engine.get(&id).await.unwrap().epoch;
    match outcome.unwrap() {
        Published::Now { epoch, events, .. } => {
            assert_eq!((epoch, events[0].index), (now, Index(1)));
        }
        before => panic!("{before:?}"),
    }
}

#[tokio::test]
async fn lists_show_what_the_caller_may_see() {
    let world = world();
    world.pending("open", NewTask::default()).await;
    world
        .pending("hers", only_for("event:subscribe", "ann"))
        .await;
    let ask = taskcast_store::ListAsk {
        filter: taskcast_store::TaskFilter::default(),
        after: None,
        limit: 10,
    };
    let bob = Identity {
        subject: Some("bob".into()),
        ..Identity::anyone()
    };
    let page = world
        .engine
        .as_caller(&bob)
        .list(ask.clone())
        .await
        .unwrap();
    assert_eq!(page.tasks.len(), 1);
    let nobody = holding(&["event:history"]);
    let refused = world.engine.as_caller(&nobody).list(ask).await;
    assert!(matches!(refused, Err(EngineError::Denied(_))));
}
