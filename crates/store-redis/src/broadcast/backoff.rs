//! How long to wait before a connection is tried anew.

use crate::jitter;
use std::time::Duration;

/// Waits that double, one half of each drawn, so that instances do not come back at one moment.
pub(super) struct Backoff {
    most: Duration,
    at_once: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::after(Duration::ZERO)
    }
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(10);

    /// After a connection that lasted so long. If that was not all too short the first try is made at
    /// once: most breaks are over by then.
    pub(super) fn after(lasted: Duration) -> Self {
        Self {
            most: Self::FIRST,
            at_once: lasted >= Self::FIRST,
        }
    }

    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        if std::mem::take(&mut self.at_once) {
            return Duration::ZERO;
        }
        let half = self.most / 2;
        self.most = (self.most * 2).min(Self::MOST);
        half + half.mul_f64(jitter::part())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_try_is_made_at_once_and_then_waits_double_from_half_a_second_to_ten() {
        let mut backoff = Backoff::after(Duration::from_secs(60));
        assert_eq!(backoff.next(), Duration::ZERO);
        for most in [500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            let (wait, most) = (backoff.next(), Duration::from_millis(most));
            assert!(most / 2 <= wait && wait <= most, "{wait:?} of {most:?}");
        }
    }
}
