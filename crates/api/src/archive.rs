//! Archives, version 1: a task and its log as one JSON document, to be kept or taken elsewhere.

mod import;

pub use import::ImportRequest;

use crate::event::put_number;
use crate::{EventView, Task, TaskEvent};
use bytes::BufMut;
use serde::{Deserialize, Serialize};
use taskcast_core::{Index, Millis, RawJson};
use utoipa::ToSchema;

/// What an archive says it is.
const SCHEMA: &str = "taskcast.taskArchive";
const VERSION: u32 = 1;

/// An archive. Its events are counted from 0 without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Archive {
    /// `taskcast.taskArchive`.
    pub schema: String,
    /// 1.
    pub version: u32,
    /// When it was written, in milliseconds since the Unix epoch.
    #[schema(value_type = u64)]
    pub exported_at: Millis,
    /// The task.
    pub task: Task,
    /// Its events, in order. `data` is in every one, as `null` where the event has none.
    pub events: Vec<TaskEvent>,
}

/// The body of `POST /tasks/import`, as clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportBody {
    /// The archive as it was exported.
    #[schema(value_type = Archive)]
    pub archive: RawJson,
    /// Whether a task that has the id is replaced.
    #[serde(default)]
    #[schema(required = false)]
    pub overwrite: bool,
}

/// The answer to an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// True.
    pub ok: bool,
    /// The id of the task.
    pub task_id: String,
    /// How many events came with it.
    pub event_count: u64,
    /// Whether a task that had the id was replaced.
    pub overwritten: bool,
}

/// Writes an archive piece by piece, so that a log of any length needs little memory.
#[derive(Debug)]
pub struct ArchiveWriter {
    written: u64,
}

impl ArchiveWriter {
    /// Writes what stands before the events.
    ///
    /// # Errors
    /// When the task has no JSON form, which no stored task does.
    pub fn begin(
        out: &mut impl BufMut,
        exported_at: Millis,
        task: &Task,
    ) -> Result<Self, serde_json::Error> {
        let task = serde_json::to_vec(task)?;
        let head = format!("{{\"schema\":\"{SCHEMA}\",\"version\":{VERSION},\"exportedAt\":");
        out.put_slice(head.as_bytes());
        put_number(out, exported_at.0);
        out.put_slice(b",\"task\":");
        out.put_slice(&task);
        out.put_slice(b",\"events\":[");
        Ok(Self { written: 0 })
    }

    /// Writes the next event. It gets the next index, whatever its own is.
    pub fn event(&mut self, out: &mut impl BufMut, view: &EventView<'_>) {
        if self.written > 0 {
            out.put_slice(b",");
        }
        view.archived_at(Index(self.written)).write(out);
        self.written += 1;
    }

    /// Writes what stands after the events; the result is how many there are.
    pub fn end(self, out: &mut impl BufMut) -> u64 {
        out.put_slice(b"]}");
        self.written
    }
}
