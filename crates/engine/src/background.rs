//! The work an engine does by itself for its followers: it hears hints, and reads tails.

use crate::engine::Inner;
use crate::fetch::verify_all;
use crate::outage::{Outage, part};
use crate::topic::{End, Topic};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use taskcast_core::{Index, TaskId};
use taskcast_store::{Heard, Hints, StoreError, Tail};
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
                    inner.fetch(&topic);
                }
            }
            Some(Heard::Lost) => {
                inner.unverified.store(true, Ordering::Relaxed);
                let looking = inner.stop.run_until_cancelled(look(&inner));
                if let Some(Err(error)) = looking.await {
                    tracing::warn!(%error, "hints were lost, and logs could not be read yet");
                }
            }
            None => return,
        }
    }
}

/// Reads the stored tails of followed logs, again and again: all it takes to survive lost hints.
/// The pauses differ, so that many engines do not ask the store at one time.
pub(crate) async fn repair(inner: Arc<Inner>, interval: Duration) {
    let mut outage = Outage::default();
    loop {
        let pause = interval - part(interval / 4, inner.random.next());
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        match inner.stop.run_until_cancelled(look(&inner)).await {
            None => return,
            Some(Ok(())) => outage = Outage::default(),
            Some(Err(error)) => {
                tracing::warn!(%error, "followed tails could not be read; trying again shortly");
                if outage.is_over(inner.outage_patience) {
                    give_up(&inner, &error);
                }
            }
        }
    }
}

/// Looks at the followed logs: where they stand and, after hints were lost, whether they are what
/// they were. An outage that loses the hints outlasts them: then this is tried again.
async fn look(inner: &Arc<Inner>) -> Result<(), StoreError> {
    look_at_tails(inner).await?;
    if inner.unverified.swap(false, Ordering::Relaxed)
        && let Err(error) = verify_all(inner).await
    {
        inner.unverified.store(true, Ordering::Relaxed);
        return Err(error);
    }
    Ok(())
}

/// Reads the tails of all followed logs, if there are any.
async fn look_at_tails(inner: &Arc<Inner>) -> Result<(), StoreError> {
    const AT_ONCE: usize = 512;
    let topics = inner.topics.all();
    for some in topics.chunks(AT_ONCE) {
        let ids: Vec<TaskId> = some.iter().map(|topic| topic.task.clone()).collect();
        let known: Vec<Index> = some.iter().map(|topic| topic.known()).collect();
        let tails = inner.store.tails(&ids).await?;
        for ((topic, known), tail) in some.iter().zip(known).zip(tails) {
            observe(inner, topic, known, tail);
        }
    }
    Ok(())
}

fn observe(inner: &Arc<Inner>, topic: &Arc<Topic>, known: Index, tail: Option<Tail>) {
    match tail {
        Some(tail) => topic.observe(tail.epoch, tail.tail, tail.sealed, known),
        None => topic.end(End::Deleted),
    }
    inner.fetch(topic);
}

/// Ends the streams: their readers may find the store through another engine.
fn give_up(inner: &Inner, error: &StoreError) {
    for topic in inner.topics.all() {
        topic.fail(error);
    }
}
