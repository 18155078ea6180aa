//! How a subscription ends, or starts over because something is missing.

use super::Subscription;
use super::begin::follow;
use crate::EngineError;
use crate::subscribe::ask::{Done, Frame, Gap};
use crate::topic::End;
use taskcast_core::{EventId, GapReason, Index};
use taskcast_store::TaskState;

impl Subscription {
    pub(super) async fn end(&mut self, end: End) -> Result<(), EngineError> {
        match end {
            End::Sealed => self.done().await,
            End::Lost => {
                self.broken = Some(GapReason::Lost);
                Ok(())
            }
            End::Deleted | End::Replaced => self.gone().await,
            End::Failed => Err(match self.following.failure() {
                Some(error) => error.clone().into(),
                None => EngineError::Stopping,
            }),
        }
    }

    /// The log is not what the id stands for any more, as far as the topic knows.
    pub(super) async fn gone(&mut self) -> Result<(), EngineError> {
        let task = self.following.task.clone();
        let deleted_here = self.progress.borrow().end == Some(End::Deleted);
        match self.inner.store.load(&task).await? {
            // The topic ended because an older log was followed late.
            Some(state) if state.epoch == self.following.epoch => {
                self.follow_again().await.map(drop)
            }
            Some(state) if !deleted_here && state.record.created_at == self.created_at => {
                Err(EngineError::AnotherLog(task))
            }
            _ => {
                self.deleted();
                Ok(())
            }
        }
    }

    pub(super) fn deleted(&mut self) {
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
            _ => return self.gone().await,
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
    pub(super) async fn start_over(&mut self, reason: GapReason) -> Result<(), EngineError> {
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

    pub(super) fn tell_gap(&mut self, earliest: Index, reason: GapReason) {
        let requested = self.requested.clone();
        self.ready.push(Frame::Gap(Gap {
            requested,
            earliest,
            reason,
        }));
    }
}
