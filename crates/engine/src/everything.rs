//! The events of all tasks a caller may see, in the order of commits.
//!
//! The position is the number of a commit per partition, and the index below which the slots of
//! the next commit were given already (a commit is of one log). As text:
//! `<incarnation>-<commit>.<index>`, partitions joined by commas. Within a partition events come in
//! the order of commits; between partitions there is no order.

mod position;

use crate::engine::Inner;
use crate::feed::FeedReader;
use crate::outage::Outage;
use crate::topic::Seat;
use crate::{EngineError, Gap, TaskEngine};
use position::Position;
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventFilter, GapReason, Identity, Index, Scope, TaskId,
};
use taskcast_store::{Appended, AppendedPage, Partition};
use tokio::task::coop::consume_budget;

/// What a reader of everything asks for.
#[derive(Clone, Debug, Default)]
pub struct EverythingAsk {
    /// The events it wants.
    pub filter: EventFilter,
    /// The cursor it came with; without one it begins now.
    pub cursor: Option<String>,
}

/// A part of the stream.
#[derive(Clone, Debug)]
pub enum EverythingFrame {
    /// An event.
    Event {
        /// The task.
        task: TaskId,
        /// Its log.
        epoch: Epoch,
        /// The event.
        event: Box<Event>,
        /// The cursor after it.
        cursor: String,
    },
    /// Something is missing; the stream goes on with what is left.
    Gap(Gap),
}

/// A stream of the events of all tasks. Never ends by itself.
pub struct EverythingStream {
    inner: Arc<Inner>,
    identity: Arc<Identity>,
    filter: EventFilter,
    incarnation: u64,
    /// Where it has read to, by partition.
    positions: Vec<Position>,
    /// Where it stood when the last frames were given.
    given: Vec<Position>,
    /// The partition that is read first in the next turn, so that each has its turn.
    first: usize,
    reader: FeedReader,
    outage: Outage,
    ready: Vec<EverythingFrame>,
    ready_bytes: usize,
    /// Counts the stream among the subscribers.
    _seat: Seat,
}

/// Events read at once from one partition.
const PAGE: usize = 256;
/// Payload bytes, about, at which frames go out before other partitions are read.
const STEP_BYTES: usize = 128 << 10;

impl TaskEngine {
    /// Follows the events of all tasks that `identity` may see.
    ///
    /// # Errors
    /// [`EngineError::TooManySubscribers`], [`EngineError::Stopping`], or the store.
    pub async fn everything(
        &self,
        identity: Arc<Identity>,
        ask: EverythingAsk,
    ) -> Result<EverythingStream, EngineError> {
        let inner = self.inner.clone();
        if inner.stop.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let seat = inner.topics.seat()?;
        let (reader, incarnation) = (inner.feed.read(), inner.store.info().incarnation);
        let newest = look(&inner).await?;
        let (mut ready, mut positions) = (Vec::new(), newest.clone());
        if let Some(text) = ask.cursor {
            match position::parse(&text, incarnation, &newest) {
                Some(parsed) => positions = parsed,
                None => ready.push(gap(text, GapReason::Unknown)),
            }
        }
        Ok(EverythingStream {
            inner,
            identity,
            filter: ask.filter,
            incarnation,
            given: positions.clone(),
            positions,
            first: 0,
            reader,
            outage: Outage::default(),
            ready,
            ready_bytes: 0,
            _seat: seat,
        })
    }
}

/// The end of every partition.
async fn look(inner: &Inner) -> Result<Vec<Position>, EngineError> {
    let before = inner.feed.newest();
    let newest = inner.store.newest().await?;
    inner.feed.looked(&before, &newest);
    Ok(newest.into_iter().map(Position::after).collect())
}

fn gap(requested: String, reason: GapReason) -> EverythingFrame {
    EverythingFrame::Gap(Gap {
        requested,
        earliest: Index::START,
        reason,
    })
}

impl EverythingStream {
    /// The cursor after the frames that were given.
    #[must_use]
    pub fn cursor(&self) -> String {
        position::write(self.incarnation, &self.given)
    }

