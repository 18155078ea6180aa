//! When to try again: exponential backoff with jitter, bounded in time.

use crate::ClientError;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait between tries, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest wait that the client chooses. A server may ask for a longer one.
    pub most: Duration,
    /// How long failures may go on without any progress.
    pub give_up: Duration,
}

impl RetryPolicy {
    /// For single requests: half a minute.
    #[must_use]
    pub fn requests() -> Self {
        Self {
            first: Duration::from_millis(100),
            most: Duration::from_secs(5),
            give_up: Duration::from_secs(30),
        }
    }

    /// For producers: five minutes without progress.
    #[must_use]
    pub fn producers() -> Self {
        Self {
            give_up: Duration::from_secs(300),
            ..Self::requests()
        }
    }

    /// For subscribers: never gives up. The server says how long the first wait is.
    #[must_use]
    pub fn subscribers() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(30),
            give_up: Duration::MAX,
        }
    }

    /// No second try.
    #[must_use]
    pub fn never() -> Self {
        Self {
            give_up: Duration::ZERO,
            ..Self::requests()
        }
    }
}

/// Failures in a row.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    failures: u32,
    since: Option<Instant>,
}

impl Backoff {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            failures: 0,
            since: None,
        }
    }

    /// Something worked.
    pub(crate) fn reset(&mut self) {
        (self.failures, self.since) = (0, None);
    }

    /// The server names the wait after the first failure.
    pub(crate) fn set_first(&mut self, first: Duration) {
        self.policy.first = first.min(self.policy.most);
    }

    /// How long to wait after a failure; none when it is time to give up.
    pub(crate) fn wait(&mut self, error: &ClientError) -> Option<Duration> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let doubled = 1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX);
        let whole = self
            .policy
            .first
            .saturating_mul(doubled)
            .min(self.policy.most);
        self.failures = self.failures.saturating_add(1);
        let asked = error.retry_after().unwrap_or_default().min(LONGEST_ASKED);
        let wait = jittered(whole).max(asked);
        (since.elapsed().saturating_add(wait) <= self.policy.give_up).then_some(wait)
    }
}

/// A server that asks for a longer wait is asked again all the same: it may mean no such thing, and
/// there is no time that far away.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Between half of it and all of it, so that many clients do not come back at once.
fn jittered(whole: Duration) -> Duration {
    const STEPS: u64 = 1024;
    let step = u32::try_from(random() % STEPS).unwrap_or(0);
    whole / 2 + whole / 2048 * step
}

/// A random number. Where the system has none left the client works on, only less evenly spread.
pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or(0x9e37_79b9_7f4a_7c15)
}

/// A name that nobody else has made up.
pub(crate) fn random_name() -> Result<String, ClientError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        ClientError::invalid(format!("the system gave no random numbers: {error}"))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(retry_after: Option<Duration>) -> ClientError {
        ClientError::Server {
            status: 503,
            body: crate::error::body_of(503, b""),
            retry_after,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_bound_and_end() {
        let policy = RetryPolicy {
            first: Duration::from_secs(1),
            most: Duration::from_secs(4),
            give_up: Duration::from_secs(20),
        };
        let mut backoff = Backoff::new(policy);
        let mut waits = Vec::new();
        while let Some(wait) = backoff.wait(&failure(None)) {
            tokio::time::advance(wait).await;
            waits.push(wait);
        }
        for (wait, most) in waits.iter().zip([1, 2, 4, 4, 4]) {
            let most = Duration::from_secs(most);
            assert!(*wait >= most / 2 && *wait <= most, "{wait:?} of {most:?}");
        }
        assert!(waits.iter().sum::<Duration>() <= policy.give_up);
        backoff.reset();
        assert!(backoff.wait(&failure(None)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_may_ask_for_a_longer_wait_but_not_for_ever() {
        let mut backoff = Backoff::new(RetryPolicy::requests());
        let asked = Some(Duration::from_secs(9));
        assert_eq!(backoff.wait(&failure(asked)), asked);
        assert_eq!(backoff.wait(&failure(Some(Duration::from_secs(31)))), None);
        let mut patient = Backoff::new(RetryPolicy::subscribers());
        let wait = patient.wait(&failure(Some(Duration::MAX))).unwrap();
        assert!(Instant::now().checked_add(wait).is_some(), "{wait:?}");
    }
}
