//! Rules of commits that happen at most once.

use super::Subject;
use super::given::{Given, by_key, by_producer, event, publish, task_id};
use crate::{Commit, CommitError, Original, ProducerPosition};
use std::time::Duration;
use taskcast_core::{Index, Limits, NewEvent, ProducerId};

fn events(count: usize) -> Vec<NewEvent> {
    vec![event("b"); count]
}

/// A commit of `count` events that producer `p1` numbers `seq`.
fn numbered(epoch: u64, seq: u64, count: usize) -> Commit {
    by_producer(publish("a", events(count)), "p1", epoch, seq, seq)
}

async fn position(given: &Given, producer: &str) -> Option<ProducerPosition> {
    let producer = ProducerId::new(producer).unwrap();
    given
        .store
        .producer(&task_id("a"), &producer)
        .await
        .unwrap()
}

/// Where a duplicate says that the events stand.
pub(super) fn original(error: &CommitError) -> Option<Original> {
    match error {
        CommitError::Duplicate { original } => *original,
        other => panic!("expected a duplicate, got {other}"),
    }
}

pub(super) fn at(first: u64, count: u64) -> Option<Original> {
    let first = Index(first);
    Some(Original { first, count })
}

pub async fn a_producer_counts_densely_from_0(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    assert_eq!(position(&given, "p1").await, None);
    let refused = given.refused(numbered(3, 1, 1)).await;
    assert!(
        matches!(refused, CommitError::ProducerStart { received: 1 }),
        "{refused}"
    );
    for seq in 0..3 {
        given.take(numbered(3, seq, 1)).await;
        let expected = ProducerPosition { epoch: 3, seq };
        assert_eq!(position(&given, "p1").await, Some(expected));
    }
    let refused = given.refused(numbered(3, 4, 1)).await;
    let gap = matches!(
        refused,
        CommitError::ProducerGap {
            expected: 3,
            received: 4
        }
    );
    assert!(gap, "{refused}");
    assert_eq!(
        position(&given, "p2").await,
        None,
        "producers know nothing of each other"
    );
    let unknown = given
        .store
        .producer(&task_id("none"), &ProducerId::new("p1").unwrap())
        .await;
    assert!(matches!(unknown, Err(crate::ReadError::Gone)));
}

pub async fn a_producer_repeats_without_effect(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.publish("a", events(2)).await;
    given.take(numbered(0, 0, 3)).await;
    assert_eq!(original(&given.refused(numbered(0, 0, 3)).await), at(2, 3));
    given.take(numbered(0, 1, 1)).await;
    assert_eq!(original(&given.refused(numbered(0, 1, 1)).await), at(5, 1));
    // Of an older request it is known that it was stored, not where.
    assert_eq!(original(&given.refused(numbered(0, 0, 3)).await), None);
    assert_eq!(given.state("a").await.tail, Index(6));
}

pub async fn a_newer_producer_epoch_fences_the_older(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.take(numbered(1, 0, 1)).await;
    given.take(numbered(1, 1, 1)).await;
    let refused = given.refused(numbered(2, 2, 1)).await;
    assert!(
        matches!(refused, CommitError::ProducerStart { received: 2 }),
        "{refused}"
    );
    given.take(numbered(2, 0, 1)).await;
    for seq in [0, 1, 2] {
        let refused = given.refused(numbered(1, seq, 1)).await;
        assert!(
            matches!(refused, CommitError::ProducerFenced { current: 2 }),
            "{refused}"
        );
    }
    assert_eq!(original(&given.refused(numbered(2, 0, 1)).await), at(2, 1));
}

pub async fn a_producer_claim_can_cover_a_range(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let lines = |first, last| {
        let count = usize::try_from(last - first + 1).unwrap();
        by_producer(publish("a", events(count)), "p1", 0, first, last)
    };
    given.take(lines(0, 3)).await;
    given.take(lines(4, 9)).await;
    assert_eq!(original(&given.refused(lines(4, 9)).await), at(4, 6));
    assert_eq!(original(&given.refused(lines(5, 9)).await), None);
    assert_eq!(original(&given.refused(lines(0, 3)).await), None);
    let across = given.refused(lines(8, 12)).await;
    assert!(
        matches!(
            across,
            CommitError::ProducerGap {
                expected: 10,
                received: 8
            }
        ),
        "{across}"
    );
    given.take(lines(10, 12)).await;
    assert_eq!(given.state("a").await.tail, Index(13));
}

pub async fn producers_are_bounded_and_the_one_unused_longest_gives_way(subject: &dyn Subject) {
    let limits = Limits {
        producers_per_task: 2,
        ..Limits::default()
    };
    let given = Given::open_with(subject, limits).await;
    given.task("a").await;
    let by = |producer, seq| by_producer(publish("a", events(1)), producer, 0, seq, seq);
    given.take(by("p1", 0)).await;
    given.take(by("p2", 0)).await;
    given.take(by("p1", 1)).await;
    given.take(by("p3", 0)).await;
    assert_eq!(position(&given, "p2").await, None);
    assert_eq!(position(&given, "p1").await.unwrap().seq, 1);
    assert_eq!(position(&given, "p3").await.unwrap().seq, 0);
    // The bound is that of one task.
    given.task("other").await;
    let elsewhere = by_producer(publish("other", events(1)), "p2", 0, 0, 0);
    given.take(elsewhere).await;
    assert_eq!(position(&given, "p1").await.unwrap().seq, 1);
}

pub async fn a_key_names_one_request(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    given.task("other").await;
    given.take(by_key(publish("a", events(2)), "k", 1)).await;
    given.publish("a", events(1)).await;
    assert_eq!(
        original(&given.refused(by_key(publish("a", events(2)), "k", 1)).await),
        at(0, 2)
    );
    let reused = given.refused(by_key(publish("a", events(2)), "k", 2)).await;
    assert!(matches!(reused, CommitError::KeyReused), "{reused}");
    given.take(by_key(publish("a", events(1)), "K", 2)).await;
    given
        .take(by_key(publish("other", events(1)), "k", 3))
        .await;
    assert_eq!(given.state("a").await.tail, Index(4));
}

pub async fn a_key_is_forgotten_in_time(subject: &dyn Subject) {
    let limits = Limits {
        idempotency_key_age: Duration::from_secs(10),
        ..Limits::default()
    };
    let given = Given::open_with(subject, limits).await;
    given.task("a").await;
    let commit = || by_key(publish("a", events(1)), "k", 1);
    given.take(commit()).await;
    given.clock.advance(9_999);
    assert_eq!(original(&given.refused(commit()).await), at(0, 1));
    given.clock.advance(1);
    given.take(commit()).await;
    assert_eq!(original(&given.refused(commit()).await), at(1, 1));
    given.clock.advance(10_000);
    given.take(by_key(publish("a", events(1)), "k", 2)).await;
}

pub async fn keys_are_bounded_and_the_oldest_gives_way(subject: &dyn Subject) {
    let limits = Limits {
        idempotency_keys_per_task: 2,
        ..Limits::default()
    };
    let given = Given::open_with(subject, limits).await;
    given.task("a").await;
    let commit = |key| by_key(publish("a", events(1)), key, 1);
    for key in ["k1", "k2", "k3"] {
        given.take(commit(key)).await;
        given.clock.advance(1);
    }
    assert_eq!(original(&given.refused(commit("k3")).await), at(2, 1));
    assert_eq!(original(&given.refused(commit("k2")).await), at(1, 1));
    given.take(commit("k1")).await;
}
