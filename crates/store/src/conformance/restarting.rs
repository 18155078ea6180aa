//! Rules of restarts, for stores that keep what they were given.

use super::given::{
    Given, NOON, at_level, by_key, by_producer, delta, event, imported, latest, publish,
};
use super::{Subject, snapshot};
use crate::{CommitError, Create};
use taskcast_core::{Level, Status, Transition};

/// A store with something of everything in it.
async fn full(subject: &dyn Subject) -> Given {
    let given = Given::open(subject).await;
    let import = Create {
        events: vec![imported(delta("s", "old"), "foreign", NOON)],
        ..given.new_task("imported")
    };
    given.store.create(import).await.unwrap();
    add_long_log(&given).await;
    given.task("waits").await;
    let ttl = Transition {
        ttl: Some(9),
        ..Transition::to(Status::Running)
    };
    given.transit("waits", &ttl).await;
    let gone = given.task("gone").await;
    given.publish("gone", vec![event("b")]).await;
    given.delete(&gone).await;
    given
}

/// Task `a`: 20 events of all kinds, some of them gone in each of the ways there are.
async fn add_long_log(given: &Given) {
    let state = given.task("a").await;
    given.step("a", Status::Running).await;
    for n in 0..6 {
        given.clock.advance(3);
        let warning = at_level("b", Level::Warn);
        let batch = publish("a", vec![delta("s", "x\u{e9}"), latest("l", "1"), warning]);
        given.take(by_producer(batch, "p1", 2, n, n)).await;
    }
    let named = by_key(publish("a", vec![event("b")]), "k", 1);
    given.take(named).await;
    given.clean(&state, &[5, 19]).await;
    given.trim(&state, 3).await;
}

pub async fn everything_reads_the_same_after_a_restart(subject: &dyn Subject) {
    let mut given = full(subject).await;
    let (before, info) = (snapshot(&*given.store).await, given.store.info());
    if given.reopen(subject).await {
        assert_eq!(snapshot(&*given.store).await, before);
        assert_eq!(given.store.info(), info);
    }
}

pub async fn producers_and_keys_hold_across_a_restart(subject: &dyn Subject) {
    let mut given = full(subject).await;
    let newest = || by_producer(publish("a", vec![]), "p1", 2, 5, 5);
    let key = || by_key(publish("a", vec![]), "k", 1);
    let said = async |given: &Given| {
        let outcomes = [given.refused(newest()).await, given.refused(key()).await];
        format!("{outcomes:?}")
    };
    let before = said(&given).await;
    assert!(before.contains("Duplicate"), "{before}");
    if given.reopen(subject).await {
        assert_eq!(said(&given).await, before);
        let reused = given.refused(by_key(publish("a", vec![]), "k", 2)).await;
        assert!(matches!(reused, CommitError::KeyReused), "{reused}");
        given
            .take(by_producer(publish("a", vec![]), "p1", 2, 6, 6))
            .await;
    }
}

pub async fn commits_go_on_after_a_restart(subject: &dyn Subject) {
    let mut given = full(subject).await;
    let before = given.state("a").await;
    let newest = given
        .store
        .appended(crate::Partition(0), before.commit, 1)
        .await
        .unwrap()
        .newest;
    if !given.reopen(subject).await {
        return;
    }
    // The clock of the machine may have gone back meanwhile.
    given.clock.set(NOON);
    let committed = given
        .publish("a", vec![delta("s", "!"), latest("l", "2")])
        .await;
    assert!(committed.commit > newest);
    assert_eq!(committed.events[0].index, before.tail);
    assert_eq!(committed.events[0].at, before.last_at);
    assert_eq!(
        committed.events[0].fold.unwrap().offset,
        6 * "x\u{e9}".len() as u64
    );
    let done = given.step("a", Status::Completed).await;
    assert!(done.sealed && done.revision == before.revision.next());
}
