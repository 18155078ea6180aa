//! In a cluster.

use crate::given::{Instances, shard_channels};
use std::collections::BTreeMap;
use taskcast_core::TaskId;
use taskcast_rig::{RedisCluster, RedisServer};
use taskcast_store::Heard;
use taskcast_store_redis::RedisOptions;

#[tokio::test]
async fn in_a_cluster_each_node_brings_the_messages_of_its_partitions() {
    let cluster = RedisCluster::start();
    let options = of_cluster(&cluster);
    let mut instances = Instances::start(options.clone(), options).await;
    let mut tasks = Vec::new();
    for number in 0..40 {
        tasks.push(instances.followed(&format!("t{number}")).await);
    }
    for node in cluster.nodes() {
        assert!(!shard_channels(node).is_empty());
    }
    publish_and_hear(&mut instances, &tasks).await;
    // One node drops its listeners: the others do not notice.
    cluster.nodes()[1].command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    instances.hear_that_hints_were_lost().await;
    publish_and_hear(&mut instances, &tasks).await;
}

#[tokio::test]
async fn a_partition_that_moves_to_another_node_is_followed_there() {
    let cluster = RedisCluster::start();
    let options = RedisOptions {
        partitions: 1,
        ..of_cluster(&cluster)
    };
    let mut instances = Instances::start(options.clone(), options).await;
    let a = instances.followed("a").await;
    instances.publish(&a).await;
    instances.hear(&a, 1).await;
    move_slot(&cluster, "{taskcast:0}");
    instances.hear_that_hints_were_lost().await;
    let tail = instances.publish(&a).await;
    instances.hear(&a, tail).await;
}

fn of_cluster(cluster: &RedisCluster) -> RedisOptions {
    let mut urls = cluster.urls();
    RedisOptions {
        nodes: urls.split_off(1),
        ..RedisOptions::new(urls.remove(0))
    }
}

/// Publishes to all tasks, and listens until each was heard of.
async fn publish_and_hear(instances: &mut Instances, tasks: &[TaskId]) {
    let mut waiting = BTreeMap::new();
    for task in tasks {
        waiting.insert(task.clone(), instances.publish(task).await);
    }
    while !waiting.is_empty() {
        if let Heard::Hint(hint) = instances.next().await
            && waiting.get(&hint.task) == Some(&hint.tail.0)
        {
            waiting.remove(&hint.task);
        }
    }
}

/// Moves the slot of a key from the node that has it to another one, with all that is in it.
fn move_slot(cluster: &RedisCluster, key: &str) {
    let nodes = cluster.nodes();
    let is_here = |node: &&RedisServer| !node.command(&["GET", key]).starts_with("-MOVED");
    let from = nodes.iter().find(is_here).unwrap();
    let to = nodes.iter().find(|node| !is_here(node)).unwrap();
    let id = |node: &RedisServer| node.command(&["CLUSTER", "MYID"])[5..45].to_owned();
    let slot = from.command(&["CLUSTER", "KEYSLOT", key]);
    let slot = slot.trim_start_matches(':').trim();
    to.command(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &id(from)]);
    from.command(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &id(to)]);
    let found = from.command(&["CLUSTER", "GETKEYSINSLOT", slot, "1000"]);
    let port = to.port().to_string();
    for key in found.lines().filter(|line| line.starts_with('{')) {
        let moved = from.command(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
        assert_eq!(moved, "+OK\r\n");
    }
    for node in [to, from] {
        node.command(&["CLUSTER", "SETSLOT", slot, "NODE", &id(to)]);
    }
}
