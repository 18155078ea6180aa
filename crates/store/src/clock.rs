//! The one clock of a store.

use parking_lot::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use taskcast_core::Millis;

/// Tells the time. Passed in wherever time matters, so that tests and simulations own it.
///
/// May jump in both directions; whoever needs order takes the maximum with what was before.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct ManualClock(Mutex<Millis>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Millis) {
        *self.0.lock() = now;
    }

    /// Moves the clock forward.
    pub fn advance(&self, ms: u64) {
        let mut now = self.0.lock();
        *now = now.plus_millis(ms);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        *self.0.lock()
    }
}
