//! The events of all tasks a caller may see, in the order of commits.
//!
//! The position is the number of a commit per partition, and the index below which the slots of
//! the next commit were given already (a commit is of one log). As text:
//! `<incarnation>-<commit>.<index>`, partitions joined by commas.

use crate::engine::Inner;
use crate::topic::Seat;
use crate::{EngineError, Gap, TaskEngine};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventFilter, GapReason, Identity, Index, Scope, TaskId,
};
use taskcast_store::{Appended, Partition};
use tokio::sync::watch;
use tokio::task::coop::consume_budget;
use tokio::time::sleep;

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
    /// The cursor the reader came with means nothing here; the stream begins now.
    Gap(Gap),
}

/// A stream of the events of all tasks. Never ends by itself.
pub struct EverythingStream {
    inner: Arc<Inner>,
    identity: Arc<Identity>,
    filter: EventFilter,
    incarnation: u64,
    positions: Vec<Position>,
    commits: watch::Receiver<u64>,
    ready: Vec<EverythingFrame>,
    /// Counts the stream among the subscribers.
    _seat: Seat,
}

/// Where a reader stands in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    /// Every commit up to this one was given.
    after: CommitNumber,
    /// Slots of the commit after that were given below this index.
    given: Index,
}

/// How long to wait for commits of other engines before looking.
const LOOK: Duration = Duration::from_secs(1);
const PAGE: usize = 256;
/// Past every commit that there will be, in every store's numbers.
const PAST_ALL: CommitNumber = CommitNumber(u64::MAX >> 1);

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
        let commits = inner.commits.subscribe();
        let info = inner.store.info();
        let mut newest = Vec::new();
        for partition in 0..info.partitions {
            let number = Partition(partition);
            let page = inner.store.appended(number, PAST_ALL, 1).await?;
            newest.push(Position::after(page.newest));
        }
        let mut ready = Vec::new();
        let positions = match ask.cursor {
            None => newest,
            Some(text) => match parse(&text, info.incarnation, &newest) {
                Some(positions) => positions,
                None => {
                    let (earliest, reason) = (Index::START, GapReason::Unknown);
                    ready.push(EverythingFrame::Gap(Gap {
                        requested: text,
                        earliest,
                        reason,
                    }));
                    newest
                }
            },
        };
        let (filter, incarnation) = (ask.filter, info.incarnation);
        Ok(EverythingStream {
            inner,
            identity,
            filter,
            incarnation,
            positions,
            commits,
            ready,
            _seat: seat,
        })
    }
}

impl EverythingStream {
    /// The cursor of everything that was read. Frames that [`next`](Self::next) has not given yet lie
    /// before it, so ask between two calls that gave all they had.
    #[must_use]
    pub fn cursor(&self) -> String {
        write(self.incarnation, &self.positions)
    }

    /// The next frames, as soon as there are any. May be dropped while it waits, without losing a
    /// frame.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] when the engine stops, or the store.
    pub async fn next(&mut self) -> Result<Vec<EverythingFrame>, EngineError> {
        loop {
            if !self.ready.is_empty() {
                return Ok(std::mem::take(&mut self.ready));
            }
            if self.inner.stop.is_cancelled() {
                return Err(EngineError::Stopping);
            }
            // Events that are not wanted make many turns that wait for nothing.
            consume_budget().await;
            self.commits.borrow_and_update();
            let mut more = false;
            for partition in 0..self.positions.len() {
                more |= self.step(partition).await?;
            }
            if self.ready.is_empty() && !more {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        let stop = self.inner.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.commits.changed() => {}
            () = sleep(LOOK) => {}
        }
    }

    /// Reads on in one partition. Tells whether there may be more.
    async fn step(&mut self, partition: usize) -> Result<bool, EngineError> {
        let number = Partition(u16::try_from(partition).unwrap_or(u16::MAX));
        let Position { after, given } = self.positions[partition];
        let page = self.inner.store.appended(number, after, PAGE).await?;
        let mut frames = Vec::new();
        let mut positions = self.positions.clone();
        for appended in page.slots {
            let (commit, index) = (appended.slot.commit(), appended.slot.index());
            if commit == after.next() && index < given {
                continue;
            }
            positions[partition] = Position {
                after: previous(commit),
                given: index.next(),
            };
            if self.wants(&appended).await? {
                frames.extend(self.frame(appended, &positions));
            }
        }
        if page.upto > after {
            self.positions[partition] = Position::after(page.upto);
        }
        self.ready.append(&mut frames);
        Ok(page.upto < page.newest && page.upto > after)
    }

    fn frame(&self, appended: Appended, positions: &[Position]) -> Option<EverythingFrame> {
        let event = Box::new(appended.slot.event()?.clone());
        let cursor = write(self.incarnation, positions);
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

impl Position {
    /// Where everything up to a commit was given.
    fn after(commit: CommitNumber) -> Self {
        Self {
            after: commit,
            given: Index::START,
        }
    }

    /// Whether the commits that were given, also the one given in part, are ones the store has.
    fn is_known(self, newest: CommitNumber) -> bool {
        let begun = self.given > Index::START;
        self.after < newest || (self.after == newest && !begun)
    }
}

fn previous(commit: CommitNumber) -> CommitNumber {
    CommitNumber(commit.0.saturating_sub(1))
}

fn write(incarnation: u64, positions: &[Position]) -> String {
    let one = |position: &Position| format!("{}.{}", position.after, position.given);
    let all: Vec<String> = positions.iter().map(one).collect();
    format!("{incarnation:x}-{}", all.join(","))
}

/// Reads a cursor of this incarnation that is not ahead of what the store has.
fn parse(text: &str, incarnation: u64, newest: &[Position]) -> Option<Vec<Position>> {
    let (own, rest) = text.split_once('-')?;
    if u64::from_str_radix(own, 16).ok()? != incarnation {
        return None;
    }
    let positions: Option<Vec<Position>> = rest.split(',').map(parse_one).collect();
    let positions = positions.filter(|positions| positions.len() == newest.len())?;
    let known = positions
        .iter()
        .zip(newest)
        .all(|(position, newest)| position.is_known(newest.after));
    known.then_some(positions)
}

fn parse_one(text: &str) -> Option<Position> {
    let (after, given) = text.split_once('.')?;
    Some(Position {
        after: CommitNumber(after.parse().ok()?),
        given: Index(given.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_unless_it_is_of_another_store_or_ahead_of_it() {
        let at = |after, given| Position {
            after: CommitNumber(after),
            given: Index(given),
        };
        let positions = vec![at(7, 2), at(0, 0)];
        let text = write(0xbeef, &positions);
        assert_eq!(text, "beef-7.2,0.0");
        let newest = [at(8, 0), at(0, 0)];
        assert_eq!(parse(&text, 0xbeef, &newest), Some(positions));
        assert_eq!(parse(&text, 0xdead, &newest), None);
        assert_eq!(parse(&text, 0xbeef, &[at(6, 0), at(0, 0)]), None);
        // Commit 8 was given in part: a store that ends before it has lost it.
        assert_eq!(parse(&text, 0xbeef, &[at(7, 0), at(0, 0)]), None);
        for bad in ["", "beef", "beef-", "beef-1", "beef-1.x,2.0", "beef-1.0"] {
            assert_eq!(parse(bad, 0xbeef, &newest), None, "{bad}");
        }
    }
}
