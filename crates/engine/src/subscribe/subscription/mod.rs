//! A subscription: a loop over a position, first through a folded replay, then event by event.
//!
//! Behind the tail it takes events from the topic's window, or else a page from the store; at the
//! tail it ends when the log is sealed, and waits when it is not. A slow reader is further behind,
//! nothing else. Every step leaves the subscription whole, so a step may be dropped while it waits.

mod begin;
mod ending;
mod folded;
mod live;

use super::Replay;
use super::ask::{Frame, Opening, SeriesFormat};
use crate::EngineError;
use crate::engine::Inner;
use crate::outage::Outage;
use crate::topic::{End, Following, Progress, Total};
use bytes::Bytes;
use std::sync::Arc;
use taskcast_core::{EventFilter, EventId, GapReason, Index, Millis, SeriesId, TaskId};
use taskcast_store::{Page, ReadAsk};
use tokio::sync::watch;
use tokio::task::coop::consume_budget;
use tokio_util::sync::CancellationToken;

/// Payload bytes, about, in one step of a stream.
const STEP_BYTES: usize = 128 << 10;

/// A stream of frames of one task. Ends with [`Frame::Done`].
pub struct Subscription {
    inner: Arc<Inner>,
    following: Following,
    /// When the task was created: what tells a task that came back from one created anew.
    created_at: Millis,
    progress: watch::Receiver<Progress>,
    stop: CancellationToken,
    filter: EventFilter,
    format: SeriesFormat,
    /// The cursor the subscriber came with, for gaps.
    requested: String,
    opening: Opening,
    /// The folded replay, while there is one.
    replay: Option<Replay>,
    /// The next index to look at, after the replay.
    next: Index,
    /// How many slots below `next` the filter matches; not kept when it matches all.
    counted: u64,
    /// The slot before `next`, when it was looked at.
    last: Option<(Index, Millis)>,
    /// Frames to leave out, because only the newest were asked for.
    skip: u64,
    /// How it fares while the store does not answer.
    outage: Outage,
    /// Why the stream has to start over, from when that is found out until it has been done.
    broken: Option<GapReason>,
    told_cleaned: bool,
    told_caught_up: bool,
    over: bool,
    /// Frames that are ready to go out, and their payload bytes.
    ready: Vec<Frame>,
    ready_bytes: usize,
}

impl Subscription {
    /// How the stream began.
    #[must_use]
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &TaskId {
        &self.following.task
    }

    /// A cursor for what was looked at so far: everything up to it was delivered, or was not
    /// asked for. None during a folded replay.
    #[must_use]
    pub fn cursor(&self) -> Option<EventId> {
        let (index, at) = self
            .last
            .filter(|_| self.replay.is_none() && self.ready.is_empty())?;
        Some(EventId {
            at,
            epoch: self.following.epoch,
            index,
        })
    }

    /// The next frames, as soon as there are any: up to some 128 KiB of payload. None after the
    /// end. May be dropped while it waits, without losing a frame.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] when the engine stops; [`EngineError::AnotherLog`]; or the store,
    /// when it has not answered for as long as the engine bears. A reader that comes back with its
    /// cursor goes on where the error came.
    pub async fn next(&mut self) -> Result<Option<Vec<Frame>>, EngineError> {
        loop {
            if !self.ready.is_empty() {
                self.ready_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.ready)));
            }
            if self.over {
                return Ok(None);
            }
            if self.stop.is_cancelled() {
                return Err(EngineError::Stopping);
            }
            // A filter that matches little makes many turns that wait for nothing.
            consume_budget().await;
            match self.turn().await {
                Ok(()) => self.outage = Outage::default(),
                // The task was deleted between two looks at it.
                Err(EngineError::NotFound(_)) => self.deleted(),
                Err(EngineError::Store(error)) if !self.is_given_up() => {
                    self.outage.bear(&self.inner, error).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the engine has tried long enough, for all followers of the log.
    fn is_given_up(&self) -> bool {
        self.progress.borrow().end == Some(End::Failed)
    }

    async fn turn(&mut self) -> Result<(), EngineError> {
        match self.act().await {
            Err(EngineError::NotFound(_)) => self.gone().await,
            outcome => outcome,
        }
    }

    async fn act(&mut self) -> Result<(), EngineError> {
        match self.broken {
            Some(reason) => self.start_over(reason).await,
            None if self.replay.is_some() => self.replay_step().await,
            None => self.step().await,
        }
    }

    fn push(&mut self, frame: Option<Frame>) {
        let Some(frame) = frame else { return };
        // What came after the stream began is never left out, also if less came before than counted.
        if let Frame::Event(event) = &frame
            && self.skip > 0
            && event.shared.event.index < self.opening.tail
        {
            self.skip -= 1;
            return;
        }
        if let Frame::Event(event) = &frame {
            let total = event.total.as_ref().map_or(0, Total::len);
            self.ready_bytes += event.shared.event.weight() + total;
        }
        self.ready.push(frame);
    }

    /// A page of the log.
    async fn read(&self, ask: ReadAsk) -> Result<Page, EngineError> {
        let (id, epoch) = (&self.following.task, self.following.epoch);
        let page = self.inner.store.read(id, epoch, ask).await;
        page.map_err(|error| EngineError::from_read(error, id))
    }

    async fn text(
        &self,
        series: &SeriesId,
        run: Index,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes, EngineError> {
        let (id, epoch) = (&self.following.task, self.following.epoch);
        let text = self.inner.store.text(id, epoch, series, run, range).await;
        text.map_err(|error| EngineError::from_read(error, id))
    }
}
