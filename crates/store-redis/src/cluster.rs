//! The nodes of a cluster, each with a connection of its own, and the way to the one that has a key.
//!
//! What a cluster refuses (`MOVED`, `ASK`, `TRYAGAIN`, `CLUSTERDOWN`) was not carried out, and is sent
//! again, for a bounded time. What a broken connection may have carried out is not.

use crate::error::was_refused;
use crate::link::Common;
use crate::node::{Failure, Node, Request};
use crate::topology::{self, Address, Map, host_of, like};
use parking_lot::Mutex;
use redis::{ConnectionInfo, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::StoreError;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// A cluster.
pub(crate) struct Cluster {
    common: Arc<Common>,
    /// How a node is spoken to.
    first: ConnectionInfo,
    /// Nodes that the options name, to find the others by.
    seeds: Vec<ConnectionInfo>,
    nodes: Mutex<Nodes>,
    /// Told when the map may be wrong.
    stale: Notify,
}

#[derive(Default)]
struct Nodes {
    map: Map,
    known: BTreeMap<Address, Arc<Node>>,
}

impl Cluster {
    /// Connects to every master.
    pub(crate) async fn connect(
        common: Arc<Common>,
        seeds: Vec<ConnectionInfo>,
        first: &Node,
    ) -> Result<Arc<Self>, StoreError> {
        let map = ask_map(first).await.ok_or_else(|| {
            common.down("it is part of a cluster and does not tell where its slots lie")
        })?;
        let connects = map.nodes().into_iter().map(|address| {
            let (common, info) = (common.clone(), like(first.info(), &address));
            async move { Ok((address, Arc::new(Node::connect(common, info).await?))) }
        });
        let known = futures_util::future::try_join_all(connects).await?;
        let known = known.into_iter().collect();
        let cluster = Arc::new(Self {
            common: common.clone(),
            first: first.info().clone(),
            seeds,
            nodes: Mutex::new(Nodes { map, known }),
            stale: Notify::new(),
        });
        let kept = cluster.clone().keep_map();
        common
            .tasks
            .spawn(common.stop.clone().run_until_cancelled_owned(kept));
        Ok(cluster)
    }

    /// Every node.
    pub(crate) fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().known.values().cloned().collect()
    }

    /// Sends something to the node that has a slot.
    pub(crate) async fn send(
        &self,
        slot: u16,
        request: Request<'_>,
    ) -> Result<redis::Value, Failure> {
        const TRIES: u32 = 7;
        let mut failed = None;
        for attempt in 0..TRIES {
            let Some(node) = self.node(slot) else {
                self.stale.notify_one();
                sleep(pause(attempt)).await;
                continue;
            };
            let error = match node.send(request).await {
                Err(Failure::Answer(error)) if was_refused(&error) => error,
                Err(Failure::Store(error)) => {
                    self.stale.notify_one();
                    return Err(Failure::Store(error));
                }
                sent => return sent,
            };
            let asked = self.redirected(&node, &error, slot);
            if let (Some(other), true) = (&asked, is_ask(&error)) {
                match other.send_asking(request).await {
                    Err(Failure::Answer(error)) if was_refused(&error) => {}
                    sent => return sent,
                }
            }
            // A slot that has moved is found at once; with anything else the cluster needs time.
            if asked.is_none() || is_ask(&error) || attempt > 1 {
                sleep(pause(attempt)).await;
            }
            failed = Some(error);
        }
        Err(failed.map_or_else(
            || Failure::Store(self.common.down("no node of the cluster has the slot")),
            Failure::Answer,
        ))
    }

    /// The node that has a slot, as far as is known.
    fn node(&self, slot: u16) -> Option<Arc<Node>> {
        let address = self.nodes.lock().map.place(slot)?.clone();
        Some(self.node_at(&address))
    }

    fn node_at(&self, address: &Address) -> Arc<Node> {
        let begin = || {
            let info = like(&self.first, address);
            Arc::new(Node::begin(self.common.clone(), info))
        };
        let known = &mut self.nodes.lock().known;
        known.entry(address.clone()).or_insert_with(begin).clone()
    }

    /// The node that another one sends us to.
    fn redirected(&self, from: &Node, error: &RedisError, slot: u16) -> Option<Arc<Node>> {
        self.stale.notify_one();
        let (said, _) = error.redirect_node()?;
        let address = topology::redirect(said, from.info())?;
        if !is_ask(error) {
            self.nodes.lock().map.moved(slot, address.clone());
        }
        Some(self.node_at(&address))
    }

    /// Asks for the map now and then, and at once when it may be wrong.
    async fn keep_map(self: Arc<Self>) {
        const OFTEN: Duration = Duration::from_secs(30);
        const AT_MOST: Duration = Duration::from_millis(250);
        loop {
            let _ = timeout(OFTEN, self.stale.notified()).await;
            if let Some(map) = self.look().await {
                let mut nodes = self.nodes.lock();
                let masters = map.nodes();
                nodes.known.retain(|address, _| masters.contains(address));
                nodes.map = map;
            }
            sleep(AT_MOST).await;
        }
    }

    /// The map as some node tells it: one that is connected, or else one that the options name.
    async fn look(&self) -> Option<Map> {
        for node in self.nodes().iter().filter(|node| node.is_up()) {
            if let Some(map) = ask_map(node).await {
                return Some(map);
            }
        }
        for seed in &self.seeds {
            if let Ok(node) = Node::connect(self.common.clone(), seed.clone()).await
                && let Some(map) = ask_map(&node).await
            {
                return Some(map);
            }
        }
        None
    }
}

async fn ask_map(node: &Node) -> Option<Map> {
    let mut command = cmd("CLUSTER");
    command.arg("SLOTS");
    let answer = node.send(Request::Command(&command)).await.ok()?;
    let rows = FromRedisValue::from_redis_value(answer).ok()?;
    let map = Map::read(rows, host_of(node.info()));
    (!map.nodes().is_empty()).then_some(map)
}

fn is_ask(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::Ask)
}

fn pause(attempt: u32) -> Duration {
    Duration::from_millis(20 << attempt.min(5))
}
