//! A Redis Cluster: one URL names its nodes, and servers share it like a single Redis.

use crate::support::Server;
use crate::{free_port, get, types};
use taskcast_rig::RedisCluster;

#[test]
fn servers_share_a_cluster_whose_nodes_stand_in_one_url() {
    let cluster = RedisCluster::start();
    let nodes = cluster.urls();
    // The first is down: the others help.
    let hosts = [format!("127.0.0.1:{}", free_port())].into_iter();
    let hosts = hosts.chain(nodes.iter().map(|url| url.replace("redis://", "")));
    let url = format!("redis://{}", hosts.collect::<Vec<_>>().join(","));
    let on = |url: &str| Server::start_with(&[], &[("TASKCAST_REDIS_URL", url)], |_| {});
    let (one, other) = (on(&url), on(&nodes[2]));
    for task in ["a", "b", "c", "d"] {
        one.taskcast(&["tasks", "create", "--id", task]).stdout();
        one.taskcast(&["publish", task, "--type", "x"]).stdout();
        other.taskcast(&["publish", task, "--type", "y"]).stdout();
        let told = one.taskcast(&["logs", task, "--no-follow", "--json"]);
        assert_eq!(types(&told.stdout()), ["x", "y"]);
    }
    assert_eq!(get(&other, "/health/ready")["ok"], true);
}
