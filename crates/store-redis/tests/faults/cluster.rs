//! A cluster of three: connections are killed, a node ends, a slot moves.

use crate::given::{Seen, events, new_task, number, pause, says, task_id, until_ok, until_up};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use taskcast_core::ProducerId;
use taskcast_rig::{RedisCluster, RedisServer};
use taskcast_store::{
    CommitError, Committed, Once, ProducerClaim, ShortTermStore, TaskIndex, TaskLog,
};
use taskcast_store_redis::{RedisOptions, RedisStore};
use tokio::task::{JoinSet, block_in_place};

const TASKS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

async fn connect(cluster: &RedisCluster, partitions: u16) -> RedisStore {
    let options = RedisOptions {
        partitions,
        ..RedisOptions::new(cluster.urls().swap_remove(0))
    };
    RedisStore::connect(options).await.unwrap()
}

/// Publishes number after number, each until it is stored, once.
async fn load(store: Arc<RedisStore>, id: &'static str, stop: Arc<AtomicBool>) -> u64 {
    for next in 0.. {
        let claim = ProducerClaim {
            id: ProducerId::new("p").unwrap(),
            epoch: 0,
            first: next,
            last: next,
        };
        loop {
            let mut commit = number(id, next);
            commit.once = Some(Once::Producer(claim.clone()));
            match store.commit(commit).await {
                Ok(_) | Err(CommitError::Duplicate { .. }) => break,
                Err(CommitError::Store(_)) => pause().await,
                Err(other) => panic!("{other}"),
            }
        }
        if stop.load(Ordering::Relaxed) {
            return next + 1;
        }
    }
    0
}

/// Keeps six tasks busy while something happens; each has to have every number once after it.
async fn under_load(store: &Arc<RedisStore>, happening: impl AsyncFnOnce()) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut publishers = JoinSet::new();
    for id in TASKS {
        store.create(new_task(id)).await.unwrap();
        let load = load(store.clone(), id, stop.clone());
        publishers.spawn(async move { (id, load.await) });
    }
    happening().await;
    stop.store(true, Ordering::Relaxed);
    while let Some(published) = publishers.join_next().await {
        let (id, count) = published.unwrap();
        let said: Vec<String> = events(store, id).await.iter().map(says).collect();
        let wanted: Vec<String> = (0..count).map(|n| format!("{{\"n\":{n}}}")).collect();
        assert_eq!(said, wanted, "of {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_lose_and_repeat_nothing() {
    let cluster = block_in_place(RedisCluster::start);
    let store = Arc::new(connect(&cluster, 32).await);
    under_load(&store, async || {
        for kill in 0..6 {
            pause().await;
            let node = &cluster.nodes()[kill % 3];
            node.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            until_up(&store).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_everything_begins_anew_and_the_others_go_on() {
    let mut cluster = block_in_place(RedisCluster::start);
    let store = connect(&cluster, 32).await;
    let mut seen = std::collections::BTreeMap::<u16, Seen>::new();
    let mut note = |id: &str, committed: &Committed| {
        let partition = taskcast_store::Partition::of(&task_id(id), 32).0;
        seen.entry(partition).or_default().add(id, committed);
    };
    for id in TASKS {
        store.create(new_task(id)).await.unwrap();
        note(id, &store.commit(number(id, 0)).await.unwrap());
    }
    block_in_place(|| cluster.nodes_mut()[1].kill());
    // The others may stop too until the node is back: the cluster is not whole.
    block_in_place(|| cluster.nodes_mut()[1].restart());
    for id in TASKS {
        loop {
            match store.commit(number(id, 1)).await {
                Ok(committed) => break note(id, &committed),
                Err(CommitError::NotFound(_)) => {
                    store.create(new_task(id)).await.unwrap();
                }
                Err(CommitError::Store(_)) => pause().await,
                Err(other) => panic!("{other}"),
            }
        }
    }
    until_ok(|| store.newest()).await;
}

/// Gives a slot of one node to another while it is in use, as an operator does it.
fn move_slot(slot: &str, from: &RedisServer, to: &RedisServer) {
    let id = |node: &RedisServer| {
        let said = node.command(&["CLUSTER", "MYID"]);
        said.lines().nth(1).unwrap().to_owned()
    };
    let (from_id, to_id, port) = (id(from), id(to), to.port().to_string());
    let importing = to.command(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &from_id]);
    assert_eq!(importing, "+OK\r\n");
    from.command(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &to_id]);
    loop {
        let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", slot, "4"]);
        let keys: Vec<&str> = keys.lines().filter(|line| line.starts_with('{')).collect();
        if keys.is_empty() {
            break;
        }
        let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        migrate.extend(keys);
        let moved = from.command(&migrate);
        assert!(
            moved.starts_with("+OK") || moved.starts_with("+NOKEY"),
            "{moved}"
        );
    }
    for node in [to, from] {
        node.command(&["CLUSTER", "SETSLOT", slot, "NODE", &to_id]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_loses_and_repeats_nothing() {
    let cluster = block_in_place(RedisCluster::start);
    let store = Arc::new(connect(&cluster, 1).await);
    under_load(&store, async || {
        let said = cluster.nodes()[0].command(&["CLUSTER", "KEYSLOT", "{taskcast:0}"]);
        let slot = said.trim_start_matches(':').trim_end().to_owned();
        let number: usize = slot.parse().unwrap();
        let owner = number / 16_384_usize.div_ceil(3);
        for step in 0..3 {
            let (from, to) = ((owner + step) % 3, (owner + step + 1) % 3);
            let nodes = cluster.nodes();
            block_in_place(|| move_slot(&slot, &nodes[from], &nodes[to]));
            // All nodes have to know before it moves on, or two of them would claim it.
            let place = format!("127.0.0.1:{}\r\n", nodes[to].port());
            let knows = |node: &RedisServer| {
                let said = node.command(&["GET", "{taskcast:0}"]);
                said == "$-1\r\n" || said.ends_with(&place)
            };
            while !nodes.iter().all(knows) {
                pause().await;
            }
            until_up(&store).await;
            until_ok(|| store.newest()).await;
        }
    })
    .await;
    assert_eq!(store.info().partitions, 1);
}
