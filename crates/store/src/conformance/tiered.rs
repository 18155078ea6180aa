//! Rules of two tiers as one store.

use super::TierSubject;
use super::given::{
    Given, NOON, by_key, by_producer, claim, delta, event, latest, publish, task_id,
};
use super::snapshot::list_all;
use super::stepped::{at_once, everything, numbers, settle};
pub use super::tiered_model::random_operations_and_moves_do_what_one_store_does;
use crate::tier::{
    Archiver, HotStore, LongTermStore, Place, ReleaseError, ReleaseOptions, Released, StorageState,
    TierOptions, TieredStore,
};
use crate::{
    Clock, CommitError, Create, CreateError, LogReader, ManualClock, ReadError, StoreError,
    TaskFilter, TaskIndex, TaskLog, TaskState,
};
use std::sync::Arc;
use taskcast_core::{Epoch, Index, Limits, Slot, Status, Transition};

/// Two tiers, and the words of the common rules for them.
struct Tiers {
    hot: Arc<dyn HotStore>,
    archive: Arc<dyn LongTermStore>,
    store: Arc<TieredStore>,
    archiver: Archiver,
    given: Given,
}

impl Tiers {
    async fn open(subject: &dyn TierSubject, release: Option<ReleaseOptions>) -> Self {
        Self::open_with(subject, at_once(Limits::default(), release)).await
    }

    async fn open_with(subject: &dyn TierSubject, options: TierOptions) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let limits = Limits::default();
        let (hot, archive) = subject.open(clock.clone(), limits.clone()).await;
        let (store, archiver) =
            TieredStore::driven(hot.clone(), archive.clone(), options, numbers());
        let given = Given::of(store.clone(), clock, limits);
        Self {
            hot,
            archive,
            store,
            archiver,
            given,
        }
    }

    async fn settle(&mut self) {
        settle(&mut self.archiver).await;
    }

    /// Archives and releases everything; the task is in the archive only then.
    async fn cold(&mut self, id: &str) -> TaskState {
        self.settle().await;
        assert_eq!(self.hot.load(&task_id(id)).await.unwrap(), None);
        self.given.state(id).await
    }

    async fn is_hot(&self, id: &str) -> bool {
        self.hot.load(&task_id(id)).await.unwrap().is_some()
    }
}

async fn sealed(given: &Given, id: &str) -> TaskState {
    given.task(id).await;
    given.step(id, Status::Running).await;
    let batch = publish(
        id,
        vec![delta("s", "one"), latest("l", "1"), latest("l", "2")],
    );
    given.take(by_producer(batch, "p1", 0, 0, 0)).await;
    given
        .take(by_key(publish(id, vec![event("b")]), "k", 1))
        .await;
    given.step(id, Status::Completed).await;
    given.state(id).await
}

pub async fn a_released_task_reads_as_before(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    let state = sealed(&tiers.given, "a").await;
    let slots = tiers.given.slots("a").await;
    let heads = tiers.store.heads(&task_id("a"), state.epoch).await.unwrap();
    let cold = tiers.cold("a").await;
    assert_eq!(cold, state);
    assert_eq!(tiers.given.slots("a").await, slots);
    let now = tiers.store.heads(&task_id("a"), state.epoch).await.unwrap();
    assert_eq!(now, heads);
    let listed = list_all(&*tiers.given.store, &TaskFilter::default(), 3).await;
    assert_eq!(listed, std::slice::from_ref(&state));
    let tails = tiers.store.tails(&[task_id("a"), task_id("b")]).await;
    let tail = tails.unwrap()[0].unwrap();
    assert_eq!((tail.tail, tail.sealed), (state.tail, true));
    assert!(!tiers.is_hot("a").await, "reading takes nothing back");
    let other = tiers.store.heads(&task_id("a"), Epoch(77)).await;
    assert!(matches!(other, Err(ReadError::Gone)), "{other:?}");
}

pub async fn a_released_task_takes_commits_as_before(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    tiers.given.task("a").await;
    tiers.given.publish("a", vec![delta("s", "one"); 3]).await;
    let cold = tiers.cold("a").await;
    let next = tiers.given.publish("a", vec![delta("s", "two")]).await;
    assert_eq!((next.epoch, next.events[0].index), (cold.epoch, Index(3)));
    assert_eq!(next.events[0].fold.unwrap().offset, 9);
    assert!(tiers.is_hot("a").await);
    let slots: Vec<Index> = tiers
        .given
        .slots("a")
        .await
        .iter()
        .map(Slot::index)
        .collect();
    assert_eq!(slots, [0, 1, 2, 3].map(Index));
    tiers.cold("a").await;
    tiers.given.step("a", Status::Running).await;
    let other = crate::Commit {
        epoch: Some(Epoch(77)),
        ..publish("a", vec![event("b")])
    };
    tiers.cold("a").await;
    let refused = tiers.given.refused(other).await;
    assert!(matches!(refused, CommitError::NotFound(_)), "{refused}");
    assert!(!tiers.is_hot("a").await);
    let nobody = tiers
        .given
        .refused(publish("nobody", vec![event("b")]))
        .await;
    assert!(matches!(nobody, CommitError::NotFound(_)), "{nobody}");
}

