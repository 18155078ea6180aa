//! Removing on both tiers, and the rest of the ports.
//!
//! What is removed from a log in the short-term store is archived first, and removed in the archive
//! before the short-term store: an entry that is under way cannot bring back what was removed, since
//! entries begin at the watermark.

use super::Place;
use super::tiered::{TieredStore, Tiers};
use super::whereabouts::{TRIES, busy};
use crate::{
    Clock, Maintenance, Partition, Positions, ReadError, ShortTermStore, StoreError, StoreInfo,
};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{CommitNumber, Epoch, Index, TaskId};

#[async_trait]
impl Maintenance for TieredStore {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        let tiers = &*self.tiers;
        for _ in 0..TRIES {
            let here = tiers.is_kept(id, epoch).await?;
            tiers.archive.trim(id, epoch, to).await?;
            if !here {
                return Ok(());
            }
            match tiers.hot.trim(id, epoch, to).await {
                Err(ReadError::Gone) => {}
                done => return done,
            }
        }
        Err(busy(id).into())
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let tiers = &*self.tiers;
        for _ in 0..TRIES {
            let here = tiers.is_kept(id, epoch).await?;
            tiers.archive.clean(id, epoch, indexes).await?;
            if !here {
                return Ok(());
            }
            match tiers.hot.clean(id, epoch, indexes).await {
                Err(ReadError::Gone) => {}
                done => return done,
            }
        }
        Err(busy(id).into())
    }
}

impl Tiers {
    /// Sees to it that a log is archived to its tail. Tells whether it is in the short-term store.
    async fn is_kept(&self, id: &TaskId, epoch: Epoch) -> Result<bool, ReadError> {
        match self.place(id).await? {
            Place::Here { state, .. } if state.epoch == epoch => {
                Ok(self.archive_log(id, epoch).await?.is_some())
            }
            Place::Away { dead, .. } if !dead.contains(&epoch) => Ok(false),
            Place::Here { .. } | Place::Away { .. } => Err(ReadError::Gone),
        }
    }
}

#[async_trait]
impl Positions for TieredStore {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        self.tiers.hot.lease(name, holder, ttl).await
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        self.tiers.hot.unlease(name, holder).await
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        self.tiers.hot.position(reader, partition).await
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.tiers.hot.advance(reader, partition, to).await
    }
}

#[async_trait]
impl ShortTermStore for TieredStore {
    /// The short-term store: what an acknowledged commit survives is what that says.
    fn info(&self) -> StoreInfo {
        self.tiers.hot.info()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.tiers.hot.clock()
    }

    /// Whether the short-term store works: without the archive, live tasks go on.
    async fn check(&self) -> Result<(), StoreError> {
        self.tiers.hot.check().await
    }

    async fn close(&self) {
        self.stop().await;
        self.tiers.hot.close().await;
        self.tiers.archive.close().await;
    }
}
