//! Commits that wait for replicas.

use crate::given::{events, new_task, number, options, pause};
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::{CommitError, ShortTermStore, StoreError, TaskLog};
use taskcast_store_redis::{RedisOptions as StoreOptions, RedisStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_too_few_replicas_have_is_not_acknowledged() {
    let server = RedisServer::start(&RedisOptions::default());
    let replica = RedisServer::start(&RedisOptions {
        config: vec![format!("replicaof 127.0.0.1 {}", server.port())],
        password: None,
    });
    let store = RedisStore::connect(StoreOptions {
        wait_replicas: 1,
        ..options(server.url())
    });
    let store = store.await.unwrap();
    assert!(store.info().acknowledgement.contains("1 of its replicas"));
    while !(server.command(&["INFO", "replication"])).contains("state=online") {
        pause().await;
    }
    store.create(new_task("a")).await.unwrap();
    store.commit(number("a", 1)).await.unwrap();
    assert_eq!(
        replica.command(&["HGET", "{taskcast:0}:k:a:m", "tail"]),
        "$1\r\n1\r\n"
    );
    replica.pause();
    let refused = store.commit(number("a", 2)).await;
    let Err(CommitError::Store(error @ StoreError::Unavailable { .. })) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("0 of 1 replicas"), "{error}");
    replica.resume();
    store.commit(number("a", 3)).await.unwrap();
    assert_eq!(events(&store, "a").await.len(), 3);
}
