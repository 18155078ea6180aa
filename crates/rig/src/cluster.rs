//! A Redis Cluster of one's own: three masters.

use crate::process::{free_port, until};
use crate::redis::{RedisOptions, RedisServer, started};
use std::cell::Cell;

/// Slots of every cluster.
const SLOTS: usize = 16_384;
const NODES: usize = 3;

/// Three masters that share the slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three nodes, joins them, and waits until every one of them says that the cluster works.
    #[must_use]
    pub fn start() -> Self {
        let (nodes, buses): (Vec<RedisServer>, Vec<u16>) = (0..NODES).map(|_| node()).unzip();
        let each = SLOTS.div_ceil(NODES);
        for (number, node) in nodes.iter().enumerate() {
            let (first, last) = (number * each, ((number + 1) * each).min(SLOTS) - 1);
            let range = [first.to_string(), last.to_string()];
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]]);
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        for other in nodes.iter().skip(1) {
            let (port, bus) = (nodes[0].port().to_string(), buses[0].to_string());
            other.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        until("the cluster forms", || {
            nodes.iter().all(|node| {
                let info = node.command(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        });
        Self { nodes }
    }

    /// The URLs of the nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The nodes, to kill and start them.
    pub fn nodes_mut(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }
}

/// A node, and the port for the talk among nodes.
fn node() -> (RedisServer, u16) {
    let bus = Cell::new(0);
    let server = started(|| {
        bus.set(free_port());
        RedisServer::try_start(&RedisOptions {
            config: vec![
                "cluster-enabled yes".into(),
                "cluster-config-file nodes.conf".into(),
                "cluster-node-timeout 2000".into(),
                format!("cluster-port {}", bus.get()),
            ],
            password: None,
        })
    });
    (server, bus.get())
}
