//! Leases and positions, which end with the store like everything else in it.

use super::MemoryStore;
use crate::{Partition, Positions, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;
use std::time::Duration;
use taskcast_core::{CommitNumber, Millis};

/// Who does which work, and how far it has got.
#[derive(Debug, Default)]
pub(super) struct Places {
    leases: HashMap<Box<str>, Lease>,
    positions: HashMap<Box<str>, CommitNumber>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    holder: u64,
    until: Millis,
}

impl Places {
    fn lease(&mut self, name: &str, holder: u64, now: Millis, ttl: Duration) -> bool {
        let held = self.leases.get(name);
        if held.is_some_and(|lease| lease.holder != holder && now < lease.until) {
            return false;
        }
        let ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = now.plus_millis(ms);
        self.leases.insert(name.into(), Lease { holder, until });
        true
    }

    fn unlease(&mut self, name: &str, holder: u64) {
        if self.leases.get(name).is_some_and(|it| it.holder == holder) {
            self.leases.remove(name);
        }
    }
}

#[async_trait]
impl Positions for MemoryStore {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.with(|partition| Ok(partition.places.lease(name, holder, now, ttl)))
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        self.with(|partition| {
            partition.places.unlease(name, holder);
            Ok(())
        })
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        self.with(|only| match partition {
            Partition(0) => Ok(only.places.positions.get(reader).copied()),
            _ => Ok(None),
        })
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.with(|only| {
            if partition == Partition(0) {
                only.places.positions.insert(reader.into(), to);
            }
            Ok(())
        })
    }
}
