//! What PostgreSQL refuses is kept beside, served from there, and stops nothing.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use support::{Given, create, delta, event, follow, id, memory, publish, slots, text};
use taskcast_core::{CommitNumber, Epoch, EventFilter, Index, TypePattern};
use taskcast_store::tier::LongTermStore;
use taskcast_store::{LogReader, Maintenance, Partition, Seek, TaskLog};

const CHECK: &str = "ALTER TABLE taskcast.events
    ADD CONSTRAINT harmless CHECK (data::text NOT LIKE '%poison%')";
const TRIGGER: &str = "CREATE FUNCTION taskcast.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.data::text LIKE '%poison%' THEN RAISE EXCEPTION 'we do not take this'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON taskcast.events
        FOR EACH ROW EXECUTE FUNCTION taskcast.refuse()";

async fn poison_is_served_and_stops_nothing(refusing: &str) {
    let given = Given::open().await;
    given.sql(refusing);
    let (hot, store) = (memory(given.clock.clone()), &given.store);
    for name in ["a", "b"] {
        hot.create(create(name, 1, support::NOON)).await.unwrap();
        publish(&hot, name, vec![event("x", "1"); 20]).await;
    }
    publish(
        &hot,
        "a",
        vec![
            delta("s", "poison "),
            event("y", "\"poison\""),
            delta("s", "end"),
        ],
    )
    .await;
    publish(&hot, "a", vec![event("x", "2"); 20]).await;
    // Both logs come in one call.
    let mut entries = Vec::new();
    for name in ["a", "b"] {
        let state = hot.load(&id(name)).await.unwrap().unwrap();
        entries.push(support::gained(&hot, &state, None, 1_000).await);
    }
    store.archive(entries).await.unwrap();
    for name in ["a", "b"] {
        let state = hot.load(&id(name)).await.unwrap().unwrap();
        assert_eq!(slots(store, &state).await, slots(&hot, &state).await);
    }
    assert_eq!(text(store, "a", "s", 20).await, "poison end");
    let kept = "SELECT string_agg(idx || ' ' || convert_from(payload, 'UTF8'), ', ' ORDER BY idx)
                FROM taskcast.quarantine WHERE error <> '' AND sqlstate <> ''";
    assert_eq!(given.sql(kept), r#"20 {"delta":"poison "}, 21 "poison""#);

    let filter = EventFilter {
        types: Some(vec![TypePattern::parse("y")]),
        ..EventFilter::default()
    };
    assert_eq!(
        store
            .count(&id("a"), Epoch(1), &filter, Index(30))
            .await
            .unwrap(),
        1
    );
    let past = Seek::Past { filter, count: 1 };
    assert_eq!(
        store.seek(&id("a"), Epoch(1), past).await.unwrap(),
        Some(Index(22))
    );
    let newest = hot.load(&id("a")).await.unwrap().unwrap().commit;
    let page = store
        .appended(Partition(0), CommitNumber(0), newest, 1_000)
        .await
        .unwrap();
    assert_eq!(page.slots.len(), 63);

    store.clean(&id("a"), Epoch(1), &[Index(20)]).await.unwrap();
    hot.clean(&id("a"), Epoch(1), &[Index(20)]).await.unwrap();
    let state = hot.load(&id("a")).await.unwrap().unwrap();
    assert_eq!(slots(store, &state).await, slots(&hot, &state).await);
    store.trim(&id("a"), Epoch(1), Index(22)).await.unwrap();
    assert_eq!(given.sql("SELECT count(*) FROM taskcast.quarantine"), "0");
    publish(&hot, "a", vec![event("x", "3")]).await;
    follow(&hot, store, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_constraint_refuses_is_kept_beside() {
    poison_is_served_and_stops_nothing(CHECK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_trigger_refuses_is_kept_beside() {
    poison_is_served_and_stops_nothing(TRIGGER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_series_may_be_a_row_that_was_refused() {
    let given = Given::open().await;
    given.sql(CHECK);
    let (hot, store) = (memory(given.clock.clone()), &given.store);
    hot.create(create("a", 1, support::NOON)).await.unwrap();
    publish(&hot, "a", vec![delta("s", "x"), delta("s", "poison")]).await;
    follow(&hot, store, "a").await;
    for trim in [0, 2] {
        hot.trim(&id("a"), Epoch(1), Index(trim)).await.unwrap();
        store.trim(&id("a"), Epoch(1), Index(trim)).await.unwrap();
        let heads = hot.heads(&id("a"), Epoch(1)).await.unwrap();
        assert_eq!(store.heads(&id("a"), Epoch(1)).await.unwrap(), heads);
        let image = store.image(&id("a"), Epoch(1)).await.unwrap();
        assert_eq!(
            image.series[0].newest.as_ref(),
            Some(&heads.heads[0].newest)
        );
    }
}
