//! What a commit appends: events numbered and dated, series moved on.

use super::{CommitView, Joined, Plan};
use crate::{CommitError, StoreError};
use std::collections::HashMap;
use taskcast_core::{Event, Fold, Limits, Millis, NewEvent, SeriesId, SeriesMode, SeriesState};

impl Plan {
    /// Adds events at the tail.
    pub(super) fn append(
        &mut self,
        events: Vec<NewEvent>,
        now: Millis,
        limits: &Limits,
        view: &mut dyn CommitView,
    ) -> Result<(), CommitError> {
        let mut series = SeriesStates::default();
        self.events.reserve(events.len());
        for event in events {
            self.append_one(event, now, limits, view, &mut series)?;
        }
        self.series = series.changed.into_iter().collect();
        Ok(())
    }

    fn append_one(
        &mut self,
        event: NewEvent,
        now: Millis,
        limits: &Limits,
        view: &mut dyn CommitView,
        series: &mut SeriesStates,
    ) -> Result<(), CommitError> {
        let index = self.state.tail;
        let fold = match event.series.effective() {
            Some((id, _)) => {
                let before = series.before(id, limits, view)?;
                self.advance(id, before, &event, series)?
            }
            None => None,
        };
        let at = self.date(&event, now);
        self.events.push(Event {
            index,
            at,
            commit: self.state.commit,
            event_type: event.event_type,
            level: event.level,
            data: event.data,
            series: event.series,
            fold,
            foreign_id: event.imported.map(|imported| imported.id),
        });
        self.state.tail = index.next();
        self.state.last_at = at;
        Ok(())
    }

    /// Moves a series on by an event that is appended at the tail; gives its place in the fold.
    fn advance(
        &mut self,
        id: &SeriesId,
        before: Option<SeriesState>,
        event: &NewEvent,
        series: &mut SeriesStates,
    ) -> Result<Option<Fold>, CommitError> {
        let Some(after) = SeriesState::advance(before.as_ref(), event, self.state.tail)? else {
            return Ok(None);
        };
        if after.mode == SeriesMode::Latest {
            self.superseded.extend(before.map(|before| before.newest));
        }
        let fold = after.fold;
        if let (Some(fold), Some(data)) = (fold, &event.data) {
            self.joined.extend(Joined::of(id, fold, data));
        }
        series.changed.insert(id.clone(), after);
        Ok(fold)
    }

    /// When an event is said to be appended: never before the event before it, never after now
    /// unless the log is already later.
    fn date(&self, event: &NewEvent, now: Millis) -> Millis {
        let imported = event.imported.as_ref();
        let said = imported.map_or(now, |imported| imported.at.min(now));
        said.max(self.state.last_at)
    }
}

/// Series states as they stand within the commit.
#[derive(Default)]
struct SeriesStates {
    changed: HashMap<SeriesId, SeriesState>,
    new: usize,
}

impl SeriesStates {
    fn get(
        &self,
        id: &SeriesId,
        view: &mut dyn CommitView,
    ) -> Result<Option<SeriesState>, StoreError> {
        match self.changed.get(id) {
            Some(state) => Ok(Some(state.clone())),
            None => view.series(id),
        }
    }

    /// The state of a series before the next event; a new series has to be within the limit.
    fn before(
        &mut self,
        id: &SeriesId,
        limits: &Limits,
        view: &mut dyn CommitView,
    ) -> Result<Option<SeriesState>, CommitError> {
        let before = self.get(id, view)?;
        if before.is_none() {
            self.admit(limits.series_per_task, view)?;
        }
        Ok(before)
    }

    fn admit(&mut self, limit: usize, view: &mut dyn CommitView) -> Result<(), CommitError> {
        self.new += 1;
        if view.series_count()? + self.new > limit {
            return Err(CommitError::TooManySeries { limit });
        }
        Ok(())
    }
}
