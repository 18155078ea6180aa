//! The archiver: one instance of all follows the change feed, whichever holds the lease.
//!
//! ```text
//!   newest ──▶ feed: what changed ──▶ gather: slots from the watermark ──▶ archive, in batches
//!                  └ position moves when all up to there is kept               │
//!   notes: deleted ──▶ delete, released ──▶ cool          candidates: release ◀┘
//! ```
//!
//! All of it is at least once and without effect when repeated, so a crash only delays it. A step is
//! bounded work. It reads no clock but that of the store and of the runtime.

mod archiving;
mod candidates;
mod feed;
mod gather;
mod junction;
mod notes;
mod releasing;

use super::tiered::Tiers;
use crate::StoreError;
use candidates::Candidates;
use feed::Feed;
use notes::Burials;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// The lease of whoever archives.
const LEASE: &str = "archive";
/// How often the backlog is looked at, and notes are; or every few polls, if these are quick.
const SECOND: Duration = Duration::from_secs(1);
/// The longest wait after a failure: the backlog is looked at meanwhile.
const MAX_WAIT: Duration = SECOND;
/// How long giving the lease back may take.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// Follows the change feed of a short-term store and archives it.
pub struct Archiver {
    tiers: Arc<Tiers>,
    holder: u64,
    /// When the lease was last taken or extended.
    leased: Option<Instant>,
    /// Whether each step does everything, however short ago it was done: when driven by hand.
    eager: bool,
    looked: Option<Instant>,
    settled: Option<Instant>,
    feeds: Vec<Feed>,
    candidates: Candidates,
    burials: Burials,
}

/// What a step found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Whether this archiver holds the lease.
    pub working: bool,
    /// Whether there is more to do at once.
    pub more: bool,
}

impl Archiver {
    pub(super) fn new(tiers: Arc<Tiers>) -> Self {
        Self {
            holder: (tiers.random)(),
            tiers,
            leased: None,
            eager: true,
            looked: None,
            settled: None,
            feeds: Vec::new(),
            candidates: Candidates::default(),
            burials: Burials::default(),
        }
    }

    /// Does some of what there is to do.
    ///
    /// # Errors
    /// When one of the stores cannot; a later step goes on where this one ended.
    pub async fn step(&mut self) -> Result<Step, StoreError> {
        if self.is_time(self.looked) {
            self.tiers.look_at_backlog().await?;
            self.looked = Some(Instant::now());
        }
        let working = self.lease().await?;
        self.tiers.backlog.set_working(working);
        if !working {
            return Ok(Step::default());
        }
        self.look_for_changes().await?;
        self.archive_some().await?;
        self.finish_passes().await?;
        if self.is_time(self.settled) {
            self.settle_notes().await?;
            self.settled = Some(Instant::now());
        }
        let releasing = self.release_some().await?;
        let more = releasing || self.feeds.iter().any(Feed::has_more);
        Ok(Step { working, more })
    }

    /// Gives the lease back, so that another instance goes on at once.
    pub async fn finish(&mut self) {
        if self.leased.take().is_some() {
            let back = self.tiers.hot.unlease(LEASE, self.holder);
            // Should it fail, the lease passes by itself.
            _ = timeout(GIVE_BACK, back).await;
        }
        self.tiers.backlog.set_working(false);
    }

    fn is_time(&self, last: Option<Instant>) -> bool {
        let pace = SECOND.min(self.tiers.options.poll_interval * 5);
        self.eager || last.is_none_or(|last| last.elapsed() >= pace)
    }

    /// Takes the lease or extends it, when it is time.
    async fn lease(&mut self) -> Result<bool, StoreError> {
        let ttl = self.tiers.options.lease_ttl;
        let asked = Instant::now();
        let fresh = |at: Instant| asked.duration_since(at) < ttl / 3;
        if !self.eager && self.leased.is_some_and(fresh) {
            return Ok(true);
        }
        if !self.tiers.hot.lease(LEASE, self.holder, ttl).await? {
            self.leased = None;
            return Ok(false);
        }
        let held = self.holds_lease();
        self.leased = Some(asked);
        if !held {
            // Another may have worked meanwhile: nothing that is remembered holds.
            self.begin().await?;
        }
        Ok(true)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.candidates = Candidates::default();
        self.burials = Burials::default();
        let read = Feed::all(&self.tiers).await;
        if read.is_err() {
            self.leased = None;
        }
        self.feeds = read?;
        Ok(())
    }

    /// Whether the lease has certainly not passed, as far as this process can tell.
    fn holds_lease(&self) -> bool {
        let ttl = self.tiers.options.lease_ttl;
        self.leased.is_some_and(|at| at.elapsed() < ttl * 3 / 4)
    }
}

/// Makes steps until it is stopped.
pub(super) async fn run(mut archiver: Archiver, mut stopped: watch::Receiver<bool>) {
    archiver.eager = false;
    let mut outage = Outage::default();
    loop {
        let stepped = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            stepped = archiver.step() => stepped,
        };
        let wait = outage.wait_after(stepped, &archiver.tiers);
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = sleep(wait) => {}
        }
    }
    archiver.finish().await;
}

/// Failures in a row.
#[derive(Default)]
struct Outage {
    failures: u32,
}

impl Outage {
    /// How long to wait before the next step. One line when an outage begins, one when it ends.
    fn wait_after(&mut self, stepped: Result<Step, StoreError>, tiers: &Tiers) -> Duration {
        let options = &tiers.options;
        match stepped {
            Ok(step) => {
                if std::mem::take(&mut self.failures) > 0 {
                    tracing::info!("the archiver goes on");
                }
                match step {
                    Step { more: true, .. } => Duration::ZERO,
                    Step { working: true, .. } => options.poll_interval,
                    Step { .. } => (options.lease_ttl / 8).max(options.poll_interval),
                }
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(%error, "the archiver waits; what is not archived stays in the short-term store");
                }
                self.failures = self.failures.saturating_add(1);
                let wait = options.poll_interval * (1 << self.failures.min(6));
                let wait = wait.min(MAX_WAIT);
                // From half of it to all of it, so that instances do not come back together.
                let part = u32::try_from((tiers.random)() % 512).unwrap_or(0);
                wait / 2 + wait / 1_024 * part
            }
        }
    }
}
