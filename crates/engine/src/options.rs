//! What an engine is made of.

use crate::{Random, SystemRandom};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::Limits;
use taskcast_store::{Broadcast, MemoryBroadcast, ShortTermStore};

/// The parts and settings of a [`TaskEngine`](crate::TaskEngine).
#[derive(Clone)]
pub struct EngineOptions {
    /// Where tasks and events are kept.
    pub store: Arc<dyn ShortTermStore>,
    /// Carries hints between engines that share the store.
    pub broadcast: Arc<dyn Broadcast>,
    /// Where ids and epochs come from.
    pub random: Arc<dyn Random>,
    /// Bounds.
    pub limits: Limits,
    /// How often followed tails are read from the store, in case every hint was lost.
    pub repair_interval: Duration,
    /// The longest time between two looks at the deadlines, in case the clock was set.
    pub deadline_interval: Duration,
    /// How long streams stay open while the store does not answer, before they end so that their
    /// readers come back, perhaps elsewhere.
    pub outage_patience: Duration,
}

impl EngineOptions {
    /// The usual engine over a store: alone in its process, with the system's randomness.
    #[must_use]
    pub fn new(store: Arc<dyn ShortTermStore>) -> Self {
        Self {
            store,
            broadcast: Arc::new(MemoryBroadcast::new()),
            random: Arc::new(SystemRandom),
            limits: Limits::default(),
            repair_interval: Duration::from_secs(1),
            deadline_interval: Duration::from_millis(500),
            outage_patience: Duration::from_secs(30),
        }
    }
}
