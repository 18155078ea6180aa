//! Stores below prefixes of a server or a cluster of one's own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and it is a test"
)]

use async_trait::async_trait;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use taskcast_core::Limits;
use taskcast_rig::{RedisCluster, RedisServer};
use taskcast_store::conformance::{HotSubject, Subject, TierSubject};
use taskcast_store::tier::{HotStore, LongTermStore, MemoryArchive};
use taskcast_store::{ManualClock, ShortTermStore};
use taskcast_store_redis::{RedisOptions, RedisStore};

/// What the stores are on.
pub(crate) enum Servers {
    One(Arc<RedisServer>),
    Three(Arc<RedisCluster>),
}

/// Makes stores that share nothing but the servers.
pub(crate) struct Redis {
    servers: Servers,
    partitions: u16,
    opened: AtomicU32,
}

/// Servers are shared by the tests that run at one time, and end with the last of them.
static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
static CLUSTER: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
static STORES: AtomicU32 = AtomicU32::new(0);

impl Redis {
    pub(crate) fn server() -> Self {
        let start = || RedisServer::start(&taskcast_rig::RedisOptions::default());
        Self::on(Servers::One(shared(&SERVER, start)), 1)
    }

    pub(crate) fn cluster() -> Self {
        Self::on(Servers::Three(shared(&CLUSTER, RedisCluster::start)), 1)
    }

    fn on(servers: Servers, partitions: u16) -> Self {
        Self {
            servers,
            partitions,
            opened: AtomicU32::new(0),
        }
    }

    /// The same over so many partitions.
    pub(crate) fn partitioned(self, partitions: u16) -> Self {
        Self::on(self.servers, partitions)
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
            prefix: format!("t{number}"),
            limits,
            partitions: self.partitions,
            archived,
            clock: Some(clock),
            ..RedisOptions::new(self.url())
        };
        Arc::new(RedisStore::connect(options).await.unwrap())
    }

    fn next(&self) -> u32 {
        let number = STORES.fetch_add(1, Ordering::Relaxed);
        self.opened.store(number, Ordering::Relaxed);
        number
    }
}

fn shared<T>(kept: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut kept = kept.lock();
    kept.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *kept = Arc::downgrade(&started);
        started
    })
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
        let number = self.opened.load(Ordering::Relaxed);
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
