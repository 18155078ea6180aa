//! The store: its link, its keys, its clock.

use crate::RedisOptions;
use crate::keys::Keys;
use crate::link::Link;
use crate::scripts::Call;
use async_trait::async_trait;
use redis::{FromRedisValue, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use taskcast_core::{Limits, Millis, TaskId};
use taskcast_store::{Clock, Dependency, ShortTermStore, StoreError, StoreInfo};

/// A short-term store in Redis, shared by any number of instances.
///
/// Every commit is one script and one round trip. What an acknowledged commit survives is the
/// append-only file's business: [`StoreInfo::acknowledgement`] says it as it was found.
pub struct RedisStore {
    pub(crate) link: Link,
    pub(crate) keys: Keys,
    pub(crate) limits: Limits,
    pub(crate) archived: bool,
    pub(crate) commits_kept: u64,
    wait_replicas: u32,
    clock: Arc<dyn Clock>,
}

impl RedisStore {
    /// Connects to a store, and makes it when there is none below the prefix.
    ///
    /// # Errors
    /// When Redis cannot be reached or used; the sentence names the server and never who logs in.
    pub async fn connect(options: RedisOptions) -> Result<Self, StoreError> {
        let prefix = options.prefix.clone();
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            let cause =
                "the prefix of its keys is empty or has braces, which mark what lies together";
            return Err(StoreError::unavailable("Redis", cause));
        }
        let limits = options.limits.clone();
        let (archived, commits_kept) = (options.archived, options.commits_kept);
        let wait_replicas = options.wait_replicas;
        let link = Link::connect(options).await?;
        let keys = Keys::new(&prefix, link.identity().partitions());
        Ok(Self {
            clock: link.clock(),
            link,
            keys,
            limits,
            archived,
            commits_kept,
            wait_replicas,
        })
    }

    /// How the connection for commands is.
    #[must_use]
    pub fn dependency(&self) -> Arc<Dependency> {
        self.link.dependency()
    }

    pub(crate) fn what(&self) -> &str {
        self.link.what()
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The command that a commit tells its tail with.
    pub(crate) fn publish_command(&self) -> &'static str {
        match self.link.found().has_sharded_channels() {
            true => "SPUBLISH",
            false => "PUBLISH",
        }
    }

    /// Runs a script that changes something.
    pub(crate) async fn write<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.link.write(call).await
    }

    /// Groups things by what one pipeline may ask for: everything on a server, partition by partition
    /// in a cluster. Gives places.
    pub(crate) fn by_route<T>(&self, things: &[T], id: impl Fn(&T) -> &TaskId) -> Vec<Vec<usize>> {
        if !self.link.is_cluster() {
            return vec![(0..things.len()).collect()];
        }
        let mut groups: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (at, thing) in things.iter().enumerate() {
            let partition = self.keys.partition(id(thing)).0;
            groups.entry(partition).or_default().push(at);
        }
        groups.into_values().collect()
    }
}

#[async_trait]
impl ShortTermStore for RedisStore {
    fn info(&self) -> StoreInfo {
        let sentence = self.link.found().acknowledgement(self.wait_replicas);
        StoreInfo {
            provider: "redis",
            incarnation: self.link.identity().incarnation(),
            partitions: self.keys.partitions,
            acknowledgement: sentence.into(),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let _: Value = self.link.ask(&self.link.identity().question()).await?;
        Ok(())
    }

    async fn close(&self) {
        self.link.close().await;
    }
}
