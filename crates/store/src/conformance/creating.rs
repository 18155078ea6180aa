//! Rules of creates.

use super::given::{Given, NOON, claim, delta, event, imported, json, latest, record, task_id};
use super::{Subject, snapshot};
use crate::{Create, CreateError};
use taskcast_core::{
    BlockedRequest, EventIdText, EventType, Index, Millis, Revision, Slot, Status, Tag, TaskError,
    TaskRecord, Transition, transition,
};

pub async fn a_new_task_has_revision_1_and_an_empty_log(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let create = given.new_task("a");
    let state = given.store.create(create.clone()).await.unwrap();
    assert_eq!(*state.record, create.record);
    assert_eq!(state.revision, Revision(1));
    assert_eq!(state.epoch, create.epoch);
    assert_eq!((state.trim, state.tail), (Index::START, Index::START));
    assert_eq!(state.last_at, create.record.created_at);
    assert_eq!(given.state("a").await, state);
    assert!(given.slots("a").await.is_empty());
}

pub async fn a_record_comes_back_as_it_was_given(subject: &dyn Subject) {
    let mut given = Given::open(subject).await;
    let full = full_record();
    let state = given
        .store
        .create(given.create_of(full.clone()))
        .await
        .unwrap();
    assert_eq!(*state.record, full);
    let id = full.id.as_str();
    assert_eq!(given.state(id).await, state);
    given.step(id, Status::Running).await;
    let after = given.state(id).await;
    let expected = transition(&full, &Transition::to(Status::Running), NOON).unwrap();
    assert_eq!(*after.record, expected.record);
    given.reopen(subject).await;
    assert_eq!(given.state(id).await, after);
}

/// A record with something in every field.
fn full_record() -> TaskRecord {
    let strange = r#"{ "b":1.50, "a" : "\u0000\ud83d", "b":1e400 }"#;
    let rule = r#"{"rules":[{"match":{"scope":["*"]},"require":{"claims":{"n":1.5}}}]}"#;
    TaskRecord {
        task_type: Some(EventType::new("\u{1f600}.\u{e9}").unwrap()),
        status: Status::Blocked,
        params: Some(json(strange)),
        result: Some(json("{}")),
        error: Some(TaskError {
            code: Some(String::new()),
            message: "a \"quoted\"\nline \0".into(),
            details: Some(json(strange)),
        }),
        metadata: Some(json(strange)),
        ttl: Some(u64::from(u32::MAX)),
        timeout_at: Some(NOON.plus_seconds(9)),
        tags: ["b", "a", "\u{1f600}"]
            .map(|tag| Tag::new(tag).unwrap())
            .to_vec(),
        reason: Some("because".into()),
        resume_at: Some(NOON.plus_seconds(3)),
        blocked_request: Some(BlockedRequest {
            kind: "question".into(),
            data: Some(json("null")),
        }),
        auth_config: Some(json(rule).read().unwrap()),
        ..record("\u{1f600} /%?#", NOON)
    }
}

pub async fn an_id_is_taken_once(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.publish("a", vec![event("b")]).await;
    let before = snapshot(&*given.store).await;
    let again = given.store.create(given.new_task("a")).await;
    let Err(CreateError::Exists(found)) = again else {
        panic!("expected the task that exists, got {again:?}");
    };
    assert_eq!(*found, given.state("a").await);
    assert_eq!(snapshot(&*given.store).await, before);
}

pub async fn the_same_request_twice_is_told_from_another_one(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let with_key = |key, body| Create {
        key: Some(claim(key, body)),
        ..given.new_task("a")
    };
    let first = given.store.create(with_key("k", 1)).await.unwrap();
    let same = given.store.create(with_key("k", 1)).await;
    assert!(matches!(same, Err(CreateError::Duplicate(state)) if *state == first));
    let reused = given.store.create(with_key("k", 2)).await;
    assert!(matches!(reused, Err(CreateError::KeyReused)), "{reused:?}");
    let other = given.store.create(with_key("other", 1)).await;
    assert!(matches!(other, Err(CreateError::Exists(_))), "{other:?}");
    let none = given.store.create(given.new_task("a")).await;
    assert!(matches!(none, Err(CreateError::Exists(_))), "{none:?}");
}

pub async fn replacing_opens_another_log_and_leaves_nothing_of_the_old(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let old = given.task("a").await;
    let events = vec![event("b"), delta("s", "text"), latest("l", "1")];
    given.publish("a", events).await;
    given.clock.advance(5);
    let create = Create {
        replace: true,
        ..given.new_task("a")
    };
    let new = given.store.create(create).await.unwrap();
    assert_eq!((new.revision, new.tail), (Revision(1), Index::START));
    assert_ne!(new.epoch, old.epoch);
    assert!(given.store.heads(&task_id("a"), old.epoch).await.is_err());
    let all = snapshot(&*given.store).await;
    assert_eq!(all.tasks.len(), 1);
    assert_eq!(all.tasks[0].state, new);
    assert!(all.appended.is_empty() && all.tasks[0].heads.heads.is_empty());
    assert_eq!(all.changed.len(), 1);
    // The fold of the old log is not joined to.
    let joined = given.publish("a", vec![delta("s", "x")]).await;
    assert_eq!(joined.events[0].fold.unwrap().offset, 0);
}

pub async fn an_import_keeps_its_events_times_ids_and_seal(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let created = Millis(NOON.0 - 10_000);
    let archived = TaskRecord {
        status: Status::Completed,
        completed_at: Some(Millis(NOON.0 - 5_000)),
        ..record("a", created)
    };
    let create = Create {
        events: vec![
            imported(delta("s", "He"), "one", Millis(NOON.0 - 9_000)),
            imported(delta("s", "llo"), "two", Millis(NOON.0 - 8_000)),
            imported(latest("l", "1"), "three", Millis(NOON.0 + 60_000)),
            imported(latest("l", "2"), "four", Millis(NOON.0 - 7_000)),
        ],
        ..given.create_of(archived)
    };
    let state = given.store.create(create).await.unwrap();
    assert!(state.is_sealed());
    assert_eq!((state.tail, state.last_at), (Index(4), NOON));
    let slots = given.slots("a").await;
    let times: Vec<u64> = slots.iter().map(|slot| slot.at().0).collect();
    // A time that is still to come is taken as now, and none goes back behind the one before.
    assert_eq!(times, [NOON.0 - 9_000, NOON.0 - 8_000, NOON.0, NOON.0]);
    assert!(matches!(&slots[2], Slot::Tombstone(t) if t.foreign_id.as_deref() == Some("three")));
    let newest = slots[3].event().unwrap();
    assert!(matches!(
        newest.id(state.epoch),
        EventIdText::Foreign("four")
    ));
    let head = given.store.heads(&task_id("a"), state.epoch).await.unwrap();
    assert_eq!(head.heads[0].newest.fold.unwrap().end(), 5);
    let refused = given
        .refused(super::given::publish("a", vec![event("b")]))
        .await;
    assert!(matches!(
        refused,
        crate::CommitError::Sealed(Status::Completed)
    ));
}

pub async fn an_import_that_breaks_its_series_leaves_nothing(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("other").await;
    let before = snapshot(&*given.store).await;
    let create = Create {
        events: vec![delta("s", "a"), latest("s", "1")],
        ..given.new_task("a")
    };
    let refused = given.store.create(create).await;
    assert!(
        matches!(refused, Err(CreateError::Series(_))),
        "{refused:?}"
    );
    assert_eq!(snapshot(&*given.store).await, before);
    assert_eq!(given.store.load(&task_id("a")).await.unwrap(), None);
}
