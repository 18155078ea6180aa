//! What really happened, written down below the engines and apart from the store: the model that
//! everything seen is checked against.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use taskcast_core::{
    Epoch, Event, EventFilter, Index, Level, RawJson, SeriesMode, Status, TaskId, TypePattern,
};
use taskcast_store::{Committed, TaskState};

/// One log as it really was.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrueLog {
    /// Every event that was ever committed.
    pub(crate) events: Vec<Event>,
    /// The terminal status, once there is one.
    pub(crate) sealed: Option<Status>,
    /// Whether the task was deleted.
    pub(crate) deleted: bool,
    /// The trim point.
    pub(crate) trim: u64,
    /// Events that a rule removed.
    pub(crate) cleaned: BTreeSet<u64>,
}

/// All logs by task and epoch, and which one is current.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// The logs.
    pub(crate) logs: BTreeMap<(TaskId, u32), TrueLog>,
    /// The log of each task that exists.
    pub(crate) current: BTreeMap<TaskId, u32>,
    /// How often a log was let go of by the short-term store.
    pub(crate) released: u64,
    /// How often a log was taken back.
    pub(crate) restored: u64,
}

/// A broken promise, in one sentence.
pub(crate) type Broken = String;

impl Truth {
    /// A task was created.
    pub(crate) fn created(&mut self, state: &TaskState) {
        let key = (state.record.id.clone(), state.epoch.0);
        self.logs.insert(key, TrueLog::default());
        self.current.insert(state.record.id.clone(), state.epoch.0);
    }

    /// A task was deleted.
    pub(crate) fn deleted(&mut self, id: &TaskId, epoch: Epoch) {
        if self.current.get(id) == Some(&epoch.0) {
            self.current.remove(id);
        }
        if let Some(log) = self.logs.get_mut(&(id.clone(), epoch.0)) {
            log.deleted = true;
        }
    }

    /// A commit was made; `status` is that of its record, when it changed it.
    ///
    /// # Errors
    /// When it breaks invariant 1 or 4: an index that is not the next, a time that goes back, an
    /// append after the seal.
    pub(crate) fn committed(
        &mut self,
        id: &TaskId,
        committed: &Committed,
        status: Option<Status>,
    ) -> Result<(), Broken> {
        let epoch = committed.epoch.0;
        let log = self.logs.get_mut(&(id.clone(), epoch));
        let log = log.ok_or_else(|| format!("a commit to {id} in a log nobody created"))?;
        if log.sealed.is_some() || log.deleted {
            return Err(format!("a commit to {id} after its end"));
        }
        for event in &committed.events {
            if event.index.0 != log.events.len() as u64 {
                return Err(format!("{id}: index {} is not the next one", event.index));
            }
            if log.events.last().is_some_and(|before| before.at > event.at) {
                return Err(format!("{id}: the time went back at {}", event.index));
            }
            log.events.push(event.clone());
        }
        if committed.tail.0 != log.events.len() as u64 {
            return Err(format!("{id}: the tail is {}", committed.tail));
        }
        log.sealed = status.filter(|status| status.is_terminal());
        match log.sealed.is_some() == committed.sealed {
            true => Ok(()),
            false => Err(format!("{id}: sealed says {}", committed.sealed)),
        }
    }

    /// One log.
    ///
    /// # Errors
    /// When nobody created it.
    pub(crate) fn log(&self, id: &TaskId, epoch: Epoch) -> Result<&TrueLog, Broken> {
        let log = self.logs.get(&(id.clone(), epoch.0));
        log.ok_or_else(|| format!("{id} has no log of epoch {epoch}"))
    }
}

impl TrueLog {
    /// How many events below an index a filter matches.
    #[must_use]
    pub(crate) fn count(&self, filter: &EventFilter, below: Index) -> u64 {
        let events = self.events.iter().take_while(|event| event.index < below);
        events.filter(|event| wanted(filter, event)).count() as u64
    }

    /// Events of `latest` series that have a newer one.
    #[must_use]
    pub(crate) fn superseded(&self) -> BTreeSet<u64> {
        let mut newest = HashMap::new();
        let mut old = BTreeSet::new();
        for event in &self.events {
            if let Some((series, SeriesMode::Latest)) = event.series.effective() {
                old.extend(newest.insert(series, event.index.0));
            }
        }
        old
    }

    /// The text of a series up to an index, joined as strings.
    #[must_use]
    pub(crate) fn text(&self, series: &str, upto: Index) -> String {
        let events = self.events.iter().take_while(|event| event.index <= upto);
        let deltas = events.filter(|event| series_of(event) == Some(series));
        deltas.map(delta_of).collect()
    }
}

/// The `accumulate` series that an event is a delta of.
#[must_use]
pub(crate) fn series_of(event: &Event) -> Option<&str> {
    match event.series.effective() {
        Some((series, SeriesMode::Accumulate)) => Some(series.as_str()),
        _ => None,
    }
}

/// The text of a delta.
#[must_use]
pub(crate) fn delta_of(event: &Event) -> String {
    let data = event.data.as_ref().map(RawJson::read::<serde_json::Value>);
    let data = data.and_then(Result::ok).unwrap_or_default();
    data["delta"].as_str().unwrap_or_default().to_owned()
}

/// The rules of filters, written a second time.
#[must_use]
pub(crate) fn wanted(filter: &EventFilter, event: &Event) -> bool {
    let text = event.event_type.as_str();
    let matches = |pattern: &TypePattern| match pattern {
        TypePattern::Any => true,
        TypePattern::Prefix(prefix) => text.starts_with(&**prefix),
        TypePattern::Exact(exact) => **exact == *text,
    };
    let by_level = |levels: &Vec<Level>| levels.contains(&event.level);
    filter
        .types
        .as_ref()
        .is_none_or(|types| types.iter().any(matches))
        && filter.levels.as_ref().is_none_or(by_level)
        && (filter.include_status || text != "taskcast:status")
}