pub async fn a_released_task_that_ended_knows_its_requests(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    sealed(&tiers.given, "a").await;
    let asked = || {
        let commit = || publish("a", vec![event("b")]);
        [
            commit(),
            by_producer(commit(), "p1", 0, 0, 0),
            by_producer(commit(), "p1", 0, 4, 4),
            by_key(commit(), "k", 1),
            by_key(commit(), "k", 2),
            by_key(commit(), "other", 2),
        ]
    };
    let mut before = Vec::new();
    for commit in asked() {
        before.push(format!("{:?}", tiers.given.refused(commit).await));
    }
    let producer = taskcast_core::ProducerId::new("p1").unwrap();
    let position = tiers
        .store
        .producer(&task_id("a"), &producer)
        .await
        .unwrap();
    tiers.cold("a").await;
    for (commit, before) in asked().into_iter().zip(before) {
        assert_eq!(format!("{:?}", tiers.given.refused(commit).await), before);
    }
    let now = tiers.store.producer(&task_id("a"), &producer).await;
    assert_eq!(now.unwrap(), position);
    assert!(!tiers.is_hot("a").await, "nothing had to come back");
}

pub async fn the_id_of_a_released_task_is_taken(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    let create = |body| Create {
        key: Some(claim("create", body)),
        ..tiers.given.new_task("a")
    };
    tiers.store.create(create(1)).await.unwrap();
    let (repeated, reused) = (create(1), create(2));
    tiers.given.publish("a", vec![event("b")]).await;
    let cold = tiers.cold("a").await;
    let refused = tiers.store.create(tiers.given.new_task("a")).await;
    assert!(matches!(refused, Err(CreateError::Exists(state)) if *state == cold));
    let refused = tiers.store.create(repeated).await;
    assert!(matches!(refused, Err(CreateError::Duplicate(state)) if *state == cold));
    let refused = tiers.store.create(reused).await;
    assert!(
        matches!(refused, Err(CreateError::KeyReused)),
        "{refused:?}"
    );
}

pub async fn a_released_task_is_replaced_in_one_commit(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    let old = sealed(&tiers.given, "a").await;
    tiers.cold("a").await;
    let replacing = Create {
        replace: true,
        ..tiers.given.new_task("a")
    };
    let new = tiers.store.create(replacing).await.unwrap();
    assert_eq!(tiers.given.state("a").await, new);
    for _ in 0..3 {
        let gone = tiers.store.heads(&task_id("a"), old.epoch).await;
        assert!(matches!(gone, Err(ReadError::Gone)), "{gone:?}");
        assert_eq!(tiers.given.state("a").await.epoch, new.epoch);
        tiers.settle().await;
    }
    let kept = tiers.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert_eq!(kept.state.epoch, new.epoch);
}

pub async fn a_deleted_log_is_never_shown_again(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    for was_cold in [false, true] {
        let first = sealed(&tiers.given, "a").await;
        if was_cold {
            tiers.cold("a").await;
        } else {
            tiers.archiver.step().await.unwrap();
        }
        tiers.given.delete(&first).await;
        assert_eq!(tiers.store.load(&task_id("a")).await.unwrap(), None);
        let listed = list_all(&*tiers.given.store, &TaskFilter::default(), 3).await;
        assert!(listed.is_empty(), "{listed:?}");
        let again = tiers.store.delete(&task_id("a"), first.epoch).await;
        assert!(!again.unwrap());
        let second = tiers.given.task("a").await;
        assert_eq!(tiers.given.slots("a").await, []);
        tiers.settle().await;
        assert_eq!(tiers.given.state("a").await, second);
        tiers.given.delete(&second).await;
        tiers.settle().await;
        assert_eq!(tiers.store.load(&task_id("a")).await.unwrap(), None);
        let kept = tiers.archive.find(&task_id("a")).await.unwrap();
        assert_eq!(kept, None);
    }
}

