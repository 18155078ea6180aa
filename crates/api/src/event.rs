//! Events as answers and streams show them.

mod line;
mod publish;
mod view;

pub use line::NdjsonLine;
pub use publish::{EventBody, EventsWithTransition, PublishBody, PublishRequest};
pub use view::{EventView, write_event};

pub(crate) use publish::{joined_field, series_mode};
pub(crate) use view::{put_number, put_string};

use crate::present::present;
use crate::schema;
use serde::{Deserialize, Serialize};
use taskcast_core::{EventType, Index, Level, Millis, RawJson, SeriesMode, TaskId};
use utoipa::ToSchema;

/// An event, as history, publishing and unwrapped streams show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskEvent {
    /// The id, unique within the task: a cursor for `since.id` and `Last-Event-ID`.
    pub id: String,
    /// The task it belongs to.
    #[schema(value_type = String)]
    pub task_id: TaskId,
    /// Its position in the log of the task, from 0; every event of any type takes one.
    #[schema(value_type = u64)]
    pub index: Index,
    /// When it was appended, in milliseconds since the Unix epoch; never decreases along the log.
    #[schema(value_type = u64)]
    pub timestamp: Millis,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub event_type: EventType,
    /// How much it matters.
    #[schema(value_type = schema::EventLevel)]
    pub level: Level,
    /// The payload; absent and `null` are different.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = schema::AnyValue, required = false)]
    pub data: Option<RawJson>,
    /// The series it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub series_id: Option<String>,
    /// How the series folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::EventSeriesMode, required = false)]
    pub series_mode: Option<SeriesMode>,
    /// The string field of `data` that an `accumulate` series joins; `delta` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub series_acc_field: Option<String>,
    /// Whether `data` is the folded value of the series so far, which replaces what was seen of it.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub series_snapshot: bool,
}

/// An event in a stream, with its position among those that the filter lets through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The position in the whole filtered log, from 0: a cursor for `since.index`.
    pub filtered_index: u64,
    /// The position in the log.
    #[schema(value_type = u64)]
    pub raw_index: Index,
    /// The id of the event.
    pub event_id: String,
    /// The task it belongs to.
    #[schema(value_type = String)]
    pub task_id: TaskId,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub event_type: EventType,
    /// When it was appended, in milliseconds since the Unix epoch.
    #[schema(value_type = u64)]
    pub timestamp: Millis,
    /// How much it matters.
    #[schema(value_type = schema::EventLevel)]
    pub level: Level,
    /// The payload; absent and `null` are different.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = schema::AnyValue, required = false)]
    pub data: Option<RawJson>,
    /// The series it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub series_id: Option<String>,
    /// How the series folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::EventSeriesMode, required = false)]
    pub series_mode: Option<SeriesMode>,
    /// The string field of `data` that an `accumulate` series joins; `delta` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub series_acc_field: Option<String>,
    /// Whether `data` is the folded value of the series so far, which replaces what was seen of it.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub series_snapshot: bool,
}

impl From<Envelope> for TaskEvent {
    fn from(envelope: Envelope) -> Self {
        Self {
            id: envelope.event_id,
            task_id: envelope.task_id,
            index: envelope.raw_index,
            timestamp: envelope.timestamp,
            event_type: envelope.event_type,
            level: envelope.level,
            data: envelope.data,
            series_id: envelope.series_id,
            series_mode: envelope.series_mode,
            series_acc_field: envelope.series_acc_field,
            series_snapshot: envelope.series_snapshot,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
