//! Reads what other engines committed into the windows: one read for all followers of a log.
//!
//! A hint, a tail that was looked at, or an acknowledgement that came before the one it follows
//! makes a topic know of slots that its window lacks. Then one task of the engine reads them, and
//! goes on while more becomes known: hints that come meanwhile cost no read of their own.

use crate::engine::Inner;
use crate::outage::Outage;
use crate::topic::{End, Topic};
use futures_util::stream::{self, TryStreamExt};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::Index;
use taskcast_store::{Page, ReadAsk, ReadError, StoreError, Which};

/// How long the acknowledgements under way are waited for, before the store is read instead.
const OUT_OF_ORDER: Duration = Duration::from_millis(20);
/// Payload bytes, about, in one read.
const PAGE_BYTES: usize = 256 << 10;
/// Topics that are verified side by side.
const SIDE_BY_SIDE: usize = 64;

impl Inner {
    /// Sees to it that what a topic lacks is read.
    pub(crate) fn fetch(self: &Arc<Self>, topic: &Arc<Topic>) {
        if topic.begin_reading() {
            self.background.spawn(fetch(self.clone(), topic.clone()));
        }
    }
}

async fn fetch(inner: Arc<Inner>, topic: Arc<Topic>) {
    let (mut outage, mut before) = (Outage::default(), true);
    while !inner.stop.is_cancelled() {
        // Own commits bring their events along.
        topic.settle(OUT_OF_ORDER).await;
        let Some(missing) = topic.missing() else {
            if topic.end_reading() {
                continue;
            }
            return;
        };
        match read(&inner, &topic, &missing, before).await {
            Ok(page) => {
                outage = Outage::default();
                let nothing = page.next <= missing.start && page.tail >= missing.end;
                if nothing && !before {
                    topic.fail(&holds_nothing(&topic, missing.start));
                }
                topic.take_page(&missing, page);
                // Where one tier ends, a page may hold the slot before and no more.
                before = !nothing;
            }
            Err(ReadError::Gone) => topic.end(End::Deleted),
            Err(ReadError::Store(error)) => {
                if let Err(error) = outage.bear(&inner, error).await {
                    topic.fail(&error);
                }
            }
        }
    }
}

/// Looks at the last slot that followers of each log were given: hints may have been lost because
/// the store was, and with it what it had acknowledged.
pub(crate) async fn verify_all(inner: &Arc<Inner>) -> Result<(), StoreError> {
    let topics = stream::iter(inner.topics.all().into_iter().map(Ok));
    let verify = |topic: Arc<Topic>| async move {
        let Some(last) = topic.last_given() else {
            return Ok(());
        };
        match read(inner, &topic, &(last.next()..last.next()), true).await {
            Ok(page) => topic.verify(&page.slots),
            Err(ReadError::Gone) => topic.end(End::Deleted),
            Err(ReadError::Store(error)) => return Err(error),
        }
        Ok(())
    };
    topics.try_for_each_concurrent(SIDE_BY_SIDE, verify).await
}

/// A store that has what is asked for and does not give it: nobody shall ask forever.
pub(crate) fn holds_nothing(topic: &Topic, at: Index) -> StoreError {
    let cause = format!("a page of task {} at index {at} holds nothing", topic.task);
    StoreError::damaged("the store", cause)
}

/// Reads what is missing, with the slot before it, which shows whether it is the same log still.
async fn read(
    inner: &Inner,
    topic: &Topic,
    missing: &Range<Index>,
    before: bool,
) -> Result<Page, ReadError> {
    let first = missing.start.previous().filter(|_| before);
    let ask = ReadAsk {
        from: first.unwrap_or(missing.start),
        to: missing.end,
        which: Which::All,
        max_slots: inner.limits.page.saturating_add(1),
        // Room for two of the largest events: the page goes beyond the slot before.
        max_bytes: PAGE_BYTES.max(2 * inner.limits.event_data_bytes),
    };
    inner.store.read(&topic.task, topic.epoch, ask).await
}
