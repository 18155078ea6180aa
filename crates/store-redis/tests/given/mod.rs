//! Stores below prefixes of a server or a cluster of one's own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and it is a test"
)]

use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use taskcast_core::Limits;
use taskcast_rig::{RedisCluster, RedisServer};
use taskcast_store::conformance::{HotSubject, Subject, TierSubject};
use taskcast_store::tier::{HotStore, LongTermStore, MemoryArchive};
use taskcast_store::{ManualClock, ShortTermStore};
use taskcast_store_redis::{RedisOptions, RedisStore};

/// What the stores are on.
pub(crate) enum Servers {
    One(RedisServer),
    Three(RedisCluster),
}

/// Makes stores that share nothing but the servers.
pub(crate) struct Redis {
    pub(crate) servers: Servers,
    opened: AtomicU32,
}

impl Redis {
    pub(crate) fn server() -> Self {
        Self::on(Servers::One(RedisServer::start(
            &taskcast_rig::RedisOptions::default(),
        )))
    }

    pub(crate) fn cluster() -> Self {
        Self::on(Servers::Three(RedisCluster::start()))
    }

    fn on(servers: Servers) -> Self {
        Self {
            servers,
            opened: AtomicU32::new(0),
        }
    }

    fn url(&self) -> String {
        match &self.servers {
            Servers::One(server) => server.url(),
            Servers::Three(cluster) => cluster.urls().swap_remove(0),
        }
    }

    async fn store(
        &self,
        number: u32,
        clock: Arc<ManualClock>,
        limits: Limits,
        archived: bool,
    ) -> Arc<RedisStore> {
        let options = RedisOptions {
            // Other prefixes lie on other nodes.
            prefix: format!("t{}-{number}", self.url().len() + number as usize),
            limits,
            partitions: 1,
            archived,
            clock: Some(clock),
            ..RedisOptions::new(self.url())
        };
        Arc::new(RedisStore::connect(options).await.unwrap())
    }

    fn next(&self) -> u32 {
        self.opened.fetch_add(1, Ordering::Relaxed)
    }
}

#[async_trait]
impl Subject for Redis {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        self.store(self.next(), clock, limits, false).await
    }

    async fn reopen(
        &self,
        store: Arc<dyn ShortTermStore>,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> Option<Arc<dyn ShortTermStore>> {
        store.close().await;
        // Each test opens one store.
        let number = self.opened.load(Ordering::Relaxed) - 1;
        Some(self.store(number, clock, limits, false).await)
    }
}

#[async_trait]
impl HotSubject for Redis {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore> {
        self.store(self.next(), clock, limits, true).await
    }
}

#[async_trait]
impl TierSubject for Redis {
    async fn open(
        &self,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> (Arc<dyn HotStore>, Arc<dyn LongTermStore>) {
        let hot = self.store(self.next(), clock, limits.clone(), true).await;
        (hot, Arc::new(MemoryArchive::new(limits)))
    }
}
