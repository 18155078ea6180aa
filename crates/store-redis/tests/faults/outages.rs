//! Redis is slow, paused or away for a while.

use crate::given::{connect, events, new_task, number, options, says, until_up};
use std::time::Duration;
use taskcast_rig::{FaultProxy, RedisOptions, RedisServer};
use taskcast_store::{CommitError, DependencyState, StoreError, TaskLog};
use taskcast_store_redis::{RedisOptions as StoreOptions, RedisStore};
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_an_error_and_is_not_sent_again() {
    let server = RedisServer::start(&RedisOptions::default());
    let proxy = FaultProxy::start(server.port()).await;
    let options = StoreOptions {
        response_timeout: Duration::from_millis(300),
        ..options(server.url_through(proxy.port()))
    };
    let store = RedisStore::connect(options).await.unwrap();
    store.create(new_task("a")).await.unwrap();
    proxy.delay(Duration::from_millis(600));
    let unknown = store.commit(number("a", 1)).await;
    let unknown = matches!(
        unknown,
        Err(CommitError::Store(StoreError::Unavailable { .. }))
    );
    assert!(unknown);
    proxy.delay(Duration::ZERO);
    until_up(&store).await;
    store.commit(number("a", 2)).await.unwrap();
    // The first one got there late, or not at all; the second one once.
    let said: Vec<String> = events(&store, "a").await.iter().map(says).collect();
    assert!(
        said == ["{\"n\":1}", "{\"n\":2}"] || said == ["{\"n\":2}"],
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_an_error_at_once_and_passes() {
    let mut server = RedisServer::start(&RedisOptions::with_aof("always"));
    let store = connect(server.url()).await;
    store.create(new_task("a")).await.unwrap();
    assert_eq!(store.dependency().report().state, DependencyState::Healthy);
    block_in_place(|| server.kill());
    for next in 0..3 {
        let refused = store.commit(number("a", next)).await;
        assert!(matches!(refused, Err(CommitError::Store(_))), "{refused:?}");
    }
    assert_ne!(store.dependency().report().state, DependencyState::Healthy);
    block_in_place(|| server.restart());
    until_up(&store).await;
    store.commit(number("a", 9)).await.unwrap();
    assert_eq!(store.dependency().report().state, DependencyState::Healthy);
    assert_eq!(events(&store, "a").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_passes_without_anything_twice() {
    let server = RedisServer::start(&RedisOptions::default());
    let options = StoreOptions {
        response_timeout: Duration::from_millis(200),
        ..options(server.url())
    };
    let store = RedisStore::connect(options).await.unwrap();
    store.create(new_task("a")).await.unwrap();
    server.pause();
    for next in 0..3 {
        assert!(store.commit(number("a", next)).await.is_err());
    }
    server.resume();
    until_up(&store).await;
    store.commit(number("a", 3)).await.unwrap();
    let mut said: Vec<String> = events(&store, "a").await.iter().map(says).collect();
    assert_eq!(said.last().map(String::as_str), Some("{\"n\":3}"));
    said.sort();
    let all = said.len();
    said.dedup();
    assert_eq!(said.len(), all, "{said:?}");
}
