//! Event by event: from the window, from the store, or a wait.

use super::{STEP_BYTES, Subscription};
use crate::EngineError;
use crate::fetch::holds_nothing;
use crate::subscribe::ask::{EventFrame, Frame, SeriesFormat};
use crate::topic::{Ahead, End, Found, Held, SharedEvent, Total};
use std::sync::Arc;
use taskcast_core::{Event, GapReason, Index, Millis, Slot, Tombstone, TombstoneReason};
use taskcast_store::{ReadAsk, Which};

impl Subscription {
    pub(super) async fn step(&mut self) -> Result<(), EngineError> {
        let progress = *self.progress.borrow_and_update();
        match self.following.ahead(self.next, STEP_BYTES) {
            Ahead::Held(slots) => return self.pass_held(slots).await,
            Ahead::Stored(upto) => return self.catch_up(upto, progress.known).await,
            Ahead::Nothing => {}
        }
        // What is known to come is being read by the engine, once for all followers.
        let more = self.next < progress.known;
        if !more && !self.told_caught_up {
            self.told_caught_up = true;
            self.ready.push(Frame::CaughtUp(self.next));
        }
        match progress.end {
            Some(End::Sealed) if more => {}
            Some(end) => return self.end(end).await,
            None => {}
        }
        if self.ready.is_empty() {
            self.wait().await;
        }
        Ok(())
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            // The sender lives as long as the topic that is followed.
            _ = self.progress.changed() => {}
        }
    }

    /// The window begins after the position: this reader is late.
    async fn catch_up(&mut self, upto: Index, known: Index) -> Result<(), EngineError> {
        let ask = ReadAsk {
            from: self.next,
            to: upto,
            which: Which::All,
            max_slots: self.inner.limits.page,
            max_bytes: STEP_BYTES,
        };
        let page = self.read(ask).await?;
        if page.trim > self.next {
            self.broken = Some(GapReason::Trimmed);
            return Ok(());
        }
        if page.next <= self.next && page.tail < known {
            self.following.end(End::Lost);
            self.broken = Some(GapReason::Lost);
            return Ok(());
        }
        if page.next <= self.next {
            return Err(holds_nothing(&self.following, self.next).into());
        }
        for slot in page.slots {
            self.pass_slot(slot).await?;
        }
        Ok(())
    }

    async fn pass_slot(&mut self, slot: Slot) -> Result<(), EngineError> {
        match slot {
            Slot::Event(event) => self.pass_event(Arc::new(SharedEvent::new(event))).await,
            Slot::Tombstone(tombstone) => {
                self.pass_tombstone(&tombstone);
                Ok(())
            }
        }
    }

    fn pass_tombstone(&mut self, tombstone: &Tombstone) {
        let wanted = self.filter.matches(&tombstone.event_type, tombstone.level);
        let cleaned = tombstone.reason == TombstoneReason::Cleaned;
        if wanted && cleaned && !self.told_cleaned {
            self.told_cleaned = true;
            self.tell_gap(tombstone.index.next(), GapReason::Cleaned);
        }
        self.passed(tombstone.index, tombstone.at, wanted);
    }

    async fn pass_held(&mut self, slots: Vec<Held>) -> Result<(), EngineError> {
        for held in slots {
            match held {
                Held::Event(shared) => self.pass_event(shared).await?,
                Held::Tombstone(tombstone) => self.pass_tombstone(&tombstone),
            }
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
