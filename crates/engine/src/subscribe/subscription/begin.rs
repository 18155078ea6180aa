//! How a subscription begins: from what the reader says it has seen to a position.

use super::{STEP_BYTES, Subscription};
use crate::engine::Inner;
use crate::outage::Outage;
use crate::subscribe::ask::{Frame, Opening, Subscribe, SubscribeAsk};
use crate::subscribe::{Reader, Replay, Start};
use crate::topic::Following;
use crate::{EngineError, TaskEngine};
use std::sync::Arc;
use taskcast_core::{Index, Millis, Slot, TaskId};
use taskcast_store::{ReadAsk, TaskState, Which};
use tokio::task::coop::consume_budget;

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
            created_at: state.record.created_at,
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
            outage: Outage::default(),
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
pub(super) async fn follow(
    inner: &Arc<Inner>,
    id: &TaskId,
) -> Result<(Following, TaskState), EngineError> {
    loop {
        let seen = inner.load(id).await?;
        let following = inner
            .topics
            .follow(id, seen.epoch, (seen.tail, seen.commit))?;
        let known = following.known();
        let state = inner.load(id).await?;
        if state.epoch == seen.epoch {
            following.observe(state.epoch, state.tail, state.is_sealed(), known);
            inner.fetch(following.topic());
            return Ok((following, state));
        }
    }
}

impl Subscription {
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

    pub(super) async fn begin_replay(
        &mut self,
        from: Index,
        state: &TaskState,
    ) -> Result<(), EngineError> {
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
    pub(super) async fn count(&self, below: Index) -> Result<u64, EngineError> {
        if self.filter.is_all() {
            return Ok(below.0);
        }
        let (id, epoch) = (&self.following.task, self.following.epoch);
        let count = self.inner.store.count(id, epoch, &self.filter, below).await;
        count.map_err(|error| EngineError::from_read(error, id))
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
            consume_budget().await;
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
