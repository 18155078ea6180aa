//! Rules of removal: delete, trim, clean.

use super::given::{Given, by_key, by_producer, delta, event, latest, publish, series_id, task_id};
use super::{Subject, snapshot};
use crate::{ReadAsk, Which};
use taskcast_core::{Epoch, Index, Revision, Slot, TaskRecord, Tombstone, TombstoneReason};

pub async fn a_deleted_task_is_gone_from_everywhere(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("stays").await;
    given.publish("stays", vec![event("b")]).await;
    let before = snapshot(&*given.store).await;
    let record = TaskRecord {
        ttl: Some(5),
        timeout_at: Some(super::given::NOON.plus_seconds(5)),
        ..super::given::record("a", super::given::NOON)
    };
    let state = given.store.create(given.create_of(record)).await.unwrap();
    let events = vec![
        event("b"),
        delta("s", "x"),
        latest("l", "1"),
        latest("l", "2"),
    ];
    given
        .take(by_producer(publish("a", events), "p1", 0, 0, 0))
        .await;
    assert_ne!(snapshot(&*given.store).await, before);
    assert!(
        given
            .store
            .delete(&task_id("a"), state.epoch)
            .await
            .unwrap()
    );
    assert_eq!(snapshot(&*given.store).await, before);
    assert!(
        !given
            .store
            .delete(&task_id("a"), state.epoch)
            .await
            .unwrap()
    );
    assert_eq!(given.store.load(&task_id("a")).await.unwrap(), None);
    assert_eq!(given.store.tails(&[task_id("a")]).await.unwrap(), [None]);
}

pub async fn only_the_log_that_is_meant_is_deleted(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let before = snapshot(&*given.store).await;
    let other = Epoch(state.epoch.0.wrapping_add(77));
    assert!(!given.store.delete(&task_id("a"), other).await.unwrap());
    assert!(
        !given
            .store
            .delete(&task_id("none"), state.epoch)
            .await
            .unwrap()
    );
    assert_eq!(snapshot(&*given.store).await, before);
}

pub async fn a_recreated_task_begins_anew(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let old = given.task("a").await;
    let events = || vec![delta("s", "x"), latest("l", "1")];
    given
        .take(by_producer(publish("a", events()), "p1", 3, 0, 0))
        .await;
    given.take(by_key(publish("a", vec![]), "k", 1)).await;
    given.delete(&old).await;
    let new = given.task("a").await;
    assert_eq!((new.revision, new.tail), (Revision(1), Index::START));
    assert!(
        new.commit > old.commit,
        "commit numbers are never used again"
    );
    // Series, producers and keys of the old log mean nothing to the new one.
    given
        .publish("a", vec![latest("s", "1"), delta("l", "x")])
        .await;
    given
        .take(by_producer(publish("a", vec![event("b")]), "p1", 0, 0, 0))
        .await;
    given
        .take(by_key(publish("a", vec![event("b")]), "k", 2))
        .await;
    assert_eq!(given.slots("a").await.len(), 4);
}

pub async fn trimming_moves_no_index_and_no_count(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let (id, epoch) = (task_id("a"), state.epoch);
    for _ in 0..4 {
        given
            .publish("a", vec![event("b"), delta("s", "x"), latest("l", "1")])
            .await;
    }
    let (all, before) = (given.slots("a").await, given.state("a").await);
    for (to, trim) in [(0, 0), (4, 4), (2, 4), (7, 7), (100, 12)] {
        given.store.trim(&id, epoch, Index(to)).await.unwrap();
        let after = given.state("a").await;
        assert_eq!(after.trim, Index(trim));
        let unmoved = crate::TaskState {
            trim: Index(trim),
            ..before.clone()
        };
        assert_eq!(after, unmoved);
        assert_eq!(given.slots("a").await, all[trim as usize..]);
        let appended = super::snapshot(&*given.store).await.appended;
        let left: Vec<Slot> = appended.into_iter().map(|one| one.slot).collect();
        assert_eq!(left, all[trim as usize..]);
    }
    let ask = ReadAsk {
        from: Index(3),
        to: Index::LIMIT,
        which: Which::All,
        max_slots: 5,
        max_bytes: 1_000,
    };
    let page = given.store.read(&id, epoch, ask).await.unwrap();
    assert_eq!(
        (page.trim, page.tail, page.next),
        (Index(12), Index(12), Index(12))
    );
    let next = given
        .publish("a", vec![delta("s", "y"), latest("l", "2")])
        .await;
    assert_eq!(next.events[0].index, Index(12));
    assert_eq!(next.events[0].fold.unwrap().offset, 4, "the fold goes on");
}

pub async fn cleaning_leaves_tombstones(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let events = vec![
        latest("l", "1"),
        event("b"),
        delta("s", "x"),
        event("c"),
        latest("l", "2"),
    ];
    let committed = given.publish("a", events).await;
    let before = given.slots("a").await;
    given.trim(&state, 0).await;
    given.clean(&state, &[3, 2, 0, 3, 4, 99]).await;
    let tombstone = |n: usize| committed.events[n].tombstone(TombstoneReason::Cleaned);
    let expected = [
        before[0].clone(),
        before[1].clone(),
        Slot::Tombstone(tombstone(2)),
        Slot::Tombstone(tombstone(3)),
        Slot::Tombstone(tombstone(4)),
    ];
    assert!(matches!(
        &before[0],
        Slot::Tombstone(Tombstone {
            reason: TombstoneReason::Superseded,
            ..
        })
    ));
    assert_eq!(given.slots("a").await, expected);
    let unfolded = &super::snapshot(&*given.store).await.tasks[0].unfolded;
    let indexes: Vec<u64> = unfolded.iter().map(|slot| slot.index().0).collect();
    assert_eq!(
        indexes,
        [0, 1, 3, 4],
        "a delta that was cleaned is still passed over"
    );
    // What a rule has cleaned is not superseded any more.
    given.publish("a", vec![latest("l", "3")]).await;
    assert_eq!(given.slots("a").await[..5], expected);
}

pub async fn heads_outlive_what_is_removed(subject: &dyn Subject) {
    let mut given = Given::open(subject).await;
    let state = given.task("a").await;
    let (id, epoch) = (task_id("a"), state.epoch);
    given
        .publish("a", vec![delta("s", "He"), delta("t", "x"), event("b")])
        .await;
    given
        .publish("a", vec![delta("s", "llo"), event("b"), event("b")])
        .await;
    let heads = given.store.heads(&id, epoch).await.unwrap();
    given
        .store
        .clean(&id, epoch, &[Index(3), Index(1)])
        .await
        .unwrap();
    assert_eq!(given.store.heads(&id, epoch).await.unwrap(), heads);
    given.store.trim(&id, epoch, Index(5)).await.unwrap();
    assert_eq!(given.store.heads(&id, epoch).await.unwrap(), heads);
    given.reopen(subject).await;
    assert_eq!(given.store.heads(&id, epoch).await.unwrap(), heads);
    let text = given
        .store
        .text(&id, epoch, &series_id("s"), Index(0), 0..5)
        .await
        .unwrap();
    assert_eq!(text, "Hello");
    let next = given.publish("a", vec![delta("s", "!")]).await;
    assert_eq!(next.events[0].fold.unwrap().offset, 5);
}
