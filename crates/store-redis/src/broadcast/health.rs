//! How the lanes are, told as one dependency: well when every lane is.

use parking_lot::Mutex;
use std::sync::Arc;
use taskcast_store::{Dependency, FailureKind};

/// The health of all lanes.
pub(super) struct Health {
    pub(super) dependency: Arc<Dependency>,
    /// How many lanes have no connection. Held while the dependency is told, so that two lanes do
    /// not tell it things in the wrong order.
    down: Mutex<usize>,
}

impl Health {
    pub(super) fn new(dependency: Arc<Dependency>) -> Arc<Self> {
        let down = Mutex::default();
        Arc::new(Self { dependency, down })
    }
}

/// The part of one lane.
pub(super) struct LaneHealth {
    health: Arc<Health>,
    up: bool,
}

impl LaneHealth {
    /// A lane that has no connection yet.
    pub(super) fn new(health: Arc<Health>) -> Self {
        *health.down.lock() += 1;
        Self { health, up: false }
    }

    /// Its connection works.
    pub(super) fn up(&mut self) {
        let mut down = self.health.down.lock();
        if !std::mem::replace(&mut self.up, true) {
            *down -= 1;
        }
        if *down == 0 {
            self.health.dependency.answered();
        }
    }

    /// It has no connection, and tries to get one.
    pub(super) fn down(&mut self, kind: FailureKind) {
        let mut down = self.health.down.lock();
        if std::mem::replace(&mut self.up, false) {
            *down += 1;
        }
        self.health.dependency.reconnecting(kind);
    }
}

impl Drop for LaneHealth {
    fn drop(&mut self) {
        if !self.up {
            *self.health.down.lock() -= 1;
        }
    }
}
