//! Rules of pages.

use super::Subject;
use super::given::{
    Given, check_page, delta, event, latest, read_all, read_range, series_id, task_id, with_data,
};
use super::rng::Rng;
use crate::{ReadAsk, ReadError, Seek, Which};
use taskcast_core::{Epoch, EventFilter, Index, Slot};

/// A log of 60 slots: deltas, superseded events, events large and small.
async fn mixed(subject: &dyn Subject) -> Given {
    let given = Given::open(subject).await;
    given.task("a").await;
    for n in 0..20 {
        let large = format!(r#""{}""#, "x".repeat(n * 40));
        let batch = vec![delta("s", "text"), latest("l", "1"), with_data("b", &large)];
        given.publish("a", batch).await;
    }
    given
}

pub async fn pages_hold_what_was_asked_in_any_size(subject: &dyn Subject) {
    let given = mixed(subject).await;
    let (all, state) = (given.slots("a").await, given.state("a").await);
    assert_eq!(all.len(), 60);
    let mut rng = Rng::from_seed(1);
    for _ in 0..60 {
        let (from, to) = (rng.below(70), rng.below(70));
        let ask = ReadAsk {
            from: Index(from),
            to: Index(to),
            which: Which::All,
            max_slots: 1 + rng.below(20) as usize,
            max_bytes: rng.below(3_000) as usize,
        };
        let wanted = |slot: &&Slot| (from..to).contains(&slot.index().0);
        let expected: Vec<Slot> = all.iter().filter(wanted).cloned().collect();
        assert_eq!(
            read_range(&*given.store, &state, ask).await,
            expected,
            "{ask:?}"
        );
    }
}

pub async fn unfolded_pages_pass_over_deltas_and_nothing_else(subject: &dyn Subject) {
    let given = mixed(subject).await;
    let (all, state) = (given.slots("a").await, given.state("a").await);
    let is_delta = |slot: &&Slot| slot.event().is_some_and(|event| event.fold.is_some());
    let expected: Vec<Slot> = all.iter().filter(|slot| !is_delta(slot)).cloned().collect();
    assert_eq!(expected.len(), 40);
    for (max_slots, max_bytes) in [(1, 0), (7, 1_000), (1_000, 1 << 20)] {
        let found = read_all(&*given.store, &state, Which::Unfolded, max_slots, max_bytes).await;
        assert_eq!(found, expected);
    }
    // A log of deltas alone is passed over in one page.
    given.task("deltas").await;
    given.publish("deltas", vec![delta("s", "x"); 100]).await;
    let state = given.state("deltas").await;
    let ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::Unfolded,
        max_slots: 1,
        max_bytes: 1,
    };
    let page = given
        .store
        .read(&state.record.id, state.epoch, ask)
        .await
        .unwrap();
    assert_eq!((page.slots.len(), page.next), (0, Index(100)));
}

pub async fn a_huge_slot_comes_alone(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let huge = format!(r#""{}""#, "x".repeat(200_000));
    given
        .publish("a", vec![event("b"), with_data("b", &huge), event("b")])
        .await;
    let ask = ReadAsk {
        from: Index(1),
        to: Index::LIMIT,
        which: Which::All,
        max_slots: 100,
        max_bytes: 1_000,
    };
    let page = given
        .store
        .read(&task_id("a"), state.epoch, ask)
        .await
        .unwrap();
    check_page(&page, &ask);
    assert_eq!((page.slots.len(), page.next), (1, Index(2)));
    assert_eq!(given.slots("a").await.len(), 3);
}

pub async fn a_read_past_the_tail_is_empty(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    given.publish("a", vec![event("b"); 3]).await;
    for (from, to, next) in [(3, 9, 3), (5, 9, 3), (2, 2, 2), (2, 1, 1), (3, 1 << 48, 3)] {
        let ask = ReadAsk {
            from: Index(from),
            to: Index(to),
            which: Which::All,
            max_slots: 10,
            max_bytes: 10,
        };
        let page = given
            .store
            .read(&task_id("a"), state.epoch, ask)
            .await
            .unwrap();
        assert!(page.slots.is_empty());
        assert_eq!((page.next, page.tail), (Index(next), Index(3)), "{ask:?}");
    }
}

pub async fn a_log_that_is_gone_is_said_to_be_gone(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let old = given.task("a").await;
    given.publish("a", vec![delta("s", "x")]).await;
    given.delete(&old).await;
    check_gone(&given, "a", old.epoch).await;
    let new = given.task("a").await;
    check_gone(&given, "a", old.epoch).await;
    check_gone(&given, "none", new.epoch).await;
    given.store.heads(&task_id("a"), new.epoch).await.unwrap();
}

async fn check_gone(given: &Given, id: &str, epoch: Epoch) {
    let (store, id) = (&given.store, task_id(id));
    let ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: 1,
        max_bytes: 1,
    };
    let (filter, series) = (EventFilter::default(), series_id("s"));
    let past = Seek::Past {
        filter: filter.clone(),
        count: 0,
    };
    let outcomes = [
        store.read(&id, epoch, ask).await.err(),
        store.heads(&id, epoch).await.err(),
        store
            .text(&id, epoch, &series, Index::START, 0..1)
            .await
            .err(),
        store.count(&id, epoch, &filter, Index(1)).await.err(),
        store.seek(&id, epoch, past).await.err(),
        store.trim(&id, epoch, Index(1)).await.err(),
        store.clean(&id, epoch, &[Index(0)]).await.err(),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Some(ReadError::Gone)), "{outcome:?}");
    }
}
