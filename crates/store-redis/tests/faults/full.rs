//! Redis has reached its maxmemory.

use crate::given::{events, new_task, number, options, task_id};
use std::time::Duration;
use taskcast_core::{CommitNumber, Index, Status, Transition, transition};
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::tier::HotStore;
use taskcast_store::{
    Change, Clock, CommitError, CreateError, Maintenance, Partition, Positions, StoreError,
    SystemClock, TaskLog,
};
use taskcast_store_redis::{RedisOptions as StoreOptions, RedisStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_refuses_what_grows_and_still_lets_go() {
    let server = RedisServer::start(&RedisOptions::default());
    let options = StoreOptions {
        archived: true,
        ..options(server.url())
    };
    let store = RedisStore::connect(options).await.unwrap();
    for id in ["a", "b", "c"] {
        store.create(new_task(id)).await.unwrap();
        for next in 0..10 {
            store.commit(number(id, next)).await.unwrap();
        }
    }
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = store.commit(number("a", 10)).await;
    let full = matches!(refused, Err(CommitError::Store(StoreError::Full { .. })));
    assert!(full, "{refused:?}");
    let refused = store.create(new_task("d")).await;
    let full = matches!(refused, Err(CreateError::Store(StoreError::Full { .. })));
    assert!(full, "{refused:?}");
    assert_eq!(events(&store, "a").await.len(), 10);

    // A task can end, and what frees memory works, with all that leads to it.
    let (a_id, b_id, c_id) = (task_id("a"), task_id("b"), task_id("c"));
    let a = store.load(&a_id).await.unwrap().unwrap();
    let step = transition(
        &a.record,
        &Transition::to(Status::Cancelled),
        SystemClock.now(),
    );
    let step = step.unwrap();
    let mut ending = number("a", 0);
    ending.events = step.events;
    ending.change = Some(Change {
        expected: a.revision,
        record: step.record,
    });
    assert!(store.commit(ending).await.unwrap().sealed);
    store.trim(&a_id, a.epoch, Index(5)).await.unwrap();
    let cleaned = store.clean(&a_id, a.epoch, &[Index(6)]);
    cleaned.await.unwrap();
    let ttl = Duration::from_secs(9);
    assert!(store.lease("archive", 1, ttl).await.unwrap());
    let advanced = store.advance("archive", Partition(0), CommitNumber(5));
    advanced.await.unwrap();
    let b = store.load(&b_id).await.unwrap().unwrap();
    let below = store.release_below(&b_id, b.epoch, Index(5));
    below.await.unwrap();
    let released = store.release(&b_id, b.epoch, b.commit);
    assert!(released.await.unwrap());
    let c = store.load(&c_id).await.unwrap().unwrap();
    assert!(store.delete(&c_id, c.epoch).await.unwrap());
    let notes = store.notes(Partition(0), 10).await.unwrap();
    assert_eq!(notes.len(), 2);
    for note in notes {
        store.settle(&note).await.unwrap();
    }
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    store.create(new_task("d")).await.unwrap();
}
