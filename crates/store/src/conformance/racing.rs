//! Rules of what happens at the same time, and of what is given up halfway.

use super::given::{Given, NOON, by_key, by_producer, change, delta, event, publish, with_data};
use super::once::{at, original};
use super::{Subject, snapshot};
use crate::{CommitError, CreateError};
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use taskcast_core::{Index, Slot, Status, Transition};
use tokio::task::JoinSet;

pub async fn of_concurrent_creates_exactly_one_wins(subject: &dyn Subject) {
    let given = Arc::new(Given::open(subject).await);
    let mut creates = JoinSet::new();
    for _ in 0..16 {
        let given = given.clone();
        creates.spawn(async move { given.store.create(given.new_task("a")).await });
    }
    let mut won = Vec::new();
    for outcome in creates.join_all().await {
        match outcome {
            Ok(state) => won.push(state),
            Err(CreateError::Exists(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, [given.state("a").await]);
}

pub async fn of_16_changes_of_one_revision_exactly_one_wins(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    for round in 0..20 {
        let id = format!("task-{round}");
        given.task(&id).await;
        given.step(&id, Status::Running).await;
        let before = given.state(&id).await;
        let mut racing = JoinSet::new();
        for n in 0..16 {
            let to = [Status::Completed, Status::Failed, Status::Cancelled][n % 3];
            let commit = change(&before, &Transition::to(to), NOON);
            let store = given.store.clone();
            racing.spawn(async move { (to, store.commit(commit).await) });
        }
        let mut winners = Vec::new();
        for (to, outcome) in racing.join_all().await {
            match outcome {
                Ok(committed) => winners.push((to, committed.revision)),
                Err(CommitError::Sealed(_) | CommitError::Conflict(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let after = given.state(&id).await;
        assert_eq!(winners, [(after.record.status, before.revision.next())]);
        assert_eq!(after.revision, before.revision.next());
        assert_eq!(given.slots(&id).await.len(), 2);
    }
}

pub async fn concurrent_publishers_leave_a_dense_log_with_each_event_once(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let mut publishers = JoinSet::new();
    for publisher in 0..8 {
        let store = given.store.clone();
        publishers.spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..25 {
                let events =
                    [0, 1].map(|part| with_data("b", &format!(r#""{publisher}-{n}-{part}""#)));
                let committed = store.commit(publish("a", events.to_vec())).await.unwrap();
                acknowledged.extend(committed.events);
            }
            acknowledged
        });
    }
    let acknowledged: Vec<_> = publishers.join_all().await.into_iter().flatten().collect();
    let slots = given.slots("a").await;
    assert_eq!(slots.len(), acknowledged.len());
    for (index, slot) in slots.iter().enumerate() {
        assert_eq!(slot.index(), Index(index as u64));
    }
    for event in &acknowledged {
        let at = usize::try_from(event.index.0).unwrap();
        assert_eq!(slots[at].event(), Some(event));
    }
    let distinct: HashSet<&str> = slots.iter().map(data).collect();
    assert_eq!(distinct.len(), slots.len());
    for pair in slots.chunks(2) {
        assert_eq!(pair[0].commit(), pair[1].commit(), "batches stay together");
    }
    assert!(
        slots.is_sorted_by_key(Slot::commit),
        "commits of a log are in its order"
    );
}

pub async fn of_concurrent_repeats_exactly_one_is_stored(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let batch = vec![delta("s", "x"), event("b")];
    let requests = [
        by_key(publish("a", batch.clone()), "k", 1),
        by_producer(publish("a", batch), "p1", 0, 0, 0),
    ];
    for (round, request) in requests.into_iter().enumerate() {
        let mut repeats = JoinSet::new();
        for _ in 0..12 {
            let (store, request) = (given.store.clone(), request.clone());
            repeats.spawn(async move { store.commit(request).await });
        }
        let outcomes = repeats.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(original(&error), at(round as u64 * 2, 2));
        }
    }
    assert_eq!(snapshot(&*given.store).await.tasks[0].slots.len(), 4);
}

pub async fn a_dropped_commit_is_whole_or_not_at_all(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    for n in 0..60 {
        let batch = [0, 1, 2].map(|_| with_data("b", &n.to_string()));
        let mut commit = pin!(given.store.commit(publish("a", batch.to_vec())));
        // Polled a few times, then dropped as when a client goes away.
        for _ in 0..n % 3 {
            let polled = std::future::poll_fn(|cx| Poll::Ready(commit.as_mut().poll(cx))).await;
            if polled.is_ready() {
                break;
            }
        }
    }
    given.publish("a", vec![event("end")]).await;
    let slots = given.slots("a").await;
    let (end, batches) = slots.split_last().unwrap();
    assert_eq!(end.index(), Index(batches.len() as u64));
    for batch in batches.chunks(3) {
        assert_eq!(batch.len(), 3);
        assert!(batch.iter().all(|slot| slot.commit() == batch[0].commit()));
        assert!(batch.iter().all(|slot| data(slot) == data(&batch[0])));
    }
    let distinct: HashSet<&str> = batches.iter().map(data).collect();
    assert_eq!(distinct.len(), batches.len() / 3, "none happened twice");
}

fn data(slot: &Slot) -> &str {
    slot.event()
        .and_then(|event| event.data.as_ref())
        .unwrap()
        .as_str()
}
