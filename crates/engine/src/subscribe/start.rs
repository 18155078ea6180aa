//! From what a reader says it has seen to a position in the log.

use super::ask::{Gap, Since};
use crate::EngineError;
use crate::engine::Inner;
use taskcast_core::{Cursor, EventFilter, GapReason, Index, Millis, Slot};
use taskcast_store::{ReadAsk, Seek, TaskState, Which};

/// Where a reader begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has seen nothing, or it must see everything that exists again.
    Beginning {
        /// Why, when it asked for something else.
        gap: Option<Gap>,
    },
    /// Within a folded replay: without what stands below this index.
    Folded(Index),
    /// Event by event, from this index.
    At(Index),
    /// It has seen everything, the end too.
    Over,
}

/// A log at one moment, and who reads it.
pub(crate) struct Reader<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) state: &'a TaskState,
    pub(crate) filter: &'a EventFilter,
}

impl Reader<'_> {
    /// Where a subscriber begins.
    pub(crate) async fn start(
        &self,
        since: &Since,
        last_event_id: Option<&str>,
    ) -> Result<Start, EngineError> {
        if since.is_nothing() {
            return match last_event_id.filter(|text| !text.is_empty()) {
                Some(text) => self.after_cursor(text).await,
                None => Ok(Start::Beginning { gap: None }),
            };
        }
        match self.since(since).await? {
            // Who says where it was wants the end told again.
            Start::Over => Ok(Start::At(self.state.tail)),
            start => Ok(start),
        }
    }

    async fn since(&self, since: &Since) -> Result<Start, EngineError> {
        let start = match (&since.id, since.timestamp) {
            (Some(id), _) => self.after_cursor(id).await?,
            (None, Some(after)) => self.after_time(after).await?,
            (None, None) => Start::At(Index::START),
        };
        match (since.index, start) {
            (Some(index), Start::At(from)) => self.after_position(index, from).await,
            (None, Start::At(from)) => Ok(self.unless_trimmed(from, &since_text(since))),
            (_, other) => Ok(other),
        }
    }

    async fn after_cursor(&self, text: &str) -> Result<Start, EngineError> {
        let cursor = Cursor::parse(text);
        let found = match cursor.position_in(self.state.epoch) {
            Some((index, at)) => self.own_position(index, at).await?,
            None => self.foreign_position(&cursor).await?,
        };
        Ok(match found {
            Ok(index) if index >= self.state.tail => Start::Over,
            Ok(index) if cursor.folded => Start::Folded(index.next()),
            Ok(index) => self.unless_trimmed(index.next(), text),
            Err(reason) => self.broken(text, reason),
        })
    }

    /// The index a cursor of this log points at, if it is exact: the index exists and the event
    /// there has the cursor's milliseconds. One past the last event of a sealed log is exact too.
    async fn own_position(
        &self,
        index: Index,
        at: Millis,
    ) -> Result<Result<Index, GapReason>, EngineError> {
        let state = self.state;
        if index >= state.tail {
            let end = index == state.tail && state.is_sealed() && at == state.last_at;
            return Ok(if end { Ok(index) } else { Err(GapReason::Lost) });
        }
        let (trim, slot) = if index < state.trim {
            (state.trim, None)
        } else {
            self.slot(index).await?
        };
        Ok(match slot {
            Some(slot) if slot.at() == at => Ok(index),
            // Nothing is missing right at the trim point.
            None if index.next() == trim => Ok(index),
            None if index < trim => Err(GapReason::Trimmed),
            _ => Err(GapReason::Lost),
        })
    }

    async fn foreign_position(
        &self,
        cursor: &Cursor,
    ) -> Result<Result<Index, GapReason>, EngineError> {
        let reason = if cursor.id.is_some() {
            GapReason::Epoch
        } else {
            GapReason::Unknown
        };
        Ok(self
            .seek(Seek::Foreign(cursor.text.clone()))
            .await?
            .ok_or(reason))
    }

    async fn after_time(&self, after: u64) -> Result<Start, EngineError> {
        let found = self.seek(Seek::After(Millis(after))).await?;
        let from = found.unwrap_or(self.state.tail);
        // When even the first slot that is left is later, those that were trimmed may be too.
        if self.state.trim > Index::START && from <= self.state.trim {
            return Ok(self.broken(&after.to_string(), GapReason::Trimmed));
        }
        Ok(Start::At(from))
    }

    /// The index that follows a filtered position, but not before `from`.
    async fn after_position(&self, position: i64, from: Index) -> Result<Start, EngineError> {
        let text = position.to_string();
        // Positions up to and including this one are not wanted.
        let Ok(count) = u64::try_from(position.saturating_add(1)) else {
            return Ok(self.unless_trimmed(from, &text));
        };
        let index = if self.filter.is_all() {
            Some(Index(count)).filter(|index| *index <= self.state.tail)
        } else {
            self.seek(Seek::Past {
                filter: self.filter.clone(),
                count,
            })
            .await?
        };
        Ok(match index {
            Some(index) => self.unless_trimmed(index.max(from), &text),
            None => self.broken(&text, GapReason::Lost),
        })
    }

    fn unless_trimmed(&self, from: Index, requested: &str) -> Start {
        if from < self.state.trim {
            return self.broken(requested, GapReason::Trimmed);
        }
        Start::At(from)
    }

    fn broken(&self, requested: &str, reason: GapReason) -> Start {
        let (requested, earliest) = (requested.to_owned(), self.state.trim);
        Start::Beginning {
            gap: Some(Gap {
                requested,
                earliest,
                reason,
            }),
        }
    }

    /// The slot at an index, and the trim point when it was read: the log may have been trimmed
    /// since its state was.
    async fn slot(&self, index: Index) -> Result<(Index, Option<Slot>), EngineError> {
        let ask = ReadAsk {
            from: index,
            to: index.next(),
            which: Which::All,
            max_slots: 1,
            max_bytes: 1,
        };
        let (id, epoch) = (&self.state.record.id, self.state.epoch);
        let page = self.inner.store.read(id, epoch, ask).await;
        let page = page.map_err(|error| EngineError::from_read(error, id))?;
        Ok((page.trim, page.slots.into_iter().next()))
    }

    async fn seek(&self, seek: Seek) -> Result<Option<Index>, EngineError> {
        let (id, epoch) = (&self.state.record.id, self.state.epoch);
        let found = self.inner.store.seek(id, epoch, seek).await;
        found.map_err(|error| EngineError::from_read(error, id))
    }
}

fn since_text(since: &Since) -> String {
    match (&since.id, since.timestamp) {
        (Some(id), _) => id.clone(),
        (None, Some(timestamp)) => timestamp.to_string(),
        (None, None) => String::new(),
    }
}
