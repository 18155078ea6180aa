//! What a task is, as pure values: no async, no clock, no randomness, no I/O.
//!
//! A task is a **log** of events beside a **record**. Everything here is a function over such
//! values; time, epochs and revisions are arguments. Stores call it inside their commits, the
//! engine calls it to prepare them, and clients can call it to understand what they receive.
//!
//! ```
//! use taskcast_core::{Millis, NewTask, Status, TaskId, Transition, transition};
//!
//! let id = TaskId::new("report-7")?;
//! let record = NewTask::default().into_record(id, Millis(1_000));
//! let step = transition(&record, &Transition::to(Status::Running), Millis(2_000))?;
//! assert_eq!(step.record.status, Status::Running);
//! assert_eq!(step.events[0].event_type.as_str(), "taskcast:status");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod auth_config;
mod cursor;
mod deadline;
mod event;
mod event_id;
mod filter;
mod ids;
mod json;
mod level;
mod limits;
mod position;
mod series;
mod status;
mod task;
mod transition;

pub use access::{Denied, Identity, Scope, Scopes, TaskScope, UnknownScope};
pub use auth_config::{AuthConfig, AuthRule, Requirement, RuleMatch};
pub use cursor::{Cursor, GapReason};
pub use deadline::{Due, due};
pub use event::{
    Event, EventIdText, Imported, NewEvent, SeriesTag, Slot, Tombstone, TombstoneReason,
};
pub use event_id::{EventId, EventIdError};
pub use filter::{EventFilter, FilterError, TypePattern};
pub use ids::{EventType, IdError, IdKind, ProducerId, SeriesId, Tag, TaskId};
pub use json::{JsonError, RawJson};
pub use level::{Level, UnknownLevel};
pub use limits::Limits;
pub use position::{CommitNumber, Epoch, Index, Millis, Revision};
pub use series::{Fold, Head, SeriesConflict, SeriesMode, SeriesState, Span, field_span};
pub use status::{Status, UnknownStatus};
pub use task::{BlockedRequest, NewTask, TaskError, TaskRecord};
pub use transition::{Step, Transition, TransitionError, transition};
