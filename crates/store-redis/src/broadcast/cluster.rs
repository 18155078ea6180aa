//! Where the partitions lie in a cluster: a lane for each node, told of anew when one breaks.

use super::backoff::Backoff;
use super::lane::Lane;
use super::lanes::Lanes;
use super::line::Line;
use super::queue::Queue;
use super::wanted::Wanted;
use super::wiring::Wiring;
use crate::keys::{Keys, Of};
use redis::{ConnectionAddr, ConnectionInfo, FromRedisValue, RedisResult, Value, cmd};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::Partition;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Keeps the lanes of a listener in line with the cluster.
pub(super) struct Steering {
    wiring: Arc<Wiring>,
    lanes: Arc<Lanes>,
    queue: Arc<Queue>,
    tasks: TaskTracker,
    broke: Arc<Notify>,
    running: BTreeMap<Address, Running>,
}

/// A node.
type Address = (String, u16);

/// A lane that ends when it is dropped.
struct Running {
    wanted: Arc<Wanted>,
    _stop: DropGuard,
}

impl Steering {
    pub(super) fn new(
        wiring: Arc<Wiring>,
        lanes: Arc<Lanes>,
        queue: Arc<Queue>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            wiring,
            lanes,
            queue,
            tasks,
            broke: Arc::default(),
            running: BTreeMap::new(),
        }
    }

    /// Steers until it is dropped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let map = self.look().await;
            let whole = self.apply(&map, &stop);
            let patience = if whole { Duration::MAX } else { INCOMPLETE };
            let _ = timeout(patience, self.broke.notified()).await;
        }
    }

    /// Asks for the map until somebody knows it: nodes that are in it, then those of the options.
    async fn look(&self) -> Map {
        let mut backoff = Backoff::default();
        loop {
            let running = self.running.keys().filter_map(|address| self.node(address));
            for node in running.chain(self.wiring.nodes.clone()) {
                match self.ask(&node).await {
                    Ok(map) => return map,
                    Err(error) => tracing::debug!(%error, "a node does not tell where slots lie"),
                }
            }
            sleep(backoff.next()).await;
        }
    }

    async fn ask(&self, node: &ConnectionInfo) -> RedisResult<Map> {
        let mut line = Line::open(&self.wiring, node, Arc::default()).await?;
        let mut command = cmd("CLUSTER");
        let slots = command.arg("SLOTS").query_async(&mut line.connection);
        Ok(Map::read(slots.await?, host_of(node)))
    }

    /// Starts the lanes that are missing and gives every partition its own. Tells whether every
    /// partition has a place in the map; then lanes that brought nothing any more have ended.
    fn apply(&mut self, map: &Map, stop: &CancellationToken) -> bool {
        let keys = self.wiring.keys.clone();
        let places: Vec<Option<Address>> = keys.all().map(|it| map.place(&keys, it)).collect();
        for address in places.iter().flatten() {
            if !self.running.contains_key(address) {
                self.start(address, stop);
            }
        }
        self.lanes.route(|partition| {
            let place = places
                .get(usize::from(partition.0))
                .and_then(Option::as_ref);
            let lane = place.and_then(|address| self.running.get(address));
            lane.map(|lane| lane.wanted.clone())
        });
        let whole = places.iter().all(Option::is_some);
        let used = |address: &Address| places.iter().flatten().any(|place| place == address);
        self.running.retain(|address, _| !whole || used(address));
        whole
    }

    fn start(&mut self, address: &Address, stop: &CancellationToken) {
        let (wanted, stop) = (Arc::new(Wanted::default()), stop.child_token());
        let lane = Lane::new(
            self.wiring.clone(),
            self.node(address).into_iter().collect(),
            wanted.clone(),
            self.queue.clone(),
            self.broke.clone(),
        );
        let running = stop.clone().run_until_cancelled_owned(lane.run());
        self.tasks.spawn(running);
        let _stop = stop.drop_guard();
        self.running
            .insert(address.clone(), Running { wanted, _stop });
    }

    /// A node is spoken to as the first one is.
    fn node(&self, (host, port): &Address) -> Option<ConnectionInfo> {
        let first = self.wiring.nodes.first()?.clone();
        let address = match first.addr().clone() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure,
                tls_params,
            },
            _ => ConnectionAddr::Tcp(host.clone(), *port),
        };
        Some(first.set_addr(address))
    }
}

/// How long a map that misses slots is good enough.
const INCOMPLETE: Duration = Duration::from_secs(2);

fn host_of(node: &ConnectionInfo) -> &str {
    match node.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host,
        _ => "localhost",
    }
}

/// Which master has which slots.
struct Map(Vec<(RangeInclusive<u16>, Address)>);

impl Map {
    /// Reads an answer to `CLUSTER SLOTS`. A node that does not know its own name leaves it out.
    fn read(rows: Vec<Vec<Value>>, asked: &str) -> Self {
        let row = |row: Vec<Value>| {
            let mut row = row.into_iter();
            let first = u16::from_redis_value(row.next()?).ok()?;
            let last = u16::from_redis_value(row.next()?).ok()?;
            let mut master = Vec::<Value>::from_redis_value(row.next()?)
                .ok()?
                .into_iter();
            let host = Option::<String>::from_redis_value(master.next()?).ok()?;
            let host = host.filter(|host| !host.is_empty());
            let port = u16::from_redis_value(master.next()?).ok()?;
            let host = host.unwrap_or_else(|| asked.to_owned());
            Some((first..=last, (host, port)))
        };
        Self(rows.into_iter().filter_map(row).collect())
    }

    fn place(&self, keys: &Keys, partition: Partition) -> Option<Address> {
        let slot = slot(&keys.of(partition, Of::Tails));
        let mut rows = self.0.iter();
        rows.find_map(|(slots, address)| slots.contains(&slot).then(|| address.clone()))
    }
}

/// The slot of a key: CRC-16 (XMODEM) of its tag.
fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map_or(key, |(tag, _)| tag);
    let sum = tag.bytes().fold(0_u16, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(byte) << 8), |sum, _| match sum >> 15 {
            0 => sum << 1,
            _ => (sum << 1) ^ 0x1021,
        })
    });
    sum % 16_384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_that_of_the_tag() {
        // From the specification of Redis Cluster, and as `CLUSTER KEYSLOT` says.
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("{user1000}.following"), slot("user1000"));
        assert_eq!(slot("foo"), 12_182);
    }

    #[test]
    fn a_node_that_leaves_its_name_out_is_the_one_that_was_asked() {
        let master = |host: Value, port| Value::Array(vec![host, Value::Int(port)]);
        let row = |first, last, node| vec![Value::Int(first), Value::Int(last), node];
        let rows = vec![
            row(0, 8000, master(Value::BulkString(b"b".to_vec()), 1)),
            row(8001, 16_383, master(Value::Nil, 2)),
        ];
        let map = Map::read(rows, "a");
        assert_eq!(
            map.0,
            [
                (0..=8000, ("b".into(), 1)),
                (8001..=16_383, ("a".into(), 2))
            ]
        );
    }
}
