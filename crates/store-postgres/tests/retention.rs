//! Old logs go by the month, and people can look at what is left.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use support::{Given, create, delta, event, follow, id, memory, publish};
use taskcast_core::{Epoch, Index, Millis, Status, Transition, transition};
use taskcast_store::tier::LongTermStore;
use taskcast_store::{Change, Commit, LogReader, MemoryStore, TaskLog};
use taskcast_store_postgres::Retained;

/// 2023-11-20, about.
const NOVEMBER: Millis = Millis(1_700_438_400_000);
const DAY: u64 = 24 * 60 * 60 * 1000;

async fn end(hot: &MemoryStore, name: &str, now: Millis) {
    for to in [Status::Running, Status::Completed] {
        let state = hot.load(&id(name)).await.unwrap().unwrap();
        let step = transition(&state.record, &Transition::to(to), now).unwrap();
        let change = Some(Change {
            expected: state.revision,
            record: step.record,
        });
        let commit = Commit {
            task: id(name),
            epoch: None,
            change,
            events: step.events,
            once: None,
        };
        hot.commit(commit).await.unwrap();
    }
}

/// A terminal task that the short-term store has released.
async fn ended(given: &Given, hot: &MemoryStore, name: &str, now: Millis) {
    given.clock.set(now);
    hot.create(create(name, 1, now)).await.unwrap();
    publish(hot, name, vec![event("x", "1"), delta("s", "some text")]).await;
    end(hot, name, now).await;
    let mark = follow(hot, &given.store, name).await;
    assert!(
        given
            .store
            .cool(&id(name), Epoch(1), mark.commit)
            .await
            .unwrap()
    );
}

fn months(given: &Given) -> String {
    given.sql(
        "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
               WHERE relkind = 'r' AND relname ~ '^(events|texts)_'",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_goes_when_no_log_is_left_in_it() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    let december = NOVEMBER.plus_millis(20 * DAY);
    ended(&given, &hot, "old", NOVEMBER).await;
    ended(&given, &hot, "kept", NOVEMBER.plus_millis(DAY)).await;
    given.clock.set(NOVEMBER.plus_millis(2 * DAY));
    hot.create(create("running", 1, NOVEMBER)).await.unwrap();
    follow(&hot, &given.store, "running").await;
    ended(&given, &hot, "young", december).await;
    assert_eq!(
        months(&given),
        "events_2023_11 events_2023_12 texts_2023_11 texts_2023_12"
    );

    given.clock.set(december.plus_millis(40 * DAY));
    let some = given.store.retain(NOVEMBER.plus_millis(1)).await.unwrap();
    assert_eq!(
        some,
        Retained {
            logs: 1,
            months: vec![]
        }
    );
    assert_eq!(given.store.find(&id("old")).await.unwrap(), None);
    assert!(given.store.find(&id("kept")).await.unwrap().is_some());

    // The task that runs on keeps its month.
    let more = given.store.retain(december).await.unwrap();
    assert_eq!(
        more,
        Retained {
            logs: 1,
            months: vec![]
        }
    );
    end(&hot, "running", december).await;
    let mark = follow(&hot, &given.store, "running").await;
    given
        .store
        .cool(&id("running"), Epoch(1), mark.commit)
        .await
        .unwrap();
    let last = given.store.retain(december).await.unwrap();
    assert_eq!(
        last,
        Retained {
            logs: 1,
            months: vec!["events_2023_11".into()]
        }
    );
    let left = "events_2023_12 events_2024_01 texts_2023_12 texts_2024_01";
    assert_eq!(months(&given), left);
    let young = given.store.heads(&id("young"), Epoch(1)).await.unwrap();
    assert_eq!(young.heads[0].newest.index, Index(1));
    ended(&given, &hot, "again", NOVEMBER.plus_millis(3 * DAY)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_can_be_asked_for_in_sql() {
    let given = Given::open().await;
    let hot = memory(given.clock.clone());
    ended(&given, &hot, "report", NOVEMBER).await;
    let asked = "SELECT task_id, status, created::date, tail, hot FROM taskcast.task_list";
    assert_eq!(given.sql(asked), "report|completed|2023-11-20|4|f");
    let asked = "SELECT idx, type, level, state, data ->> 'delta' FROM taskcast.task_events
                 WHERE task_id = 'report' AND series = 's'";
    assert_eq!(given.sql(asked), "1|llm.delta|info|event|some text");
    let asked = "SELECT series, text FROM taskcast.task_texts WHERE task_id = 'report'";
    assert_eq!(given.sql(asked), "s|some text");
}