    /// The next frames, as soon as there are any. May be dropped while it waits, without losing a
    /// frame.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] when the engine stops, or the store.
    pub async fn next(&mut self) -> Result<Vec<EverythingFrame>, EngineError> {
        loop {
            if !self.ready.is_empty() {
                self.given.clone_from(&self.positions);
                self.ready_bytes = 0;
                return Ok(std::mem::take(&mut self.ready));
            }
            if self.inner.stop.is_cancelled() {
                return Err(EngineError::Stopping);
            }
            // Events that are not wanted make many turns that wait for nothing.
            consume_budget().await;
            match self.turn().await {
                Ok(more) => {
                    self.outage = Outage::default();
                    if self.ready.is_empty() {
                        self.given.clone_from(&self.positions);
                        if !more {
                            self.wait().await?;
                        }
                    }
                }
                Err(EngineError::Store(error)) => self.outage.bear(&self.inner, error).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what is new. Tells whether there may be more.
    async fn turn(&mut self) -> Result<bool, EngineError> {
        if self.inner.store.info().incarnation != self.incarnation {
            return self.begin_anew().await.map(|()| true);
        }
        let newest = self.reader.known.borrow_and_update().newest.clone();
        let (count, mut more) = (self.positions.len(), false);
        for turn in 0..count {
            let partition = (self.first + turn) % count;
            if newest.get(partition) != Some(&self.positions[partition].after) {
                more |= self.step(partition).await?;
            }
            if self.ready_bytes >= STEP_BYTES {
                self.first = partition + 1;
                return Ok(true);
            }
        }
        Ok(more)
    }

    /// The store is another one now, whose commits have other numbers.
    async fn begin_anew(&mut self) -> Result<(), EngineError> {
        let incarnation = self.inner.store.info().incarnation;
        let newest = look(&self.inner).await?;
        self.ready.push(gap(self.cursor(), GapReason::Lost));
        (self.incarnation, self.positions) = (incarnation, newest);
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), EngineError> {
        let failing = self.reader.known.borrow().failing.clone();
        if let Some((since, error)) = failing
            && since.elapsed() >= self.inner.outage_patience
        {
            return Err(error.into());
        }
        tokio::select! {
            () = self.inner.stop.cancelled() => {}
            // The sender lives as long as the engine.
            _ = self.reader.known.changed() => {}
        }
        Ok(())
    }

    /// Reads on in one partition. Tells whether there may be more.
    async fn step(&mut self, partition: usize) -> Result<bool, EngineError> {
        let number = Partition(u16::try_from(partition).unwrap_or(u16::MAX));
        let after = self.positions[partition].after;
        let page = self.inner.store.appended(number, after, PAGE).await?;
        self.inner.feed.reaches(number, page.newest);
        if page.newest < after {
            // The store has lost what was given.
            return Ok(self.skip(partition, page.newest, GapReason::Lost));
        }
        if page.earliest > after {
            return Ok(self.skip(partition, page.earliest, GapReason::Trimmed));
        }
        let (upto, more) = (page.upto, page.upto < page.newest && page.upto > after);
        let (mut frames, bytes) = self.frames(partition, page).await?;
        self.ready.append(&mut frames);
        self.ready_bytes += bytes;
        if upto > after {
            self.positions[partition] = Position::after(upto);
        }
        Ok(more)
    }

    /// Goes on after a commit, and says that something is missing.
    fn skip(&mut self, partition: usize, to: CommitNumber, reason: GapReason) -> bool {
        let requested = position::write(self.incarnation, &self.positions);
        self.ready.push(gap(requested, reason));
        self.positions[partition] = Position::after(to);
        true
    }

    /// The frames of a page, and the bytes of payload in it.
    async fn frames(
        &self,
        partition: usize,
        page: AppendedPage,
    ) -> Result<(Vec<EverythingFrame>, usize), EngineError> {
        let Position { after, given } = self.positions[partition];
        let (mut frames, mut bytes) = (Vec::new(), 0);
        let mut positions = self.positions.clone();
        for appended in page.slots {
            let (commit, index) = (appended.slot.commit(), appended.slot.index());
            if commit == after.next() && index < given {
                continue;
            }
            positions[partition] = Position::within(commit, index);
            if self.wants(&appended).await? {
                bytes += appended.weight();
                frames.extend(self.frame(appended, &positions));
            }
        }
        Ok((frames, bytes))
    }

    fn frame(&self, appended: Appended, positions: &[Position]) -> Option<EverythingFrame> {
        let event = Box::new(appended.slot.event()?.clone());
        let cursor = position::write(self.incarnation, positions);
        Some(EverythingFrame::Event {
            task: appended.id,
            epoch: appended.epoch,
            event,
            cursor,
        })
    }

    async fn wants(&self, appended: &Appended) -> Result<bool, EngineError> {
        let (event_type, level) = appended.slot.kind();
        let scope = Scope::EventSubscribe;
        if !self.filter.matches(event_type, level)
            || self.identity.check_task(scope, &appended.id).is_err()
        {
            return Ok(false);
        }
        let access = match self.inner.access(&appended.id).await {
            Ok((access, true)) if access.epoch != appended.epoch => {
                self.inner.access.forget(&appended.id);
                self.inner.access(&appended.id).await
            }
            access => access,
        };
        match access {
            Ok((access, _)) => Ok(access.epoch == appended.epoch
                && self
                    .identity
                    .check_rules(scope, access.rules.as_deref())
                    .is_ok()),
            Err(EngineError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
