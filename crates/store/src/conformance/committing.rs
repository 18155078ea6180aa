//! Rules of commits: atomic, dense, fenced.

use super::given::{
    Given, NOON, at_level, by_key, by_producer, change, delta, event, latest, publish, record,
    task_id, with_data,
};
use super::{Subject, snapshot};
use crate::{Change, Commit, CommitError, TaskState};

use taskcast_core::{
    Epoch, EventType, Index, Level, Limits, Millis, NewEvent, RawJson, Revision, Slot, Status,
    Transition,
};

pub async fn indexes_are_dense_and_batches_stay_together(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let mut next = 0;
    for size in [1, 3, 1, 0, 40, 2] {
        let events = vec![event("b"); size];
        let committed = given.publish("a", events).await;
        let indexes: Vec<u64> = committed.events.iter().map(|event| event.index.0).collect();
        assert_eq!(indexes, (next..next + size as u64).collect::<Vec<_>>());
        next += size as u64;
        assert_eq!(committed.tail, Index(next));
        assert!(
            committed
                .events
                .iter()
                .all(|e| e.commit == committed.commit)
        );
    }
    let indexes: Vec<u64> = given.slots("a").await.iter().map(|s| s.index().0).collect();
    assert_eq!(indexes, (0..next).collect::<Vec<_>>());
}

pub async fn what_was_published_comes_back_byte_for_byte(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let nothing = NewEvent::new(EventType::new("b").unwrap(), None);
    let tagged = NewEvent {
        series: taskcast_core::SeriesTag {
            id: None,
            mode: Some(taskcast_core::SeriesMode::Latest),
            field: Some("f\u{fc}r".into()),
        },
        ..at_level("a.x", Level::Error)
    };
    let mut events = vec![nothing, tagged];
    let strange = [
        "null",
        r#"{ "b":1.50, "a" : "\u0000\ud83d", "b":1e400 }"#,
        "\"\u{1f600} \u{202e}\"",
        "123456789012345678901234567890",
        "[]",
        "\"\"",
    ];
    events.extend(strange.map(|data| with_data("\u{1f600}.\u{e9}", data)));
    let committed = given.publish("a", events.clone()).await;
    let stored: Vec<Slot> = committed.events.iter().cloned().map(Slot::Event).collect();
    assert_eq!(given.slots("a").await, stored);
    for (sent, stored) in events.iter().zip(&committed.events) {
        let bytes = |data: &Option<RawJson>| data.as_ref().map(|d| d.as_bytes().to_vec());
        assert_eq!(bytes(&sent.data), bytes(&stored.data));
        assert_eq!(
            (&sent.event_type, sent.level, &sent.series),
            (&stored.event_type, stored.level, &stored.series)
        );
        assert_eq!(stored.at, state.last_at);
    }
}

pub async fn a_refused_commit_leaves_nothing(subject: &dyn Subject) {
    let limits = Limits {
        series_per_task: 2,
        ..Limits::default()
    };
    let given = Given::open_with(subject, limits).await;
    given.task("a").await;
    let first = vec![delta("s", "x"), latest("l", "1"), event("b")];
    given
        .take(by_producer(publish("a", first), "p1", 5, 0, 0))
        .await;
    given.take(by_key(publish("a", vec![]), "k", 1)).await;
    given.task("done").await;
    given.step("done", Status::Cancelled).await;
    let state = given.state("a").await;
    let before = snapshot(&*given.store).await;
    for commit in misfits(&state) {
        let said = format!("{commit:?}");
        let outcome = given.store.commit(commit).await;
        assert!(outcome.is_err(), "{said} was taken: {outcome:?}");
        assert_eq!(snapshot(&*given.store).await, before, "{said} left a trace");
    }
    // What the refused commits claimed is still free.
    given
        .take(by_producer(publish("a", batch()), "p1", 5, 1, 1))
        .await;
    given.take(by_key(publish("a", batch()), "k2", 1)).await;
}

fn batch() -> Vec<NewEvent> {
    vec![event("b"), delta("s", "y"), latest("l", "2")]
}

/// One commit for each reason to refuse it; where there is a choice its last event is the reason.
fn misfits(state: &TaskState) -> Vec<Commit> {
    let good = || publish("a", batch());
    let bad = |last| publish("a", [batch(), vec![last]].concat());
    let other_log = Commit {
        epoch: Some(Epoch(u32::MAX)),
        ..good()
    };
    vec![
        publish("none", batch()),
        publish("done", batch()),
        other_log,
        stale(state, batch()),
        by_producer(good(), "p1", 5, 0, 0),
        by_producer(good(), "p1", 5, 2, 2),
        by_producer(good(), "p1", 4, 0, 0),
        by_producer(good(), "p1", 6, 1, 1),
        by_producer(good(), "p2", 0, 1, 1),
        by_key(good(), "k", 1),
        by_key(good(), "k", 2),
        by_producer(bad(latest("s", "1")), "p1", 5, 1, 1),
        by_key(bad(delta("l", "1")), "k2", 1),
        bad(delta("third", "1")),
    ]
}

/// A change made from a revision that the task does not have.
fn stale(state: &TaskState, events: Vec<NewEvent>) -> Commit {
    Commit {
        change: Some(Change {
            expected: state.revision.next(),
            record: (*state.record).clone(),
        }),
        ..publish(state.record.id.as_str(), events)
    }
}

