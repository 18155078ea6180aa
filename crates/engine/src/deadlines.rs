//! Fires deadlines when they have passed.
//!
//! Every engine looks at the deadlines of the store, a few times a second however many tasks there
//! are. Firing is a commit with the expected revision, so twice is impossible. So that engines
//! rarely do the same work, whoever was too late for most of a page waits a moment before it tries
//! the next one: one of them goes ahead for as long as it lives.

use crate::engine::Inner;
use crate::outage::part;
use crate::tasks::Tried;
use crate::{EngineError, TaskEngine};
use futures_util::stream::{self, StreamExt};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{Millis, due};
use taskcast_store::{DueTask, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

const AT_ONCE: usize = 512;
/// The shortest time between two looks at the store.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest time that others are let go ahead. With the interval it stays below a second.
const STEP_BACK: Duration = Duration::from_millis(300);

/// The earliest deadline that this engine has set and not looked for yet.
#[derive(Default)]
pub(crate) struct Alarm {
    /// Held for memory operations only.
    earliest: Mutex<Option<Millis>>,
    rings: Notify,
}

impl Alarm {
    /// A task of this engine has a deadline. Costs the store nothing before it has come.
    pub(crate) fn set(&self, at: Millis) {
        let mut earliest = self.earliest.lock();
        if earliest.is_none_or(|before| at < before) {
            *earliest = Some(at);
            self.rings.notify_one();
        }
    }

    fn earliest(&self) -> Option<Millis> {
        *self.earliest.lock()
    }

    /// Forgets the deadlines up to now: they are looked for.
    fn look(&self, now: Millis) {
        let mut earliest = self.earliest.lock();
        *earliest = earliest.filter(|at| *at > now);
    }
}

/// Fires deadlines until the engine stops.
pub(crate) async fn fire(inner: Arc<Inner>, interval: Duration) {
    let engine = TaskEngine {
        inner: inner.clone(),
    };
    let mut late = false;
    loop {
        let wait = match look(&engine, interval, &mut late).await {
            Ok(wait) => wait.max(PAUSE),
            Err(error) => {
                tracing::warn!(%error, "deadlines could not be read; trying again shortly");
                interval
            }
        };
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = wait_for(&inner, wait) => {}
        }
    }
}

/// Waits so long, or until a deadline that is set meanwhile.
async fn wait_for(inner: &Inner, wait: Duration) {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let wait = until(inner.alarm.earliest(), inner.now(), left).max(PAUSE.min(left));
        tokio::select! {
            () = inner.alarm.rings.notified() => {}
            () = sleep(wait) => return,
        }
    }
}

/// How long to wait for the next deadline. Never longer than the interval: clocks are set.
fn until(next: Option<Millis>, now: Millis, interval: Duration) -> Duration {
    let next = next.map(|at| Duration::from_millis(at.0.saturating_sub(now.0)));
    next.map_or(interval, |wait| wait.min(interval))
}

/// Fires what is due. Tells how long to wait before the next look.
async fn look(
    engine: &TaskEngine,
    interval: Duration,
    late: &mut bool,
) -> Result<Duration, StoreError> {
    let inner = &engine.inner;
    let now = inner.now();
    inner.alarm.look(now);
    let mut page = inner.store.due(now, AT_ONCE).await?;
    if *late && !page.due.is_empty() {
        step_back(inner).await;
        page = inner.store.due(now, AT_ONCE).await?;
    }
    if page.due.is_empty() {
        return Ok(until(page.next, now, interval));
    }
    let all = page.due.len();
    shuffle(inner, &mut page.due);
    let fired = fire_all(engine, page.due).await;
    *late = fired.before * 2 > all;
    Ok(if fired.failed == 0 {
        Duration::ZERO
    } else {
        interval
    })
}

async fn step_back(inner: &Inner) {
    let wait = part(STEP_BACK, inner.random.next());
    tokio::select! {
        () = inner.stop.cancelled() => {}
        () = sleep(wait) => {}
    }
}

/// Two engines that read the same page begin at different ends of it.
fn shuffle(inner: &Inner, due: &mut [DueTask]) {
    for last in (1..due.len()).rev() {
        let other = usize::try_from(inner.random.next() % (last as u64 + 1)).unwrap_or(last);
        due.swap(last, other);
    }
}

/// What became of a page of deadlines.
#[derive(Clone, Copy, Default)]
struct Fired {
    /// How many somebody else had fired, or moved.
    before: usize,
    /// How many could not be.
    failed: usize,
}

/// Fires deadlines side by side, so that their commits share fsyncs. Every one is waited for: one
/// that fails must not keep the others from firing.
async fn fire_all(engine: &TaskEngine, due: Vec<DueTask>) -> Fired {
    const SIDE_BY_SIDE: usize = 64;
    let fired = stream::iter(due).map(|task| async move {
        let outcome = fire_one(engine, &task).await;
        if let Err(error) = &outcome {
            tracing::warn!(task = %task.id, %error, "a deadline could not be fired; trying again shortly");
        }
        outcome
    });
    let count = |fired: Fired, outcome| Fired {
        before: fired.before + usize::from(matches!(outcome, Ok(false))),
        failed: fired.failed + usize::from(outcome.is_err()),
    };
    fired
        .buffer_unordered(SIDE_BY_SIDE)
        .fold(
            Fired::default(),
            |fired, outcome: Result<bool, StoreError>| std::future::ready(count(fired, outcome)),
        )
        .await
}

/// Fires one deadline, if it is still the one that was found: by revision, so never twice. Tells
/// whether it was this engine that did.
async fn fire_one(engine: &TaskEngine, task: &DueTask) -> Result<bool, StoreError> {
    let Some(state) = engine.inner.store.load(&task.id).await? else {
        return Ok(false);
    };
    let Some((at, what)) = due(&state.record) else {
        return Ok(false);
    };
    if state.revision != task.revision || at > engine.now() {
        return Ok(false);
    }
    match engine.try_transition(&state, &what.transition()).await {
        Ok(Tried::Done(_)) => {
            tracing::info!(task = %task.id, due = ?what, "a deadline passed");
            Ok(true)
        }
        Err(EngineError::Store(error)) => Err(error),
        // Somebody else changed the task first; its new deadline stands in the index.
        Ok(Tried::Changed(_)) | Err(_) => Ok(false),
    }
}