pub async fn an_explicit_release_checks_what_it_was_told(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, None).await;
    let id = task_id("a");
    let now = tiers.given.clock.now();
    let nobody = tiers.store.release(&id, None, now).await;
    assert!(matches!(nobody, Err(ReleaseError::NotFound)), "{nobody:?}");
    tiers.given.task("a").await;
    let empty = tiers.store.release(&id, None, now).await.unwrap();
    assert_eq!((empty.state, empty.released), (StorageState::Hot, false));
    tiers.given.publish("a", vec![event("b"); 2]).await;
    tiers.settle().await;
    let refusals = [
        (Some(Index(0)), now),
        (None, now),
        (Some(Index(1)), NOON.min(taskcast_core::Millis(NOON.0 - 1))),
    ];
    for (last, since) in refusals {
        let refused = tiers.store.release(&id, last, since).await;
        assert!(
            matches!(refused, Err(ReleaseError::Precondition)),
            "{refused:?}"
        );
    }
    let released = tiers.store.release(&id, Some(Index(1)), now).await;
    let cold = Released {
        state: StorageState::Cold,
        watermark: Index(2),
        released: true,
    };
    assert_eq!(released.unwrap(), cold);
    assert!(!tiers.is_hot("a").await);
    let again = tiers.store.release(&id, Some(Index(1)), now).await.unwrap();
    assert_eq!((again.state, again.released), (StorageState::Cold, false));
    tiers.given.publish("a", vec![event("b")]).await;
    assert_eq!(tiers.given.slots("a").await.len(), 3);
}

pub async fn a_task_with_a_deadline_keeps_its_record(subject: &dyn TierSubject) {
    let mut tiers = Tiers::open(subject, Some(everything())).await;
    tiers.given.task("a").await;
    let ttl = Transition {
        ttl: Some(9),
        ..Transition::to(Status::Running)
    };
    tiers.given.transit("a", &ttl).await;
    tiers.settle().await;
    let Place::Here { state, base, .. } =
        tiers.hot.places(&[task_id("a")]).await.unwrap().remove(0)
    else {
        panic!("a deadline has to be found in the short-term store");
    };
    assert_eq!(base, state.tail);
    let now = tiers.given.clock.now().plus_millis(60_000);
    let due = tiers.store.due(now, 10).await.unwrap().due;
    assert_eq!(due.len(), 1);
    assert_eq!(tiers.given.slots("a").await.len(), 1);
    tiers.given.step("a", Status::Completed).await;
    tiers.cold("a").await;
}

pub async fn readers_bound_what_is_released(subject: &dyn TierSubject) {
    let options = TierOptions {
        readers: vec!["webhooks".to_owned()],
        ..at_once(Limits::default(), Some(everything()))
    };
    let mut tiers = Tiers::open_with(subject, options).await;
    let state = sealed(&tiers.given, "a").await;
    let partition = crate::Partition::of(&task_id("a"), tiers.hot.info().partitions);
    tiers.settle().await;
    assert!(tiers.is_hot("a").await, "the reader has not begun");
    let before = taskcast_core::CommitNumber(state.commit.0 - 1);
    tiers
        .hot
        .advance("webhooks", partition, before)
        .await
        .unwrap();
    tiers.given.clock.advance(5_000);
    tiers.settle().await;
    assert!(
        tiers.is_hot("a").await,
        "the reader has not passed the last commit"
    );
    tiers
        .hot
        .advance("webhooks", partition, state.commit)
        .await
        .unwrap();
    tiers.given.clock.advance(5_000);
    tiers.cold("a").await;
}

pub async fn a_full_backlog_refuses_events_and_nothing_else(subject: &dyn TierSubject) {
    let options = TierOptions {
        max_backlog_bytes: Some(200),
        ..at_once(Limits::default(), None)
    };
    let mut tiers = Tiers::open_with(subject, options).await;
    tiers.given.task("a").await;
    tiers.settle().await;
    assert_eq!(tiers.store.backlog().bytes, 0);
    tiers.given.publish("a", vec![event("b"); 5]).await;
    // A step looks at the backlog before it archives.
    tiers.archiver.step().await.unwrap();
    let backlog = tiers.store.backlog();
    assert!(
        backlog.full && backlog.bytes > 200 && backlog.max_bytes == 200,
        "{backlog:?}"
    );
    let refused = tiers.given.refused(publish("a", vec![event("b")])).await;
    let full = |error: &CommitError| matches!(error, CommitError::Store(StoreError::Full { .. }));
    assert!(full(&refused), "{refused}");
    let import = Create {
        events: vec![event("b")],
        ..tiers.given.new_task("b")
    };
    let refused = tiers.store.create(import).await;
    assert!(matches!(
        refused,
        Err(CreateError::Store(StoreError::Full { .. }))
    ));
    tiers.given.task("c").await;
    assert_eq!(tiers.given.slots("a").await.len(), 5);
    tiers.settle().await;
    tiers.settle().await;
    assert!(!tiers.store.backlog().full);
    assert_eq!(tiers.store.backlog().bytes, 0);
    tiers.given.publish("a", vec![event("b")]).await;
}
