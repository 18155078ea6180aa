//! What is archived reads as it did before, byte for byte, whatever happens on the way.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use std::sync::Arc;
use support::{
    Given, create, delta, event, follow, gained, id, in_series, memory, publish, slots, text,
};
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, Index, SeriesMode, Slot, TombstoneReason, TypePattern,
};
use taskcast_store::tier::{Archived, LongTermStore};
use taskcast_store::{
    ListAsk, LogReader, Maintenance, Partition, ReadError, Seek, StoreError, TaskFilter, TaskLog,
};

#[tokio::test(flavor = "multi_thread")]
async fn payloads_come_back_byte_for_byte() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    let odd = [
        r#"{ "b":1,  "a":1.0e3, "a":"\u0000" }"#,
        r#""\ud83d""#,
        r#"[1E400,-0,"\/\u00e9é"]"#,
        "null",
    ];
    publish(&hot, "a", odd.map(|data| event("x", data)).to_vec()).await;
    publish(
        &hot,
        "a",
        vec![taskcast_core::NewEvent {
            data: None,
            ..event("x", "1")
        }],
    )
    .await;
    follow(&hot, &given.store, "a").await;
    let state = hot.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(slots(&given.store, &state).await, slots(&hot, &state).await);
    assert_eq!(
        given.store.find(&id("a")).await.unwrap().unwrap().state,
        state
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_does_not_fit_is_elsewhere_and_the_others_go_on() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    for name in ["a", "b"] {
        hot.create(create(name, 1, support::NOON)).await.unwrap();
        publish(&hot, name, vec![event("x", "1"); 4]).await;
    }
    let (a, b) = (
        hot.load(&id("a")).await.unwrap().unwrap(),
        hot.load(&id("b")).await.unwrap().unwrap(),
    );
    let mark = follow(&hot, &given.store, "a").await;
    let again = gained(&hot, &a, None, 10).await;
    let mut ahead = gained(&hot, &b, None, 10).await;
    ahead.from = Index(2);
    ahead.slots.drain(..2);
    let whole = gained(&hot, &b, None, 10).await;
    let archived = given
        .store
        .archive(vec![again, ahead, whole])
        .await
        .unwrap();
    assert_eq!(archived[0], Archived::Elsewhere(Some(mark)));
    assert!(
        matches!(archived[2], Archived::Done(mark) if mark.tail == Index(4)),
        "{archived:?}"
    );
    assert_eq!(slots(&given.store, &b).await, slots(&hot, &b).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_archivers_keep_each_slot_once() {
    let given = Given::open().await;
    let store = Arc::new(given.store);
    let hot = Arc::new(memory(given.clock.clone()));
    let names: Vec<String> = (0..12).map(|n| format!("t{n}")).collect();
    for name in &names {
        hot.create(create(name, 1, support::NOON)).await.unwrap();
    }
    for round in 0..6 {
        let mut entries = Vec::new();
        for name in &names {
            publish(
                &hot,
                name,
                vec![delta("s", "ab"), event("x", &round.to_string())],
            )
            .await;
            let state = hot.load(&id(name)).await.unwrap().unwrap();
            let marks = store.watermarks(&[(id(name), Epoch(1))]).await.unwrap();
            entries.push(gained(&hot, &state, marks[0], 100).await);
        }
        let mut archivers = tokio::task::JoinSet::new();
        for n in 0..6 {
            let (store, mut entries) = (store.clone(), entries.clone());
            entries.rotate_left(n * 2);
            archivers.spawn(async move { store.archive(entries).await.unwrap() });
        }
        let outcomes: Vec<_> = archivers.join_all().await.into_iter().flatten().collect();
        let done = outcomes
            .iter()
            .filter(|one| matches!(one, Archived::Done(_)))
            .count();
        assert_eq!(done, names.len());
    }
    for name in &names {
        let state = hot.load(&id(name)).await.unwrap().unwrap();
        assert_eq!(slots(&*store, &state).await, slots(&*hot, &state).await);
        assert_eq!(text(&*store, name, "s", 0).await, "ab".repeat(6));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_event_is_a_tombstone_until_it_is_rewound() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    let latest = |data: &str| in_series("l", SeriesMode::Latest, data);
    publish(&hot, "a", vec![latest("1"), latest("2")]).await;
    follow(&hot, &given.store, "a").await;
    publish(&hot, "a", vec![latest("3")]).await;
    follow(&hot, &given.store, "a").await;
    let state = hot.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(slots(&given.store, &state).await, slots(&hot, &state).await);

    given
        .store
        .rewind(&id("a"), Epoch(1), Index(2))
        .await
        .unwrap();
    let rewound = slots(&given.store, &state).await;
    // The first was superseded before it was archived, so its payload never came.
    assert!(
        matches!(&rewound[0], Slot::Tombstone(gone) if gone.reason == TombstoneReason::Superseded)
    );
    assert_eq!(
        rewound[1].event().unwrap().data.as_ref().unwrap().as_str(),
        "2"
    );
    let mark = given
        .store
        .watermarks(&[(id("a"), Epoch(1))])
        .await
        .unwrap()[0]
        .unwrap();
    assert_eq!((mark.tail, mark.commit), (Index(2), CommitNumber(2)));
    assert_eq!(mark.last, Some((support::NOON, CommitNumber(2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewound_log_takes_what_the_short_term_store_has_now() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    publish(&hot, "a", vec![delta("s", "one "), delta("s", "two ")]).await;
    publish(
        &hot,
        "a",
        vec![delta("s", "lost"), delta("s2", "lost"), event("x", "1")],
    )
    .await;
    follow(&hot, &given.store, "a").await;
    given
        .store
        .rewind(&id("a"), Epoch(1), Index(2))
        .await
        .unwrap();

    let cut = memory(given.clock.clone());
    cut.create(create("a", 1, support::NOON)).await.unwrap();
    publish(&cut, "a", vec![delta("s", "one "), delta("s", "two ")]).await;
    publish(&cut, "a", vec![delta("s", "three")]).await;
    follow(&cut, &given.store, "a").await;
    let state = cut.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(slots(&given.store, &state).await, slots(&cut, &state).await);
    let heads = given.store.heads(&id("a"), Epoch(1)).await.unwrap();
    assert_eq!(heads, cut.heads(&id("a"), Epoch(1)).await.unwrap());
    assert_eq!(text(&given.store, "a", "s", 0).await, "one two three");
    assert_eq!(
        given.store.find(&id("a")).await.unwrap().unwrap().state,
        state
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_log_moves_only_the_watermark() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    follow(&hot, &given.store, "a").await;
    publish(&hot, "a", vec![event("x", "1"); 3]).await;
    publish(&hot, "a", vec![event("x", "2"); 3]).await;
    let state = hot.load(&id("a")).await.unwrap().unwrap();
    let part = gained(&hot, &state, None, 4).await;
    let archived = given.store.archive(vec![part]).await.unwrap();
    let Archived::Done(mark) = archived[0] else {
        panic!("{archived:?}")
    };
    assert_eq!((mark.tail, mark.commit), (Index(4), CommitNumber(2)));
    assert!(
        !given
            .store
            .cool(&id("a"), Epoch(1), state.commit)
            .await
            .unwrap()
    );
    follow(&hot, &given.store, "a").await;
    assert!(
        given
            .store
            .cool(&id("a"), Epoch(1), state.commit)
            .await
            .unwrap()
    );
    assert_eq!(
        given.store.find(&id("a")).await.unwrap().unwrap().state,
        state
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_change_hands_by_compare_and_set() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    let state = hot.create(create("a", 1, support::NOON)).await.unwrap();
    follow(&hot, &given.store, "a").await;
    let store = &given.store;
    let found = store.find(&id("a")).await.unwrap().unwrap();
    assert!(found.hot);
    assert!(store.cool(&id("a"), Epoch(1), state.commit).await.unwrap());
    assert!(
        !store.revive(&found, Epoch(2)).await.unwrap(),
        "it was released since"
    );
    let cold = store.find(&id("a")).await.unwrap().unwrap();
    assert!(!cold.hot && cold.version > found.version);
    assert!(store.revive(&cold, Epoch(2)).await.unwrap());
    assert!(!store.revive(&cold, Epoch(3)).await.unwrap());
    let revived = store.find(&id("a")).await.unwrap().unwrap();
    assert_eq!((revived.state.epoch, revived.hot), (Epoch(2), false));
    assert_eq!(
        store.watermarks(&[(id("a"), Epoch(1))]).await.unwrap(),
        [None]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_log_never_meets_the_one_that_follows_it() {
    let given = Given::open().await;
    let (hot, store) = (memory(given.clock.clone()), &given.store);
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    publish(&hot, "a", vec![event("old", "1"); 30]).await;
    follow(&hot, store, "a").await;
    hot.delete(&id("a"), Epoch(1)).await.unwrap();
    // Its delete has not come through when the next log does.
    hot.create(create("a", 2, support::NOON)).await.unwrap();
    publish(&hot, "a", vec![event("new", "1")]).await;
    follow(&hot, store, "a").await;
    let state = hot.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(store.find(&id("a")).await.unwrap().unwrap().state, state);
    let ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 10,
    };
    assert_eq!(store.list(ask.clone()).await.unwrap().tasks.len(), 1);
    assert!(store.delete(&id("a"), Epoch(1)).await.unwrap());
    assert!(!store.delete(&id("a"), Epoch(1)).await.unwrap());
    let gone = store.heads(&id("a"), Epoch(1)).await;
    assert!(matches!(gone, Err(ReadError::Gone)));
    assert_eq!(slots(store, &state).await, slots(&hot, &state).await);
    assert_eq!(given.sql("SELECT count(*) FROM taskcast.events"), "1");
    // A note of deletion that was lost brings nothing back.
    hot.delete(&id("a"), Epoch(2)).await.unwrap();
    hot.create(create("a", 3, support::NOON)).await.unwrap();
    follow(&hot, store, "a").await;
    assert!(store.delete(&id("a"), Epoch(3)).await.unwrap());
    assert!(!store.delete(&id("a"), Epoch(2)).await.unwrap());
    assert_eq!(store.find(&id("a")).await.unwrap(), None);
    assert_eq!(store.list(ask).await.unwrap().tasks, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_positions_are_exact_in_a_long_log() {
    let given = Given::open().await;
    let (hot, store) = (memory(given.clock.clone()), &given.store);
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    let mut rows = Vec::new();
    for n in 0..13_000_u64 {
        rows.push(event(["a.x", "a.y", "b"][(n % 7 % 3) as usize], "1"));
        if rows.len() == 1_000 {
            given.clock.advance(1);
            publish(&hot, "a", std::mem::take(&mut rows)).await;
            follow(&hot, store, "a").await;
        }
    }
    let filter = EventFilter {
        types: Some(vec![TypePattern::parse("a.*")]),
        ..EventFilter::default()
    };
    for trim in [0, 1, 4_095, 4_096, 5_000] {
        hot.trim(&id("a"), Epoch(1), Index(trim)).await.unwrap();
        store.trim(&id("a"), Epoch(1), Index(trim)).await.unwrap();
        for upto in [
            0, 1, 4_096, 4_097, 8_191, 8_192, 12_288, 12_999, 13_000, 20_000,
        ] {
            let expected = hot
                .count(&id("a"), Epoch(1), &filter, Index(upto))
                .await
                .unwrap();
            let count = store
                .count(&id("a"), Epoch(1), &filter, Index(upto))
                .await
                .unwrap();
            assert_eq!(count, expected, "trim {trim}, upto {upto}");
            for count in [expected, expected.saturating_sub(1), expected + 1] {
                let seek = Seek::Past {
                    filter: filter.clone(),
                    count,
                };
                let expected = hot.seek(&id("a"), Epoch(1), seek.clone()).await.unwrap();
                let found = store.seek(&id("a"), Epoch(1), seek).await.unwrap();
                assert_eq!(found, expected, "trim {trim}, count {count}");
            }
        }
        for ms in [0, 1, 5, 12, 13, 99] {
            let seek = Seek::After(support::NOON.plus_millis(ms));
            let expected = hot.seek(&id("a"), Epoch(1), seek.clone()).await.unwrap();
            assert_eq!(
                store.seek(&id("a"), Epoch(1), seek).await.unwrap(),
                expected
            );
        }
    }
    assert_eq!(given.sql("SELECT count(*) FROM taskcast.events"), "8000");
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_events_come_in_whole_commits() {
    let given = Given::open().await;
    let (hot, store) = (memory(given.clock.clone()), &given.store);
    for name in ["a", "b"] {
        hot.create(create(name, 1, support::NOON)).await.unwrap();
    }
    for n in 0..10 {
        publish(&hot, ["a", "b"][n % 2], vec![event("x", "1"); n]).await;
    }
    for name in ["a", "b"] {
        follow(&hot, store, name).await;
    }
    use taskcast_store::TaskIndex;
    let newest = hot.load(&id("b")).await.unwrap().unwrap().commit;
    let whole = hot
        .appended(Partition(0), CommitNumber(0), 1_000)
        .await
        .unwrap();
    for limit in [1, 4, 1_000] {
        let (mut after, mut slots) = (CommitNumber(0), Vec::new());
        while after < newest {
            let page = store
                .appended(Partition(0), after, newest, limit)
                .await
                .unwrap();
            assert!(page.upto > after);
            assert_eq!(page.newest, newest);
            slots.extend(page.slots);
            after = page.upto;
        }
        assert_eq!(slots, whole.slots);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_is_unavailable() {
    let given = Given::open().await;
    given.store.check().await.unwrap();
    given.store.close().await;
    let error = given.store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}
