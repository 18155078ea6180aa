//! Bearing a store that does not answer: trying again, for a bounded time.

use crate::engine::Inner;
use std::time::Duration;
use taskcast_store::StoreError;
use tokio::time::{Instant, sleep};

/// How a reader fares while the store does not answer. Forgotten when it answers again.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    since: Option<Instant>,
    tries: u32,
}

impl Outage {
    const FIRST: Duration = Duration::from_millis(50);
    /// Short, so that everybody goes on soon after the store is back.
    const LONGEST: Duration = Duration::from_secs(1);

    /// Waits a while before another try, half of it at random, so that many do not come at once.
    ///
    /// # Errors
    /// The same error, when it has lasted too long, or when no retry helps.
    pub(crate) async fn bear(
        &mut self,
        inner: &Inner,
        error: StoreError,
    ) -> Result<(), StoreError> {
        if !matches!(error, StoreError::Unavailable { .. }) || self.is_over(inner.outage_patience) {
            return Err(error);
        }
        let longest = (Self::FIRST * (1 << self.tries.min(8))).min(Self::LONGEST);
        self.tries += 1;
        let wait = longest / 2 + part(longest / 2, inner.random.next());
        tracing::debug!(%error, ?wait, "the store does not answer; trying again");
        tokio::select! {
            () = inner.stop.cancelled() => {}
            () = sleep(wait) => {}
        }
        Ok(())
    }

    /// Whether it has lasted `patience` or longer; begins to, if it has not begun.
    pub(crate) fn is_over(&mut self, patience: Duration) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        since.elapsed() >= patience
    }
}

/// A part of a time, drawn evenly.
pub(crate) fn part(of: Duration, draw: u64) -> Duration {
    let millis = u64::try_from(of.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(draw % millis.saturating_add(1))
}
