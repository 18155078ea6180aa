//! What a subscriber asks for, and what it gets.

use crate::Subscription;
use crate::topic::{SharedEvent, Total};
use std::sync::Arc;
use taskcast_core::{Epoch, EventFilter, EventId, GapReason, Index};

/// What a subscriber asks for.
#[derive(Clone, Debug, Default)]
pub struct SubscribeAsk {
    /// The events it wants.
    pub filter: EventFilter,
    /// How it wants deltas of `accumulate` series.
    pub format: SeriesFormat,
    /// Where it was: asked in the order of [`Since`], else `last_event_id`.
    pub since: Since,
    /// The cursor that an event stream gives back by itself; used when `since` says nothing.
    pub last_event_id: Option<String>,
    /// Of the frames before the tail, only the newest so many.
    pub limit: Option<u64>,
}

/// Where a reader was, in its own words. All that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// After the event with this id (or this cursor).
    pub id: Option<String>,
    /// After this time, in milliseconds; not used beside an id.
    pub timestamp: Option<u64>,
    /// After this position; -1 is before the first. Applied to what the others left.
    pub index: Option<i64>,
}

impl Since {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How deltas of `accumulate` series are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesFormat {
    /// As published.
    #[default]
    Delta,
    /// With the text joined so far in place of the delta's.
    Accumulated,
}

/// What became of a wish to subscribe.
pub enum Subscribe {
    /// A stream.
    Stream(Box<Subscription>),
    /// Everything was delivered before, the end too: there is nothing to come back for.
    Over,
}

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The log.
    pub epoch: Epoch,
    /// The first index that is looked at.
    pub from: Index,
    /// The tail at that moment.
    pub tail: Index,
    /// Whether it begins with a folded replay, or goes on event by event.
    pub folded: bool,
}

/// A part of a stream.
#[derive(Clone, Debug)]
pub enum Frame {
    /// An event, or the folded value of a series.
    Event(EventFrame),
    /// Something that was asked for is missing.
    Gap(Gap),
    /// Everything up to this event was delivered, or was not asked for.
    Progress(EventId),
    /// The stream has reached the tail that the log had when it began.
    CaughtUp(Index),
    /// Nothing more comes. The last frame.
    Done(Done),
}

/// An event on its way to one subscriber.
#[derive(Clone, Debug)]
pub struct EventFrame {
    /// The event.
    pub shared: Arc<SharedEvent>,
    /// Its position in the log as the subscriber's filter sees it, from 0.
    pub position: u64,
    /// The text to put in place of the delta's; absent when the event goes out as it is.
    pub total: Option<Total>,
    /// Whether it stands for its series so far, replacing what a reader had of it.
    pub snapshot: bool,
    /// Whether it belongs to a folded replay, so that its id is a folded cursor.
    pub folded: bool,
}

/// Something that a reader asked for is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The cursor that was asked from.
    pub requested: String,
    /// The first index that can be had.
    pub earliest: Index,
    /// Why the rest cannot.
    pub reason: GapReason,
}

/// The end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The terminal status, or `deleted`.
    pub reason: &'static str,
    /// The position past the last event, as a cursor: who comes back with it has seen everything.
    /// Absent for a deleted task.
    pub cursor: Option<EventId>,
}
