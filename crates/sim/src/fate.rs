//! What happens to a call to a store: decided by the seed, the call and the virtual time, never by
//! who came first, so that a seed is a whole run.

use crate::rng::{hash, hash_text};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use taskcast_store::StoreError;
use tokio::time::{Instant, sleep};

/// The faults of one store.
pub(crate) struct Faults {
    name: &'static str,
    seed: u64,
    outages: Outages,
    began: Instant,
    on: AtomicBool,
    count: AtomicU64,
}

/// How often nothing is answered at all.
#[derive(Clone, Copy)]
pub(crate) struct Outages {
    /// The longest, in milliseconds; time is divided into stretches of this length.
    pub(crate) of: u64,
    /// One in so many stretches has an outage.
    pub(crate) once_in: u64,
}

/// What happens to one call; nothing when there are no faults any more.
pub(crate) struct Fate(Option<u64>);

impl Faults {
    /// The faults of a seed.
    #[must_use]
    pub(crate) fn new(name: &'static str, seed: u64, outages: Outages) -> Self {
        Self {
            name,
            seed: hash(&[seed, hash_text(name)]),
            outages,
            began: Instant::now(),
            on: AtomicBool::new(true),
            count: AtomicU64::new(0),
        }
    }

    /// Ends them.
    pub(crate) fn heal(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// How many calls failed so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Decides about a call, and lets it wait and fail before anything is done.
    pub(crate) async fn enter(&self, what: &str, id: &str, salt: u64) -> Result<Fate, StoreError> {
        if !self.on.load(Ordering::Relaxed) {
            return Ok(Fate(None));
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.is_away(now) {
            return Err(self.fail("in an outage, before"));
        }
        let fate = hash(&[self.seed, hash_text(what), hash_text(id), salt, now]);
        if fate.is_multiple_of(16) {
            sleep(Duration::from_millis((fate >> 8) % 40)).await;
        }
        if (fate >> 16).is_multiple_of(60) {
            return Err(self.fail("before"));
        }
        Ok(Fate(Some(fate)))
    }

    /// Lets the answer of what was done come late, very late, or as a failure.
    pub(crate) async fn leave(&self, fate: &Fate) -> Result<(), StoreError> {
        let Fate(Some(fate)) = fate else {
            return Ok(());
        };
        match (fate >> 24) % 40 {
            0 => return Err(self.fail("after")),
            1..8 => sleep(Duration::from_millis((fate >> 32) % 60)).await,
            8 => sleep(Duration::from_secs(4)).await,
            _ => {}
        }
        Ok(())
    }

    fn is_away(&self, now: u64) -> bool {
        let Outages { of, once_in } = self.outages;
        let fate = hash(&[self.seed, now / of]);
        fate.is_multiple_of(once_in) && now % of < (fate >> 8) % of
    }

    fn fail(&self, when: &str) -> StoreError {
        self.count.fetch_add(1, Ordering::Relaxed);
        StoreError::unavailable(self.name, format!("it failed {when} the call"))
    }
}
