//! Leases and positions, which all instances see alike.

use crate::RedisStore;
use crate::keys::Of;
use crate::scripts::{ADVANCE, LEASE};
use async_trait::async_trait;
use redis::{Value, cmd};
use std::time::Duration;
use taskcast_core::CommitNumber;
use taskcast_store::{Partition, Positions, StoreError};

/// Leases lie in one partition, whatever they are about.
const LEASES: Partition = Partition(0);

#[async_trait]
impl Positions for RedisStore {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        let now = self.now();
        let ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = now.plus_millis(ms).0.to_string();
        let taken: u8 = self.write(&self.lease_call(name, holder, &until)).await?;
        Ok(taken == 1)
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        let _: Value = self.write(&self.lease_call(name, holder, "")).await?;
        Ok(())
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        let mut command = cmd("HGET");
        let key = self.keys.of(partition, Of::Work);
        command.arg(key).arg(format!("p{reader}"));
        let found: Option<u64> = self.link.ask(&command).await?;
        Ok(found.map(CommitNumber))
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        let call = ADVANCE.with(vec![self.keys.of(partition, Of::Work)]);
        let _: Value = self.write(&call.arg(reader).arg(to.0)).await?;
        Ok(())
    }
}

impl RedisStore {
    fn lease_call(&self, name: &str, holder: u64, until: &str) -> crate::scripts::Call {
        LEASE
            .with(vec![self.keys.of(LEASES, Of::Work)])
            .arg(name)
            .arg(holder)
            .arg(self.now().0)
            .arg(until)
    }
}