pub async fn a_record_and_its_events_change_together(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let before = given.task("a").await;
    given.publish("a", vec![event("b")]).await;
    assert_eq!(
        given.state("a").await.revision,
        Revision(1),
        "publishing is no change"
    );
    let committed = given.step("a", Status::Running).await;
    let after = given.state("a").await;
    assert_eq!(
        (committed.revision, after.revision),
        (Revision(2), Revision(2))
    );
    assert_eq!(after.record.status, Status::Running);
    assert_eq!(after.commit, committed.commit);
    assert!(!committed.sealed && after.tail == Index(2));
    let Err(CommitError::Conflict(now)) = given.store.commit(stale(&before, vec![])).await else {
        return assert_eq!(before.revision.next(), after.revision);
    };
    assert_eq!(*now, after);
}

pub async fn a_terminal_record_seals_the_log(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    for status in [
        Status::Completed,
        Status::Failed,
        Status::Timeout,
        Status::Cancelled,
    ] {
        let id = status.as_str();
        given.task(id).await;
        given.step(id, Status::Running).await;
        let sealed = given.step(id, status).await;
        assert!(sealed.sealed);
        let tail = given.store.tails(&[task_id(id)]).await.unwrap()[0].unwrap();
        assert!(tail.sealed && tail.tail == sealed.tail);
        for events in [vec![event("b")], vec![]] {
            let refused = given.refused(publish(id, events)).await;
            assert!(
                matches!(refused, CommitError::Sealed(s) if s == status),
                "{refused}"
            );
        }
    }
}

pub async fn another_log_or_no_task_is_not_found(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let meant = |epoch| Commit {
        epoch: Some(epoch),
        ..publish("a", vec![event("b")])
    };
    let refused = given.refused(meant(Epoch(state.epoch.0 + 1_000))).await;
    assert!(matches!(refused, CommitError::NotFound(id) if id == task_id("a")));
    let refused = given.refused(publish("none", vec![event("b")])).await;
    assert!(matches!(refused, CommitError::NotFound(id) if id == task_id("none")));
    given.take(meant(state.epoch)).await;
    given.take(publish("a", vec![event("b")])).await;
}

pub async fn what_was_done_before_is_said_before_anything_else(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let before = given.state("a").await;
    let done = change(&before, &Transition::to(Status::Cancelled), NOON);
    let done = by_producer(done, "p1", 0, 0, 0);
    given.take(done.clone()).await;
    // The log is sealed and the revision has moved on, but the sender hears of its success.
    let again = given.refused(done).await;
    let CommitError::Duplicate {
        original: Some(original),
    } = again
    else {
        panic!("{again}");
    };
    assert_eq!((original.first, original.count), (Index(0), 1));
    let gap = given
        .refused(by_producer(publish("a", vec![]), "p1", 0, 2, 2))
        .await;
    assert!(matches!(
        gap,
        CommitError::ProducerGap {
            expected: 1,
            received: 2
        }
    ));
    let elsewhere = by_producer(publish("a", vec![]), "p1", 0, 0, 0);
    let elsewhere = given
        .refused(Commit {
            epoch: Some(Epoch(9_999)),
            ..elsewhere
        })
        .await;
    assert!(
        matches!(elsewhere, CommitError::NotFound(_)),
        "the fence goes first"
    );
}

pub async fn the_seal_goes_before_the_revision_and_the_revision_before_the_series(
    subject: &dyn Subject,
) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.publish("a", vec![delta("s", "x")]).await;
    let before = given.state("a").await;
    let bad = || vec![latest("s", "1")];
    let refused = given.refused(stale(&before, bad())).await;
    assert!(matches!(refused, CommitError::Conflict(now) if *now == before));
    let refused = given.refused(publish("a", bad())).await;
    assert!(matches!(refused, CommitError::Series(_)), "{refused}");
    given.step("a", Status::Cancelled).await;
    let refused = given.refused(stale(&before, bad())).await;
    assert!(
        matches!(refused, CommitError::Sealed(Status::Cancelled)),
        "{refused}"
    );
}

pub async fn times_never_decrease_when_the_clock_jumps_back(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let mut times = Vec::new();
    for now in [
        NOON.0,
        NOON.0 + 50,
        NOON.0 - 10_000,
        NOON.0 + 40,
        NOON.0 + 60,
    ] {
        given.clock.set(Millis(now));
        let committed = given.publish("a", vec![event("b")]).await;
        times.push(committed.events[0].at.0 - NOON.0);
        assert_eq!(given.state("a").await.last_at, committed.events[0].at);
    }
    assert_eq!(times, [0, 50, 50, 50, 60]);
    let stored: Vec<u64> = given
        .slots("a")
        .await
        .iter()
        .map(|s| s.at().0 - NOON.0)
        .collect();
    assert_eq!(stored, times);
    // Nor is an event older than its task.
    let create = given.create_of(record("later", Millis(NOON.0 + 500)));
    given.store.create(create).await.unwrap();
    let committed = given.publish("later", vec![event("b")]).await;
    assert_eq!(committed.events[0].at, Millis(NOON.0 + 500));
}

pub async fn commits_are_visible_once_acknowledged(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.task("b").await;
    for n in 1..=20 {
        let committed = given.publish("a", vec![event("b")]).await;
        let state = given.state("a").await;
        assert_eq!((state.tail, state.commit), (Index(n), committed.commit));
        let ids = [task_id("b"), task_id("none"), task_id("a"), task_id("a")];
        let tails = given.store.tails(&ids).await.unwrap();
        assert_eq!(tails[0].unwrap().tail, Index(0));
        assert_eq!((tails[1], tails[2]), (None, tails[3]));
        let tail = tails[2].unwrap();
        assert_eq!(
            (tail.tail, tail.epoch, tail.sealed),
            (state.tail, state.epoch, false)
        );
        assert_eq!(given.slots("a").await.len() as u64, n);
    }
    assert!(given.store.tails(&[]).await.unwrap().is_empty());
    assert_eq!(given.store.load(&task_id("none")).await.unwrap(), None);
}
