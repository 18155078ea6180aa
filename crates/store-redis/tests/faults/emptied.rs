//! Somebody empties Redis while it is in use.

use crate::given::{Seen, connect, new_task, number, options, pause, task_id};
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::{CommitError, Partition, ShortTermStore, TaskIndex, TaskLog};
use taskcast_store_redis::{RedisOptions as StoreOptions, RedisStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_store_goes_on_with_numbers_that_were_never_used() {
    let server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    let mut seen = Seen::default();
    seen.add_commit(store.create(new_task("a")).await.unwrap().commit);
    for next in 0..10 {
        seen.add("a", &store.commit(number("a", next)).await.unwrap());
    }
    let old = seen.newest;
    server.command(&["FLUSHALL"]);
    assert!(store.load(&task_id("a")).await.unwrap().is_none());
    assert_eq!(store.tails(&[task_id("a")]).await.unwrap(), [None]);
    let refused = store.commit(number("a", 1)).await;
    assert!(
        matches!(refused, Err(CommitError::NotFound(_))),
        "{refused:?}"
    );
    let state = store.create(new_task("a")).await.unwrap();
    seen.add_commit(state.commit);
    seen.add("a", &store.commit(number("a", 1)).await.unwrap());
    assert!(state.commit > old);
    let page = store.appended(Partition(0), old, 10).await.unwrap();
    assert!(page.earliest > old, "{page:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_agree_on_the_store_after_it_was_emptied() {
    let server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    server.command(&["FLUSHALL"]);
    while server.command(&["EXISTS", "taskcast:store"]) != ":1\r\n" {
        pause().await;
    }
    let other = StoreOptions {
        partitions: 7,
        ..options(server.url())
    };
    let other = RedisStore::connect(other).await.unwrap();
    assert_eq!(other.info().incarnation, store.info().incarnation);
    assert_eq!(other.info().partitions, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_to_a_store_of_another_shape() {
    let server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    let shape = ["HSET", "taskcast:store", "partitions", "7"];
    server.command(&shape);
    // The next look at the store notices.
    let error = loop {
        match store.create(new_task("a")).await {
            Ok(state) => drop(store.delete(&task_id("a"), state.epoch).await),
            Err(error) => break error.to_string(),
        }
        pause().await;
    };
    assert!(error.contains("is unavailable"), "{error}");
    let connecting = store.dependency().report().state;
    assert_ne!(connecting, taskcast_store::DependencyState::Healthy);
}
