//! The clock of a simulated store: runs with virtual time, and is set now and then.

use parking_lot::Mutex;
use taskcast_core::Millis;
use taskcast_store::Clock;
use tokio::time::Instant;

/// A clock that runs with the runtime's time and can be set.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    began: Instant,
    /// Milliseconds since the Unix epoch that it showed when it began, jumps included.
    base: Mutex<u64>,
}

impl VirtualClock {
    const BASE: u64 = 1_700_000_000_000;

    /// A clock that begins now.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            base: Mutex::new(Self::BASE),
        }
    }

    /// Sets the clock by so many milliseconds, forward or back.
    pub(crate) fn jump(&self, ms: i64) {
        let mut base = self.base.lock();
        *base = base.saturating_add_signed(ms);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Millis(*self.base.lock()).plus_millis(elapsed)
    }
}
