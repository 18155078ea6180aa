//! A subscription: a loop over a position, first through a folded replay, then event by event.
//!
//! Behind the tail it takes events from the topic's window, or else a page from the store; at the
//! tail it ends when the log is sealed, and waits when it is not. A slow reader is further behind,
//! nothing else. Every step leaves the subscription whole, so a step may be dropped while it waits.

use super::ask::{Done, EventFrame, Frame, Gap, Opening, SeriesFormat, Subscribe, SubscribeAsk};
use super::{Next, Reader, Replay, Start};
use crate::engine::Inner;
use crate::topic::{End, Following, Found, Progress, SharedEvent, Total};
use crate::{EngineError, TaskEngine};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{
    Event, EventFilter, EventId, GapReason, Index, Millis, SeriesId, Slot, TaskId, TombstoneReason,
};
use taskcast_store::{Page, ReadAsk, TaskState, Which};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Payload bytes, about, in one step of a stream.
const STEP_BYTES: usize = 128 << 10;
/// How long a reader waits for a commit that was acknowledged out of order, before it reads the
/// store instead.
const OUT_OF_ORDER: Duration = Duration::from_millis(20);

impl TaskEngine {
    /// Follows a task's log from where the subscriber was.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::TooManySubscribers`],
    /// [`EngineError::Stopping`], or the store.
    pub async fn subscribe(
        &self,
        id: &TaskId,
        ask: SubscribeAsk,
    ) -> Result<Subscribe, EngineError> {
        if self.inner.stop.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let (following, state) = follow(&self.inner, id).await?;
        let reader = Reader {
            inner: &self.inner,
            state: &state,
            filter: &ask.filter,
        };
        let start = reader
            .start(&ask.since, ask.last_event_id.as_deref())
            .await?;
        if start == Start::Over {
            return Ok(Subscribe::Over);
        }
        let requested = ask
            .since
            .id
            .clone()
            .or(ask.last_event_id)
            .unwrap_or_default();
        let mut subscription = Subscription {
            progress: following.progress(),
            stop: self.inner.stop.clone(),
            inner: self.inner.clone(),
            following,
            filter: ask.filter,
            format: ask.format,
            requested,
            opening: Opening {
                epoch: state.epoch,
                from: state.trim,
                tail: state.tail,
                folded: true,
            },
            replay: None,
            next: state.trim,
            counted: 0,
            last: None,
            skip: 0,
            patience: None,
            broken: None,
            told_cleaned: false,
            told_caught_up: false,
            over: false,
            ready: Vec::new(),
            ready_bytes: 0,
        };
        subscription.begin(start, &state).await?;
        if let Some(limit) = ask.limit {
            subscription.skip = subscription
                .frames_before_tail()
                .await?
                .saturating_sub(limit);
        }
        Ok(Subscribe::Stream(Box::new(subscription)))
    }
}

/// Follows the topic of a task, and reads how the log stands only then: what is committed in
/// between is in one or the other.
async fn follow(inner: &Arc<Inner>, id: &TaskId) -> Result<(Following, TaskState), EngineError> {
    loop {
        let seen = inner.load(id).await?;
        let following = inner.topics.follow(id, seen.epoch, seen.tail)?;
        let known = following.known();
        let state = inner.load(id).await?;
        if state.epoch == seen.epoch {
            following.observe(state.epoch, state.tail, state.is_sealed(), known);
            return Ok((following, state));
        }
    }
}

