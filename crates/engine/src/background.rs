//! The work an engine does by itself: it hears hints, reads tails, fires deadlines.

use crate::engine::Inner;
use crate::tasks::Tried;
use crate::topic::End;
use crate::{EngineError, TaskEngine};
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{Index, Millis, TaskId, due};
use taskcast_store::{DueTask, Heard, Hints, StoreError};
use tokio::time::sleep;

/// Passes hints on to the topics.
pub(crate) async fn hints(inner: Arc<Inner>, mut hints: Box<dyn Hints>) {
    loop {
        let heard = tokio::select! {
            () = inner.stop.cancelled() => return,
            heard = hints.next() => heard,
        };
        match heard {
            Some(Heard::Hint(hint)) => {
                if let Some(topic) = inner.topics.get(&hint.task) {
                    topic.hint(hint.epoch, hint.tail);
                }
            }
            Some(Heard::Lost) => look_at_tails(&inner).await,
            None => return,
        }
    }
}

/// Reads the stored tails of followed logs, again and again: all it takes to survive lost hints.
pub(crate) async fn repair(inner: Arc<Inner>, interval: Duration) {
    loop {
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = sleep(interval) => {}
        }
        look_at_tails(&inner).await;
    }
}

async fn look_at_tails(inner: &Inner) {
    const AT_ONCE: usize = 512;
    let topics = inner.topics.all();
    for some in topics.chunks(AT_ONCE) {
        let ids: Vec<TaskId> = some.iter().map(|topic| topic.task.clone()).collect();
        let known: Vec<Index> = some.iter().map(|topic| topic.known()).collect();
        match inner.store.tails(&ids).await {
            Ok(tails) => {
                for ((topic, known), tail) in some.iter().zip(known).zip(tails) {
                    match tail {
                        Some(tail) => topic.observe(tail.epoch, tail.tail, tail.sealed, known),
                        None => topic.end(End::Deleted),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "followed tails could not be read; trying again shortly");
                return;
            }
        }
    }
}

/// Fires deadlines when they have passed.
pub(crate) async fn deadlines(inner: Arc<Inner>, interval: Duration) {
    const AT_ONCE: usize = 512;
    let engine = TaskEngine {
        inner: inner.clone(),
    };
    loop {
        let now = inner.now();
        let wait = match inner.store.due(now, AT_ONCE).await {
            Ok(page) if page.due.is_empty() => until(page.next, now, interval),
            Ok(page) => {
                let all = fire_all(&engine, page.due).await;
                if all { Duration::ZERO } else { interval }
            }
            Err(error) => {
                tracing::warn!(%error, "deadlines could not be read; trying again shortly");
                interval
            }
        };
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = inner.deadlines.notified() => {}
            () = sleep(wait) => {}
        }
    }
}

/// How long to wait for the next deadline. Never longer than the interval: clocks are set.
fn until(next: Option<Millis>, now: Millis, interval: Duration) -> Duration {
    let next = next.map(|at| Duration::from_millis(at.0.saturating_sub(now.0)));
    next.map_or(interval, |wait| wait.min(interval))
}

/// Fires deadlines side by side, so that their commits share fsyncs. Tells whether all could be.
async fn fire_all(engine: &TaskEngine, due: Vec<DueTask>) -> bool {
    const SIDE_BY_SIDE: usize = 64;
    let fired = stream::iter(due).map(|task| async move {
        let outcome = fire(engine, &task).await;
        if let Err(error) = &outcome {
            tracing::warn!(task = %task.id, %error, "a deadline could not be fired; trying again shortly");
        }
        outcome.is_ok()
    });
    // Every one is waited for: one that fails must not keep the others from firing.
    fired
        .buffer_unordered(SIDE_BY_SIDE)
        .fold(true, |all, ok| async move { all && ok })
        .await
}

/// Fires one deadline, if it is still the one that was found: by revision, so never twice.
async fn fire(engine: &TaskEngine, task: &DueTask) -> Result<(), StoreError> {
    let Some(state) = engine.inner.store.load(&task.id).await? else {
        return Ok(());
    };
    let Some((at, what)) = due(&state.record) else {
        return Ok(());
    };
    if state.revision != task.revision || at > engine.now() {
        return Ok(());
    }
    match engine.try_transition(&state, &what.transition()).await {
        Ok(Tried::Done(_)) => {
            tracing::info!(task = %task.id, due = ?what, "a deadline passed");
            Ok(())
        }
        Err(EngineError::Store(error)) => Err(error),
        // Somebody else changed the task first; its new deadline stands in the index.
        Ok(Tried::Changed(_)) | Err(_) => Ok(()),
    }
}
