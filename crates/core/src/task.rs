//! The record of a task: the value that its log's status events describe.

use crate::{AuthConfig, EventType, Millis, RawJson, Status, Tag, TaskId};
use serde::{Deserialize, Serialize};

/// Why a task failed, as its worker said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    /// A stable word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence for people.
    pub message: String,
    /// Anything else, a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<RawJson>,
}

/// What a blocked task asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedRequest {
    /// What kind of answer is wanted; free text.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whatever the one who answers needs to know; `null` is something else than nothing.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<RawJson>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<RawJson>, D::Error> {
    RawJson::deserialize(from).map(Some)
}

/// What a caller gives to create a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTask {
    /// The type, for filters: dots separate words.
    pub task_type: Option<EventType>,
    /// Input of the task, a JSON object.
    pub params: Option<RawJson>,
    /// Notes of the caller, a JSON object.
    pub metadata: Option<RawJson>,
    /// Seconds until the task times out; stands still while the task is paused.
    pub ttl: Option<u64>,
    /// Rules on who may do what with the task.
    pub auth_config: Option<AuthConfig>,
    /// Words to find the task by.
    pub tags: Vec<Tag>,
}

/// The state of a task. Changes only by a commit that names its revision.
///
/// Status, result and error are always those of the newest `taskcast:status` event in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    /// The id, unique among the tasks that exist.
    pub id: TaskId,
    /// The type given at creation.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<EventType>,
    /// Where the task stands.
    pub status: Status,
    /// Input given at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<RawJson>,
    /// What came out, by the last transition that said so; a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RawJson>,
    /// What went wrong, by the last transition that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// Notes given at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RawJson>,
    /// When the task was created.
    pub created_at: Millis,
    /// When the record last changed; publishing does not change it.
    pub updated_at: Millis,
    /// When the task became terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Millis>,
    /// Seconds the task may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// When the task times out: set while a `ttl` is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_at: Option<Millis>,
    /// Rules on who may do what with the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_config: Option<AuthConfig>,
    /// Words to find the task by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Why the task is paused or blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When a blocked task goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Millis>,
    /// What a blocked task asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_request: Option<BlockedRequest>,
}

impl TaskRecord {
    /// Bytes that what it holds takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        const TAG: usize = 16;
        let json = |value: &Option<RawJson>| value.as_ref().map_or(0, |v| v.as_bytes().len());
        let error = self.error.as_ref();
        let asked = self.blocked_request.as_ref();
        let rules = self.auth_config.as_ref();
        let tags = self.tags.iter().map(|tag| TAG + tag.as_str().len());
        json(&self.params)
            + json(&self.result)
            + json(&self.metadata)
            + error.map_or(0, |error| error.message.len() + json(&error.details))
            + asked.map_or(0, |asked| asked.kind.len() + json(&asked.data))
            + self.reason.as_ref().map_or(0, String::len)
            + rules.map_or(0, AuthConfig::weight)
            + tags.sum::<usize>()
    }
}

impl NewTask {
    /// The record of the task as it is created: pending, its `ttl` running.
    #[must_use]
    pub fn into_record(self, id: TaskId, now: Millis) -> TaskRecord {
        TaskRecord {
            id,
            task_type: self.task_type,
            status: Status::Pending,
            params: self.params,
            result: None,
            error: None,
            metadata: self.metadata,
            created_at: now,
            updated_at: now,
            completed_at: None,
            ttl: self.ttl,
            timeout_at: self.ttl.map(|seconds| now.plus_seconds(seconds)),
            auth_config: self.auth_config,
            tags: self.tags,
            reason: None,
            resume_at: None,
            blocked_request: None,
        }
    }
}
