//! The folded replay: unfolded events and heads, in the order of their indexes.

use super::{STEP_BYTES, Subscription};
use crate::EngineError;
use crate::subscribe::ask::{EventFrame, Frame};
use crate::subscribe::{Next, Replay};
use crate::topic::{SharedEvent, Total};
use std::sync::Arc;
use taskcast_core::{Event, EventId, GapReason, Head, Slot};
use taskcast_store::ReadAsk;

impl Subscription {
    pub(super) async fn replay_step(&mut self) -> Result<(), EngineError> {
        while self.ready_bytes < STEP_BYTES {
            let Some(replay) = &self.replay else {
                return Ok(());
            };
            match replay.next() {
                Next::Page(ask) => self.replay_page(ask).await?,
                Next::Slot(slot) => {
                    let frame = self.replayed_slot(slot, replay);
                    self.pass(frame);
                }
                Next::Head(head) => {
                    let frame = self.replayed_head(head, replay).await?;
                    self.pass(frame);
                }
                Next::End => {
                    self.end_replay();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn replay_page(&mut self, ask: ReadAsk) -> Result<(), EngineError> {
        let page = self.read(ask).await?;
        let trimmed = page.trim > ask.from;
        let recounted = if trimmed {
            Some(self.count(page.trim.min(ask.to)).await?)
        } else {
            None
        };
        if let Some(replay) = &mut self.replay {
            replay.counted = recounted.unwrap_or(replay.counted);
            let earliest = page.trim;
            replay.take(page);
            if trimmed {
                self.tell_gap(earliest, GapReason::Trimmed);
            }
        }
        Ok(())
    }

    fn replayed_slot(&self, slot: &Slot, replay: &Replay) -> Option<Frame> {
        let event = slot.event().filter(|event| !event.series.is_folded())?;
        let wanted = self.filter.matches(&event.event_type, event.level);
        wanted.then(|| {
            let position = replay.position(event.index, &self.filter);
            self.folded_frame(event, position, None, false)
        })
    }

    async fn replayed_head(
        &self,
        head: &Head,
        replay: &Replay,
    ) -> Result<Option<Frame>, EngineError> {
        let event = &head.newest;
        if !self.filter.matches(&event.event_type, event.level) {
            return Ok(None);
        }
        let total = match event.fold {
            Some(fold) if fold.text.is_some() => {
                let text = self.text(&head.series, fold.run, 0..fold.end()).await?;
                Some(Total::alone(text))
            }
            _ => None,
        };
        Ok(Some(self.folded_frame(
            event,
            replay.position(event.index, &self.filter),
            total,
            true,
        )))
    }

    fn folded_frame(
        &self,
        event: &Event,
        position: u64,
        total: Option<Total>,
        snapshot: bool,
    ) -> Frame {
        let shared = Arc::new(SharedEvent::new(event.clone()));
        Frame::Event(EventFrame {
            shared,
            position,
            total,
            snapshot,
            folded: true,
        })
    }

    fn pass(&mut self, frame: Option<Frame>) {
        if let Some(replay) = &mut self.replay {
            let seen = match replay.next() {
                Next::Slot(slot) => Some((slot.index(), slot.at())),
                Next::Head(head) => Some((head.newest.index, head.newest.at)),
                Next::Page(_) | Next::End => None,
            };
            self.last = self.last.max(seen);
            replay.pass(&self.filter);
        }
        self.push(frame);
    }

    /// From here on the fold is exact: ids are plain, and one frame says so.
    fn end_replay(&mut self) {
        let Some(replay) = self.replay.take() else {
            return;
        };
        self.next = replay.upto;
        self.counted = replay.counted;
        self.last = self.last.filter(|(index, _)| index.next() == self.next);
        if let Some((index, at)) = self.last {
            self.ready.push(Frame::Progress(EventId {
                at,
                epoch: self.following.epoch,
                index,
            }));
        }
    }
}
