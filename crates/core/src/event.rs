//! What is in a log: events, and the tombstones of events that were removed.

use crate::{
    CommitNumber, Epoch, EventId, EventType, Fold, Index, Level, Millis, RawJson, SeriesId,
    SeriesMode, Span,
};
use std::fmt;

/// What a publisher said about the series of an event; kept and echoed as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesTag {
    /// Which series the event belongs to.
    pub id: Option<SeriesId>,
    /// How the series folds.
    pub mode: Option<SeriesMode>,
    /// Which string field of `data` an `accumulate` series joins; `delta` where absent.
    pub field: Option<Box<str>>,
}

impl SeriesTag {
    /// The field that an `accumulate` series joins where none is named.
    pub const DEFAULT_FIELD: &'static str = "delta";

    /// The series and its mode, when the event takes part in one: both have to be given.
    #[must_use]
    pub fn effective(&self) -> Option<(&SeriesId, SeriesMode)> {
        Some((self.id.as_ref()?, self.mode?))
    }

    /// The field that is joined.
    #[must_use]
    pub fn joined_field(&self) -> &str {
        self.field.as_deref().unwrap_or(Self::DEFAULT_FIELD)
    }

    /// Whether the event is a delta of an `accumulate` series: a folded replay shows it only
    /// through the head of its series.
    #[must_use]
    pub fn is_folded(&self) -> bool {
        self.effective()
            .is_some_and(|(_, mode)| mode == SeriesMode::Accumulate)
    }
}

/// An event about to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub event_type: EventType,
    /// How much it matters.
    pub level: Level,
    /// The payload; absent and `null` are different.
    pub data: Option<RawJson>,
    /// The series it belongs to.
    pub series: SeriesTag,
    /// Where in `data` the joined text of an `accumulate` delta lies; see [`crate::field_span`].
    /// Prepared before the commit, so that no store has to parse JSON inside one.
    pub text: Option<Span>,
    /// Set on events that an archive brings along.
    pub imported: Option<Imported>,
}

/// What an imported event keeps of the log it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its id there: looked up when a cursor names it, never decoded.
    pub id: Box<str>,
    /// When it was appended there. Never earlier than the event before it.
    pub at: Millis,
}

impl NewEvent {
    /// An `info` event with a payload and without a series.
    #[must_use]
    pub fn new(event_type: EventType, data: Option<RawJson>) -> Self {
        Self {
            event_type,
            level: Level::Info,
            data,
            series: SeriesTag::default(),
            text: None,
            imported: None,
        }
    }

    /// The same event with its series, and with the joined text of a delta found in its data.
    #[must_use]
    pub fn in_series(mut self, series: SeriesTag) -> Self {
        self.text = match &self.data {
            Some(data) if series.is_folded() => crate::field_span(data, series.joined_field()),
            _ => None,
        };
        self.series = series;
        self
    }
}

/// An event in a log. Immutable once acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its position in the log.
    pub index: Index,
    /// When it was appended, by the clock of the store; never decreases along the log.
    pub at: Millis,
    /// The commit it came with.
    pub commit: CommitNumber,
    /// What happened.
    pub event_type: EventType,
    /// How much it matters.
    pub level: Level,
    /// The payload as published (of a delta: the delta).
    pub data: Option<RawJson>,
    /// The series it belongs to.
    pub series: SeriesTag,
    /// Where a delta stands in the fold of its `accumulate` series; absent on all other events.
    pub fold: Option<Fold>,
    /// The id it came with, when an archive brought it.
    pub foreign_id: Option<Box<str>>,
}

impl Event {
    /// The event's id in the log with this epoch, as clients see it.
    #[must_use]
    pub fn id(&self, epoch: Epoch) -> EventIdText<'_> {
        match &self.foreign_id {
            Some(id) => EventIdText::Foreign(id),
            None => EventIdText::Own(EventId {
                at: self.at,
                epoch,
                index: self.index,
            }),
        }
    }

    /// Bytes the event takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        const FIXED: usize = 200;
        let data = self.data.as_ref().map_or(0, |d| d.as_bytes().len());
        let series = self.series.id.as_ref().map_or(0, |s| s.as_str().len());
        FIXED + data + series + self.event_type.as_str().len()
    }

    /// What remains of the event when it is removed.
    #[must_use]
    pub fn tombstone(&self, reason: TombstoneReason) -> Tombstone {
        Tombstone {
            index: self.index,
            at: self.at,
            commit: self.commit,
            event_type: self.event_type.clone(),
            level: self.level,
            foreign_id: self.foreign_id.clone(),
            reason,
        }
    }
}

/// The id of an event as text: computed, or kept from an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventIdText<'a> {
    /// Computed from the position.
    Own(EventId),
    /// Brought along by an archive.
    Foreign(&'a str),
}

impl fmt::Display for EventIdText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(id) => id.fmt(f),
            Self::Foreign(id) => f.write_str(id),
        }
    }
}

/// Why an event is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TombstoneReason {
    /// A newer event of its `latest` series replaced it. Readers pass it silently.
    Superseded,
    /// A cleanup rule removed it. A reader whose filter would have matched it gets a gap.
    Cleaned,
}

/// What a removed event leaves: enough that indexes and filtered positions never shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Its position in the log.
    pub index: Index,
    /// When the event was appended.
    pub at: Millis,
    /// The commit the event came with.
    pub commit: CommitNumber,
    /// The type the event had.
    pub event_type: EventType,
    /// The level the event had.
    pub level: Level,
    /// The id it came with, when an archive brought it.
    pub foreign_id: Option<Box<str>>,
    /// Why it is gone.
    pub reason: TombstoneReason,
}

/// One position of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An event.
    Event(Event),
    /// What a removed event left.
    Tombstone(Tombstone),
}

impl Slot {
    /// The position.
    #[must_use]
    pub fn index(&self) -> Index {
        match self {
            Self::Event(event) => event.index,
            Self::Tombstone(tombstone) => tombstone.index,
        }
    }

    /// When the event at this position was appended.
    #[must_use]
    pub fn at(&self) -> Millis {
        match self {
            Self::Event(event) => event.at,
            Self::Tombstone(tombstone) => tombstone.at,
        }
    }

    /// The commit that filled this position.
    #[must_use]
    pub fn commit(&self) -> CommitNumber {
        match self {
            Self::Event(event) => event.commit,
            Self::Tombstone(tombstone) => tombstone.commit,
        }
    }

    /// The type and level at this position, which filters look at.
    #[must_use]
    pub fn kind(&self) -> (&EventType, Level) {
        match self {
            Self::Event(event) => (&event.event_type, event.level),
            Self::Tombstone(tombstone) => (&tombstone.event_type, tombstone.level),
        }
    }

    /// The event, unless it was removed.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Tombstone(_) => None,
        }
    }
}
