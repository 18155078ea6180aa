//! Where things lie in a cluster: a key has a slot, a slot has a node.

use redis::{ConnectionAddr, ConnectionInfo, FromRedisValue, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A node: host and port.
pub(crate) type Address = (String, u16);

/// Which master has which slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map(Vec<(RangeInclusive<u16>, Address)>);

impl Map {
    /// Reads an answer to `CLUSTER SLOTS`. A node that does not know its own name leaves it out:
    /// then it is the one that was asked.
    pub(crate) fn read(rows: Vec<Vec<Value>>, asked: &str) -> Self {
        let row = |row: Vec<Value>| {
            let mut row = row.into_iter();
            let first = u16::from_redis_value(row.next()?).ok()?;
            let last = u16::from_redis_value(row.next()?).ok()?;
            let master = Vec::<Value>::from_redis_value(row.next()?).ok()?;
            let mut master = master.into_iter();
            let host = Option::<String>::from_redis_value(master.next()?).ok()?;
            let host = host.filter(|host| !host.is_empty());
            let port = u16::from_redis_value(master.next()?).ok()?;
            let host = host.unwrap_or_else(|| asked.to_owned());
            Some((first..=last, (host, port)))
        };
        Self(rows.into_iter().filter_map(row).collect())
    }

    /// The node that has a slot.
    pub(crate) fn place(&self, slot: u16) -> Option<&Address> {
        let mut rows = self.0.iter();
        rows.find_map(|(slots, address)| slots.contains(&slot).then_some(address))
    }

    /// A node has said that a slot is another one's now.
    pub(crate) fn moved(&mut self, slot: u16, to: Address) {
        self.0.insert(0, (slot..=slot, to));
    }

    /// Every master.
    pub(crate) fn nodes(&self) -> BTreeSet<Address> {
        self.0.iter().map(|(_, address)| address.clone()).collect()
    }
}

/// A node of the same cluster as `first` is spoken to as that one.
pub(crate) fn like(first: &ConnectionInfo, (host, port): &Address) -> ConnectionInfo {
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
    first.clone().set_addr(address)
}

/// The host of a node as it is connected to.
pub(crate) fn host_of(node: &ConnectionInfo) -> &str {
    match node.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host,
        _ => "localhost",
    }
}

/// The address in `MOVED <slot> <host:port>`; without a host it is the one that was asked.
pub(crate) fn redirect(said: &str, asked: &ConnectionInfo) -> Option<Address> {
    let (host, port) = said.rsplit_once(':')?;
    let host = Some(host).filter(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| host_of(asked));
    Some((host.to_owned(), port.parse().ok()?))
}

/// The part of a key that decides about its slot: what lies between the first braces, or all of it.
pub(crate) fn tag(key: &str) -> &str {
    let braced = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    braced.map_or(key, |(tag, _)| tag)
}

/// The slot of a key: CRC-16 (XMODEM) of its tag.
pub(crate) fn slot(key: &str) -> u16 {
    let sum = tag(key).bytes().fold(0_u16, |sum, byte| {
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
    fn a_slot_that_moved_is_found_at_its_new_place() {
        let master = |host: Value, port| Value::Array(vec![host, Value::Int(port)]);
        let row = |first, last, node| vec![Value::Int(first), Value::Int(last), node];
        let rows = vec![
            row(0, 8000, master(Value::BulkString(b"b".to_vec()), 1)),
            row(8001, 16_383, master(Value::Nil, 2)),
        ];
        let mut map = Map::read(rows, "a");
        assert_eq!(map.place(8000), Some(&("b".to_owned(), 1)));
        assert_eq!(map.place(8001), Some(&("a".to_owned(), 2)));
        map.moved(8000, ("c".to_owned(), 3));
        assert_eq!(map.place(8000), Some(&("c".to_owned(), 3)));
        assert_eq!(map.place(7999), Some(&("b".to_owned(), 1)));
    }
}
