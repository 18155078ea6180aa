//! Event by event: from the window, from the store, or a wait.

use super::{STEP_BYTES, Subscription};
use crate::EngineError;
use crate::subscribe::ask::{EventFrame, Frame, SeriesFormat};
use crate::topic::{End, Found, Progress, SharedEvent, Total};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{Event, GapReason, Index, Millis, Slot, TombstoneReason};
use taskcast_store::{ReadAsk, Which};
use tokio::time::{Instant, timeout_at};

/// How long a reader waits for a commit that was acknowledged out of order, before it reads the
/// store instead.
const OUT_OF_ORDER: Duration = Duration::from_millis(20);

impl Subscription {
    pub(super) async fn step(&mut self) -> Result<(), EngineError> {
        let progress = *self.progress.borrow_and_update();
        match self.following.read(self.next, STEP_BYTES) {
            Some(events) if !events.is_empty() => return self.pass_shared(events).await,
            _ => {}
        }
        if self.next < progress.known {
            return self.catch_up(progress).await;
        }
        if !self.told_caught_up {
            self.told_caught_up = true;
            self.ready.push(Frame::CaughtUp(self.next));
        }
        if let Some(end) = progress.end {
            return self.end(end).await;
        }
        if !self.ready.is_empty() {
            return Ok(());
        }
        self.wait().await;
        Ok(())
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            // The sender lives as long as the topic that is followed.
            _ = self.progress.changed() => {}
        }
    }

    /// The window does not have what comes next: an acknowledgement is late, or this reader is.
    async fn catch_up(&mut self, progress: Progress) -> Result<(), EngineError> {
        if self.next >= progress.ready && self.comes_soon().await {
            return Ok(());
        }
        let ask = ReadAsk {
            from: self.next,
            to: progress.known,
            which: Which::All,
            max_slots: self.inner.limits.page,
            max_bytes: STEP_BYTES,
        };
        let page = self.read(ask).await?;
        if page.trim > self.next {
            self.broken = Some(GapReason::Trimmed);
            return Ok(());
        }
        if page.next <= self.next && page.tail < progress.known {
            self.following.end(End::Lost);
            self.broken = Some(GapReason::Lost);
            return Ok(());
        }
        let next = page.next;
        for slot in page.slots {
            self.pass_slot(slot).await?;
        }
        self.following.read_elsewhere(next);
        Ok(())
    }

    /// Waits a moment for the commit at the position to be acknowledged. The moment has an end,
    /// however much is acknowledged after it, and however often the wait is begun anew.
    async fn comes_soon(&mut self) -> bool {
        let next = self.next;
        let (_, end) =
            *self
                .patience
                .insert(match self.patience.filter(|(index, _)| *index == next) {
                    Some(begun) => begun,
                    None => (next, Instant::now() + OUT_OF_ORDER),
                });
        let ready = self.progress.wait_for(|progress| progress.ready > next);
        timeout_at(end, ready).await.is_ok()
    }

    async fn pass_slot(&mut self, slot: Slot) -> Result<(), EngineError> {
        match slot {
            Slot::Event(event) => self.pass_event(Arc::new(SharedEvent::new(event))).await,
            Slot::Tombstone(tombstone) => {
                let wanted = self.filter.matches(&tombstone.event_type, tombstone.level);
                let cleaned = tombstone.reason == TombstoneReason::Cleaned;
                if wanted && cleaned && !self.told_cleaned {
                    self.told_cleaned = true;
                    self.tell_gap(tombstone.index.next(), GapReason::Cleaned);
                }
                self.passed(tombstone.index, tombstone.at, wanted);
                Ok(())
            }
        }
    }

    async fn pass_shared(&mut self, events: Vec<Arc<SharedEvent>>) -> Result<(), EngineError> {
        for shared in events {
            self.pass_event(shared).await?;
            if self.ready_bytes >= STEP_BYTES {
                break;
            }
        }
        Ok(())
    }

    async fn pass_event(&mut self, shared: Arc<SharedEvent>) -> Result<(), EngineError> {
        let (index, at) = (shared.event.index, shared.event.at);
        let wanted = self
            .filter
            .matches(&shared.event.event_type, shared.event.level);
        if !wanted {
            self.passed(index, at, false);
            return Ok(());
        }
        let total = self.total(&shared.event).await?;
        let position = if self.filter.is_all() {
            index.0
        } else {
            self.counted
        };
        self.passed(index, at, true);
        let frame = EventFrame {
            shared,
            position,
            total,
            snapshot: false,
            folded: false,
        };
        self.push(Some(Frame::Event(frame)));
        Ok(())
    }

    fn passed(&mut self, index: Index, at: Millis, wanted: bool) {
        self.next = index.next();
        self.last = Some((index, at));
        self.counted += u64::from(wanted);
    }

    /// The running total at a delta, for who wants totals.
    async fn total(&self, event: &Event) -> Result<Option<Total>, EngineError> {
        if self.format == SeriesFormat::Delta {
            return Ok(None);
        }
        let (Some(fold), Some((series, _))) = (event.fold, event.series.effective()) else {
            return Ok(None);
        };
        if fold.text.is_none() {
            return Ok(None);
        }
        match self.following.totals.find(series, event, &fold) {
            Found::Total(total) => Ok(Some(total)),
            Found::Missing(have, run) => {
                let text = self.text(series, fold.run, have..fold.end()).await?;
                let len = usize::try_from(fold.end()).unwrap_or(usize::MAX);
                Ok(run.join(have, &text, len))
            }
        }
    }
}
