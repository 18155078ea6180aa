//! Many at once: publishers and readers on two instances, while everything that pauses is released.

use crate::support::{create, everything, numbers, publish, slots, task_id};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskcast_core::{CommitNumber, Limits};
use taskcast_store::tier::{HotStore, LongTermStore, MemoryArchive, TierOptions, TieredStore};
use taskcast_store::{
    BeforeArchive, MemoryOptions, MemoryStore, ShortTermStore, SystemClock, TaskLog,
};
use tokio::task::JoinSet;

const TASKS: u32 = 6;
const COMMITS: u64 = 60;

fn stores() -> (Arc<MemoryStore>, Arc<dyn LongTermStore>) {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits: Limits::default(),
        incarnation: 1,
        archived: Some(BeforeArchive {
            after: CommitNumber(0),
        }),
    };
    let hot = MemoryStore::new(options, Arc::new(SystemClock));
    (
        Arc::new(hot),
        Arc::new(MemoryArchive::new(Limits::default())),
    )
}

/// Makes commits to a task, with pauses that are sometimes long enough for it to be released.
async fn write(store: Arc<TieredStore>, id: String, pause: u64) {
    for n in 0..COMMITS {
        store.commit(publish(&id, 2)).await.unwrap();
        if n % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(pause * (n % 3))).await;
        }
    }
}

/// Reads a task again and again: what was there stays as it was. Counts how often it was away.
async fn watch(store: Arc<TieredStore>, hot: Arc<MemoryStore>, away: Arc<AtomicU64>, id: String) {
    let mut seen = Vec::new();
    while (seen.len() as u64) < 4 * COMMITS {
        let state = store.load(&task_id(&id)).await.unwrap().unwrap();
        let now = slots(&*store, &state).await;
        assert_eq!(now.get(..seen.len()), Some(&seen[..]));
        assert!(now.len() as u64 >= state.tail.0);
        seen = now;
        let unfinished = (seen.len() as u64) < 4 * COMMITS;
        let gone = hot.load(&task_id(&id)).await.unwrap().is_none();
        away.fetch_add(u64::from(unfinished && gone), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_stay_dense_and_as_they_were_while_they_move() {
    let (hot, archive) = stores();
    let options = TierOptions {
        grace: Duration::from_millis(20),
        poll_interval: Duration::from_millis(1),
        release: everything(),
        ..TierOptions::new(Limits::default())
    };
    let start = || {
        let hot: Arc<dyn HotStore> = hot.clone();
        TieredStore::start(hot, archive.clone(), options.clone(), numbers())
    };
    let instances = [start(), start()];
    let (mut work, away) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
    for n in 0..TASKS {
        let id = format!("t{n}");
        instances[0].create(create(&id, n)).await.unwrap();
        for (at, store) in (0..).zip(&instances) {
            work.spawn(write(store.clone(), id.clone(), 40 + 20 * at));
            work.spawn(watch(store.clone(), hot.clone(), away.clone(), id.clone()));
        }
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    for n in 0..TASKS {
        let id = task_id(&format!("t{n}"));
        let state = instances[1].load(&id).await.unwrap().unwrap();
        assert_eq!(state.epoch.0, n, "nothing was taken for lost");
        let all = slots(&*instances[1], &state).await;
        assert_eq!(all.len() as u64, 4 * COMMITS);
        assert!(all.iter().zip(0..).all(|(slot, at)| slot.index().0 == at));
    }
    assert!(away.load(Ordering::Relaxed) > 0, "no task ever moved");
    for store in instances {
        store.close().await;
    }
}
