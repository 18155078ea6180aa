//! Redis ends without warning, and loses the end of its append-only file.

use crate::given::{
    Seen, connect, count, events, new_task, number, pause, says, task_id, until_up,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskcast_core::CommitNumber;
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::{Committed, Partition, TaskIndex, TaskLog};
use taskcast_store_redis::RedisStore;
use tokio::task::{JoinSet, block_in_place};

const TASKS: [&str; 4] = ["a", "b", "c", "d"];

/// Publishes numbers until it is told to stop. Gives what was acknowledged.
async fn load(store: Arc<RedisStore>, id: &'static str, stop: Arc<AtomicBool>) -> Vec<Committed> {
    let mut acknowledged = Vec::new();
    for next in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match store.commit(number(id, next)).await {
            Ok(committed) => acknowledged.push(committed),
            Err(_) => pause().await,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_by_appendfsync_always_survives_every_kill() {
    let mut server = RedisServer::start(&RedisOptions::with_aof("always"));
    let store = Arc::new(connect(server.url()).await);
    for id in TASKS {
        store.create(new_task(id)).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut publishers = JoinSet::new();
    for id in TASKS {
        let load = load(store.clone(), id, stop.clone());
        publishers.spawn(async move { (id, load.await) });
    }
    for kill in 0..count(4, 50) {
        let before = store.newest().await.unwrap_or_default();
        // Some load before each kill, whatever the machine is busy with.
        while kill > 0 && store.newest().await.unwrap_or_default() == before {
            pause().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        block_in_place(|| server.kill());
        block_in_place(|| server.restart());
        until_up(&store).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut seen = Seen::default();
    while let Some(published) = publishers.join_next().await {
        let (id, acknowledged) = published.unwrap();
        assert!(!acknowledged.is_empty());
        let events = events(&store, id).await;
        for committed in acknowledged {
            seen.add(id, &committed);
            let event = &committed.events[0];
            let at = usize::try_from(event.index.0).unwrap();
            assert_eq!(events.get(at), Some(event), "of {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cut_file_lost_is_never_numbered_again_and_readers_have_a_gap() {
    let mut server = RedisServer::start(&RedisOptions::with_aof("everysec"));
    let store = connect(server.url()).await;
    let mut seen = Seen::default();
    for id in TASKS {
        seen.add_commit(store.create(new_task(id)).await.unwrap().commit);
    }
    let mut made = Vec::new();
    for next in 0..400 {
        let id = TASKS[next as usize % TASKS.len()];
        let committed = store.commit(number(id, next)).await.unwrap();
        seen.add(id, &committed);
        made.push(committed);
    }
    let tail = store.load(&task_id("a")).await.unwrap().unwrap().tail;
    block_in_place(|| {
        server.kill();
        server.cut_append_only_file(64 << 10);
        server.restart();
    });
    until_up(&store).await;
    let cut = store.load(&task_id("a")).await.unwrap().unwrap().tail;
    assert!(
        cut < tail,
        "the test has to lose something: {cut} of {tail}"
    );
    // What was lost is said again, with other numbers at other times.
    let left = store.newest().await.unwrap()[0];
    for next in 0..200 {
        let id = TASKS[next as usize % TASKS.len()];
        let committed = store.commit(number(id, 1000 + next)).await.unwrap();
        seen.add(id, &committed);
    }
    let said = events(&store, "a").await;
    assert_eq!(says(&said[usize::try_from(cut.0).unwrap()]), "{\"n\":1000}");

    let has_gap = async |after: CommitNumber| {
        let page = store.appended(Partition(0), after, 10).await.unwrap();
        page.earliest > after
    };
    assert!(!has_gap(CommitNumber(left.0 - 5)).await);
    assert!(!has_gap(left).await);
    let lost = made.iter().filter(|committed| committed.commit > left);
    for committed in lost {
        assert!(has_gap(committed.commit).await, "{}", committed.commit);
    }
    assert!(!has_gap(seen.newest).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_keeps_nothing_on_disk_begins_anew_after_a_kill() {
    let mut server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    let mut seen = Seen::default();
    seen.add_commit(store.create(new_task("a")).await.unwrap().commit);
    seen.add("a", &store.commit(number("a", 1)).await.unwrap());
    let old = seen.newest;
    block_in_place(|| {
        server.kill();
        server.restart();
    });
    until_up(&store).await;
    assert!(store.load(&task_id("a")).await.unwrap().is_none());
    seen.add_commit(store.create(new_task("a")).await.unwrap().commit);
    let again = store.commit(number("a", 1)).await.unwrap();
    seen.add("a", &again);
    assert!(again.commit > old);
    let page = store.appended(Partition(0), old, 10).await.unwrap();
    assert!(page.earliest > old, "{page:?}");
}