/// A stream of frames of one task. Ends with [`Frame::Done`].
pub struct Subscription {
    inner: Arc<Inner>,
    following: Following,
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
    /// Until when the commit at an index is waited for.
    patience: Option<(Index, Instant)>,
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
    /// [`EngineError::Stopping`] when the engine stops, or the store. Trying again goes on where
    /// the error came.
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
            match self.turn().await {
                // The task was deleted between two looks at it.
                Err(EngineError::NotFound(_)) => self.deleted(),
                outcome => outcome?,
            }
        }
    }

    async fn turn(&mut self) -> Result<(), EngineError> {
        match self.broken {
            Some(reason) => self.start_over(reason).await,
            None if self.replay.is_some() => self.replay_step().await,
            None => self.step().await,
        }
    }

    async fn begin(&mut self, start: Start, state: &TaskState) -> Result<(), EngineError> {
        match start {
            Start::Beginning { gap } => {
                self.ready.extend(gap.map(Frame::Gap));
                self.begin_replay(Index::START, state).await?;
            }
            Start::Folded(from) => self.begin_replay(from, state).await?,
            Start::At(from) => {
                self.opening.folded = false;
                self.next = from;
                self.counted = self.count(from).await?;
                self.last = self.slot_before(from, state);
            }
            Start::Over => self.over = true,
        }
        self.opening.from = self.replay.as_ref().map_or(self.next, |replay| replay.next);
        Ok(())
    }

    /// The end of the log is known without reading it.
    fn slot_before(&self, from: Index, state: &TaskState) -> Option<(Index, Millis)> {
        let last = from.previous()?;
        (from == state.tail).then_some((last, state.last_at))
    }

    async fn begin_replay(&mut self, from: Index, state: &TaskState) -> Result<(), EngineError> {
        let (id, epoch) = (&self.following.task, self.following.epoch);
        let heads = self.inner.store.heads(id, epoch).await;
        let heads = heads.map_err(|error| EngineError::from_read(error, id))?;
        let first = from.max(state.trim).min(heads.tail);
        let counted = self.count(first).await?;
        self.opening.tail = heads.tail;
        self.last = self.slot_before(first, state);
        self.replay = Some(Replay::new(from, state.trim, counted, heads, &self.filter));
        Ok(())
    }

    /// How many slots below an index the filter matches.
    async fn count(&self, below: Index) -> Result<u64, EngineError> {
        if self.filter.is_all() {
            return Ok(below.0);
        }
        let (id, epoch) = (&self.following.task, self.following.epoch);
        let count = self.inner.store.count(id, epoch, &self.filter, below).await;
        count.map_err(|error| EngineError::from_read(error, id))
    }

    // ---- the folded replay ----

    async fn replay_step(&mut self) -> Result<(), EngineError> {
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
        head: &taskcast_core::Head,
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

    // ---- event by event ----

    async fn step(&mut self) -> Result<(), EngineError> {
        let progress = *self.progress.borrow_and_update();
        match self.following.read(self.next, STEP_BYTES) {
            Some(events) if !events.is_empty() => return self.pass_shared(events).await,
            _ => {}
        }
        if self.next < progress.known {
            return self.catch_up(progress).await;
        }
        if let Some(end) = progress.end {
            return self.end(end).await;
        }
        if !self.told_caught_up {
            self.told_caught_up = true;
            self.ready.push(Frame::CaughtUp(self.next));
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

    // ---- the end ----

    async fn end(&mut self, end: End) -> Result<(), EngineError> {
        match end {
            End::Sealed => self.done().await,
            End::Lost => {
                self.broken = Some(GapReason::Lost);
                Ok(())
            }
            End::Deleted => {
                // The task may live on: a topic ends also when an older log was followed late.
                let task = self.following.task.clone();
                let state = self.inner.store.load(&task).await?;
                match state.filter(|state| state.epoch == self.following.epoch) {
                    Some(_) => self.follow_again().await.map(drop),
                    None => {
                        self.deleted();
                        Ok(())
                    }
                }
            }
        }
    }

    fn deleted(&mut self) {
        self.over = true;
        self.ready.push(Frame::Done(Done {
            reason: "deleted",
            cursor: None,
        }));
    }

    async fn done(&mut self) -> Result<(), EngineError> {
        let id = &self.following.task;
        let state = match self.inner.store.load(id).await? {
            Some(state) if state.epoch == self.following.epoch => state,
            _ => {
                self.deleted();
                return Ok(());
            }
        };
        if state.tail < self.next {
            self.following.end(End::Lost);
            self.broken = Some(GapReason::Lost);
            return Ok(());
        }
        let cursor = EventId {
            at: state.last_at,
            epoch: state.epoch,
            index: state.tail,
        };
        let reason = state.record.status.as_str();
        self.over = true;
        self.ready.push(Frame::Done(Done {
            reason,
            cursor: Some(cursor),
        }));
        Ok(())
    }

    /// Tells that something is missing, and replays what exists.
    async fn start_over(&mut self, reason: GapReason) -> Result<(), EngineError> {
        let state = match reason {
            GapReason::Lost => self.follow_again().await?,
            _ => self.inner.load(&self.following.task).await?,
        };
        let last = self.last;
        self.begin_replay(Index::START, &state).await?;
        self.broken = None;
        self.told_caught_up = false;
        if let Some((index, at)) = last {
            let epoch = self.following.epoch;
            self.requested = EventId { at, epoch, index }.to_string();
        }
        self.tell_gap(state.trim, reason);
        Ok(())
    }

    /// Follows the same log anew.
    async fn follow_again(&mut self) -> Result<TaskState, EngineError> {
        let (following, state) = follow(&self.inner, &self.following.task).await?;
        if following.epoch != self.following.epoch {
            return Err(EngineError::NotFound(self.following.task.clone()));
        }
        self.progress = following.progress();
        self.following = following;
        Ok(state)
    }

    fn tell_gap(&mut self, earliest: Index, reason: GapReason) {
        let requested = self.requested.clone();
        self.ready.push(Frame::Gap(Gap {
            requested,
            earliest,
            reason,
        }));
    }

    // ---- helpers ----

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

    /// How many event frames come before the tail of now.
    async fn frames_before_tail(&self) -> Result<u64, EngineError> {
        let (mut frames, upto, which) = match &self.replay {
            Some(replay) => (
                replay.heads_left(&self.filter),
                replay.upto,
                Which::Unfolded,
            ),
            None => (0, self.opening.tail, Which::All),
        };
        let mut next = self.opening.from;
        while next < upto {
            let (max_slots, max_bytes) = (self.inner.limits.page, STEP_BYTES);
            let ask = ReadAsk {
                from: next,
                to: upto,
                which,
                max_slots,
                max_bytes,
            };
            let page = self.read(ask).await?;
            let events = page.slots.iter().filter_map(Slot::event);
            let wanted = events.filter(|event| self.filter.matches(&event.event_type, event.level));
            frames += wanted.count() as u64;
            next = page.next.max(next.next());
        }
        Ok(frames)
    }
}
