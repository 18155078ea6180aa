//! Rules of filtered positions: counts and seeks against the plainest model.

use super::Subject;
use super::given::{Given, NOON, at_level, delta, event, imported, latest, task_id};
use super::rng::{Rng, announce, seeds};
use super::snapshot::filters;
use crate::{Create, Seek};
use taskcast_core::{Epoch, EventFilter, EventType, Index, Level, Millis, Status, TypePattern};

/// A log of about 80 slots of many types and levels, and the types and levels themselves.
async fn varied(given: &Given, rng: &mut Rng) -> Vec<(EventType, Level)> {
    given.task("a").await;
    given.step("a", Status::Running).await;
    for _ in 0..30 {
        let mut batch = Vec::new();
        for _ in 0..1 + rng.below(4) {
            let event_type = rng.pick(&["a.x", "a.y", "b", "c"]);
            batch.push(match rng.below(4) {
                0 => delta("s", "x"),
                1 => latest("l", "1"),
                _ => at_level(event_type, rng.pick(&Level::ALL)),
            });
        }
        given.publish("a", batch).await;
    }
    given.step("a", Status::Completed).await;
    let kinds = given.slots("a").await;
    let kinds = kinds.iter().map(|slot| slot.kind());
    kinds
        .map(|(event_type, level)| (event_type.clone(), level))
        .collect()
}

fn random_filter(rng: &mut Rng) -> EventFilter {
    let patterns = [
        "a.*",
        "a.x",
        "b",
        "llm.*",
        "taskcast:*",
        "taskcast:status",
        "*",
        "z",
    ];
    let types = (0..rng.below(3))
        .map(|_| TypePattern::parse(rng.pick(&patterns)))
        .collect();
    let levels = (0..rng.below(3)).map(|_| rng.pick(&Level::ALL)).collect();
    EventFilter {
        types: Some(types).filter(|_| rng.chance(2)),
        levels: Some(levels).filter(|_| rng.chance(2)),
        include_status: rng.chance(2),
    }
}

/// Every position at or above the trim point, by every way to ask for it.
async fn check_positions(
    given: &Given,
    kinds: &[(EventType, Level)],
    filter: &EventFilter,
    trim: u64,
) {
    let (id, epoch) = (task_id("a"), given.state("a").await.epoch);
    let matched: Vec<bool> = kinds.iter().map(|(t, l)| filter.matches(t, *l)).collect();
    let below = |upto: u64| matched.iter().take(upto as usize).filter(|m| **m).count() as u64;
    for upto in (trim..=kinds.len() as u64)
        .step_by(3)
        .chain([kinds.len() as u64, 1 << 40])
    {
        let counted = given
            .store
            .count(&id, epoch, filter, Index(upto))
            .await
            .unwrap();
        assert_eq!(counted, below(upto), "{filter:?} below {upto}");
    }
    let total = below(u64::MAX >> 16);
    for count in (0..=total).step_by(4).chain([total, total + 1, total + 50]) {
        // The first position with as many matches before it.
        let expected = (0..=kinds.len() as u64).find(|index| below(*index) == count);
        let found = past(given, epoch, filter, count).await;
        match expected {
            Some(expected) if expected < trim => check_trimmed(found, count, trim, below(trim)),
            expected => assert_eq!(found, expected.map(Index), "{filter:?} past {count}"),
        }
    }
}

/// A position below the trim point is not known exactly. It may stand at the trim point only when
/// no match is missing there.
fn check_trimmed(found: Option<Index>, count: u64, trim: u64, gone: u64) {
    let found = found.unwrap();
    assert!(
        found < Index(trim) || (found == Index(trim) && count == gone),
        "{found} for {count}"
    );
}

async fn past(given: &Given, epoch: Epoch, filter: &EventFilter, count: u64) -> Option<Index> {
    let filter = filter.clone();
    let seek = Seek::Past { filter, count };
    given.store.seek(&task_id("a"), epoch, seek).await.unwrap()
}

pub async fn counts_and_positions_equal_a_model(subject: &dyn Subject) {
    for seed in seeds(2) {
        announce(seed);
        let mut rng = Rng::from_seed(seed);
        let given = Given::open(subject).await;
        let kinds = varied(&given, &mut rng).await;
        for filter in filters() {
            check_positions(&given, &kinds, &filter, 0).await;
        }
        for _ in 0..20 {
            check_positions(&given, &kinds, &random_filter(&mut rng), 0).await;
        }
    }
}

pub async fn counts_survive_trim_clean_and_supersede(subject: &dyn Subject) {
    let mut rng = Rng::from_seed(11);
    let given = Given::open(subject).await;
    let kinds = varied(&given, &mut rng).await;
    let (id, epoch) = (task_id("a"), given.state("a").await.epoch);
    let mut trim = 0;
    for step in 0..6 {
        let cleaned: Vec<Index> = (0..9).map(|_| Index(rng.below(90))).collect();
        given.store.clean(&id, epoch, &cleaned).await.unwrap();
        if step % 2 == 1 {
            trim += rng.below(15);
            given.store.trim(&id, epoch, Index(trim)).await.unwrap();
        }
        for filter in filters() {
            check_positions(&given, &kinds, &filter, trim).await;
        }
    }
    given.store.trim(&id, epoch, Index(1_000)).await.unwrap();
    for filter in filters() {
        check_positions(&given, &kinds, &filter, kinds.len() as u64).await;
    }
}

pub async fn a_time_is_found_by_its_first_later_slot(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    for (advance, count) in [(0, 2), (10, 1), (10, 3)] {
        given.clock.advance(advance);
        given.publish("a", vec![event("b"); count]).await;
    }
    let check = async |after: u64, expected: u64| {
        let seek = Seek::After(Millis(after));
        let found = given
            .store
            .seek(&task_id("a"), state.epoch, seek)
            .await
            .unwrap();
        assert_eq!(found, Some(Index(expected)), "after {after}");
    };
    let noon = NOON.0;
    for (after, expected) in [
        (0, 0),
        (noon - 1, 0),
        (noon, 2),
        (noon + 9, 2),
        (noon + 10, 3),
        (noon + 19, 3),
        (noon + 20, 6),
        (noon + 1_000_000, 6),
    ] {
        check(after, expected).await;
    }
    given.trim(&state, 3).await;
    given.clean(&state, &[3]).await;
    check(noon + 10, 3).await;
    check(noon + 20, 6).await;
}

pub async fn an_imported_id_is_found(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let create = Create {
        events: vec![
            imported(latest("l", "1"), "one", NOON),
            event("b"),
            imported(latest("l", "2"), "two", NOON),
        ],
        ..given.new_task("a")
    };
    let state = given.store.create(create).await.unwrap();
    given.task("other").await;
    let find = async |id: &str| {
        let seek = Seek::Foreign(id.into());
        given
            .store
            .seek(&task_id("a"), state.epoch, seek)
            .await
            .unwrap()
    };
    assert_eq!(
        find("one").await,
        Some(Index(0)),
        "a tombstone keeps its id"
    );
    assert_eq!(find("two").await, Some(Index(2)));
    given.clean(&state, &[2]).await;
    assert_eq!(find("two").await, Some(Index(2)));
    assert_eq!((find("three").await, find("").await), (None, None));
}
