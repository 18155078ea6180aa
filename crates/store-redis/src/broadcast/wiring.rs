//! Where the servers are and how they are spoken to: what all lanes share.

use super::health::Health;
use super::line::Line;
use super::queue::Queue;
use crate::error::store_error;
use crate::handshake::shake_hands;
use crate::keys::Keys;
use crate::{RedisOptions, address};
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::{Dependency, StoreError, SystemClock};

/// What all lanes share.
pub(super) struct Wiring {
    /// The servers that the options name.
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) keys: Keys,
    /// Whether messages are bound to the slot of their channel.
    pub(super) sharded: bool,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) health: Arc<Health>,
}

impl Wiring {
    /// Finds out what Redis is.
    pub(super) async fn connect(options: &RedisOptions, keys: Keys) -> Result<Self, StoreError> {
        let what = address::shown(&options.url)?;
        let urls = std::iter::once(&options.url).chain(&options.nodes);
        let nodes: RedisResult<Vec<ConnectionInfo>> = urls.map(|url| spoken_to(url)).collect();
        let dependency = Dependency::new("redisPubSub", Arc::new(SystemClock));
        let mut wiring = Self {
            nodes: nodes.map_err(|error| store_error(&what, &error))?,
            keys,
            sharded: false,
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
            health: Health::new(Arc::new(dependency)),
        };
        let found = wiring.sharded().await;
        wiring.sharded = found.map_err(|error| store_error(&what, &error))?;
        wiring.dependency().answered();
        Ok(wiring)
    }

    /// How the connections are.
    pub(super) fn dependency(&self) -> Arc<Dependency> {
        self.health.dependency.clone()
    }

    /// Asks the first node that answers.
    async fn sharded(&self) -> RedisResult<bool> {
        let mut failed = None;
        for node in &self.nodes {
            match self.sharded_by(node).await {
                Ok(sharded) => return Ok(sharded),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    async fn sharded_by(&self, node: &ConnectionInfo) -> RedisResult<bool> {
        let mut line = Line::open(self, node, Arc::<Queue>::default()).await?;
        let found = shake_hands(&mut line.connection).await?;
        Ok(found.has_sharded_channels())
    }
}

/// How a server is spoken to: messages come between answers, which takes the third protocol.
fn spoken_to(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}
