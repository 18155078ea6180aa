//! The server goes away in the middle: calls fail quickly, nothing is half done, everything goes on.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;
use support::{NOON, create, delta, event, follow, gained, id, memory, publish, slots, text};
use taskcast_core::{Epoch, Index};
use taskcast_rig::{FaultProxy, PostgresOptions as ServerOptions, PostgresServer};
use taskcast_store::tier::{Archived, LongTermStore};
use taskcast_store::{DependencyState, FailureKind, ManualClock, StoreError, TaskLog};
use taskcast_store_postgres::{PostgresOptions, PostgresStore, migrations};
use tokio::task::{JoinSet, block_in_place};

async fn open(url: &str) -> PostgresStore {
    migrations::run(url).await.unwrap();
    let mut options = PostgresOptions::new(url);
    options.connect_timeout = Duration::from_secs(2);
    options.statement_timeout = Duration::from_secs(2);
    PostgresStore::connect(options, Arc::new(ManualClock::at(NOON)))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_archived() {
    let mut server = PostgresServer::start(&ServerOptions::default());
    let store = Arc::new(open(&server.url()).await);
    let hot = memory(Arc::new(ManualClock::at(NOON)));
    hot.create(create("a", 1, NOON)).await.unwrap();
    for round in 0..4_u32 {
        for _ in 0..20 {
            publish(
                &hot,
                "a",
                vec![delta("s", "word "), event("x", &round.to_string())],
            )
            .await;
        }
        let state = hot.load(&id("a")).await.unwrap().unwrap();
        let marks = store.watermarks(&[(id("a"), Epoch(1))]).await.unwrap();
        let entry = gained(&hot, &state, marks[0], 1_000).await;
        let mut archiver = JoinSet::new();
        let archive = store.clone();
        archiver.spawn(async move { archive.archive(vec![entry]).await });
        tokio::time::sleep(Duration::from_millis(u64::from(round))).await;
        block_in_place(|| server.kill());
        let archived = archiver.join_next().await.unwrap().unwrap();
        assert!(
            matches!(archived, Ok(_) | Err(StoreError::Unavailable { .. })),
            "{archived:?}"
        );
        block_in_place(|| server.restart());
        if let Ok(outcomes) = archived {
            let marks = store.watermarks(&[(id("a"), Epoch(1))]).await.unwrap();
            assert_eq!(outcomes, [Archived::Done(marks[0].unwrap())]);
        }
        follow(&hot, &*store, "a").await;
        assert_eq!(slots(&*store, &state).await, slots(&hot, &state).await);
    }
    assert_eq!(text(&*store, "a", "s", 0).await, "word ".repeat(80));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_down_calls_fail_and_it_is_told() {
    let mut server = PostgresServer::start(&ServerOptions::default());
    let store = open(&server.url()).await;
    let dependency = store.dependency();
    assert_eq!(dependency.report().state, DependencyState::Healthy);
    block_in_place(|| server.kill());
    // Its children may go on for a moment, until they notice.
    while store.check().await.is_ok() {}
    for _ in 0..3 {
        let error = store.check().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    let report = dependency.report();
    assert_eq!(report.state, DependencyState::Reconnecting);
    assert_eq!(report.last_failure, Some(FailureKind::ConnectionRefused));
    assert!(report.consecutive_failures >= 3);
    block_in_place(|| server.restart());
    store.check().await.unwrap();
    assert_eq!(dependency.report().state, DependencyState::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_hangs_is_given_up_and_made_anew() {
    let server = PostgresServer::start(&ServerOptions::default());
    let proxy = FaultProxy::start(server.port()).await;
    let store = open(&server.url_of("postgres", proxy.port())).await;
    let hot = memory(Arc::new(ManualClock::at(NOON)));
    hot.create(create("a", 1, NOON)).await.unwrap();
    publish(&hot, "a", vec![event("x", "1")]).await;
    follow(&hot, &store, "a").await;
    proxy.stall(true);
    let error = store.find(&id("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(
        store.dependency().report().last_failure,
        Some(FailureKind::Timeout)
    );
    proxy.stall(false);
    proxy.cut();
    let mark = follow(&hot, &store, "a").await;
    assert_eq!(mark.tail, Index(1));
    proxy.cut();
    // The first call may find out that its connection is gone.
    let _ = store.check().await;
    store.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_slows_the_archive_and_no_more() {
    let server = PostgresServer::start(&ServerOptions::default());
    let proxy = FaultProxy::start(server.port()).await;
    migrations::run(&server.url()).await.unwrap();
    let options = PostgresOptions::new(server.url_of("postgres", proxy.port()));
    let clock = Arc::new(ManualClock::at(NOON));
    let store = PostgresStore::connect(options, clock.clone())
        .await
        .unwrap();
    let hot = memory(clock);
    hot.create(create("a", 1, NOON)).await.unwrap();
    publish(&hot, "a", vec![delta("s", "text"), event("x", "1")]).await;
    // The first batch of a connection is the longest: every statement is prepared.
    proxy.delay(Duration::from_millis(250));
    follow(&hot, &store, "a").await;
    publish(&hot, "a", vec![delta("s", "text")]).await;
    follow(&hot, &store, "a").await;
    proxy.delay(Duration::ZERO);
    assert_eq!(text(&store, "a", "s", 0).await, "texttext");
}
