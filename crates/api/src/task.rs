//! Tasks as answers show them.

pub(crate) mod create;
mod resolve;
pub(crate) mod transition;

pub use create::CreateTask;
pub use resolve::ResolveTask;
pub use transition::TransitionTask;

use crate::present::present;
use crate::schema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use taskcast_core::{AuthConfig, EventType, Millis, RawJson, Status, Tag, TaskId, TaskRecord};
use utoipa::ToSchema;

/// A task. Fields that have no value are absent, never `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The id, unique among the tasks that exist.
    #[schema(value_type = String, max_length = 256)]
    pub id: TaskId,
    /// The type given at creation; dots separate words.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub task_type: Option<EventType>,
    /// Where the task stands.
    #[schema(value_type = schema::TaskStatus)]
    pub status: Status,
    /// Input given at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub params: Option<RawJson>,
    /// What came out, by the last transition that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::ResultValue, required = false)]
    pub result: Option<RawJson>,
    /// What went wrong, by the last transition that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TaskError, required = false)]
    pub error: Option<TaskError>,
    /// Notes given at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub metadata: Option<RawJson>,
    /// When the task was created, in milliseconds since the Unix epoch.
    #[schema(value_type = u64)]
    pub created_at: Millis,
    /// When the task last changed, in milliseconds since the Unix epoch. Publishing is no change.
    #[schema(value_type = u64)]
    pub updated_at: Millis,
    /// When the task ended, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub completed_at: Option<Millis>,
    /// Seconds the task may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub ttl: Option<u64>,
    /// Rules on who may do what with the task, on top of the caller's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::AuthConfig, required = false)]
    pub auth_config: Option<AuthConfig>,
    /// Words to find the task by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    pub tags: Vec<Tag>,
    /// Why the task is paused or blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub reason: Option<String>,
    /// When a blocked task goes on by itself, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub resume_at: Option<Millis>,
    /// What a blocked task asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BlockedRequest, required = false)]
    pub blocked_request: Option<BlockedRequest>,
}

impl From<TaskRecord> for Task {
    fn from(record: TaskRecord) -> Self {
        Self {
            id: record.id,
            task_type: record.task_type,
            status: record.status,
            params: record.params,
            result: record.result,
            error: record.error.map(Into::into),
            metadata: record.metadata,
            created_at: record.created_at,
            updated_at: record.updated_at,
            completed_at: record.completed_at,
            ttl: record.ttl,
            auth_config: record.auth_config,
            tags: record.tags,
            reason: record.reason,
            resume_at: record.resume_at,
            blocked_request: record.blocked_request.map(Into::into),
        }
    }
}

/// Why a task failed, as its worker said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskError {
    /// A stable word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub code: Option<String>,
    /// A sentence for people.
    pub message: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub details: Option<RawJson>,
}

impl From<taskcast_core::TaskError> for TaskError {
    fn from(error: taskcast_core::TaskError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            details: error.details,
        }
    }
}

impl From<TaskError> for taskcast_core::TaskError {
    fn from(error: TaskError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            details: error.details,
        }
    }
}

/// What a blocked task asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedRequest {
    /// What kind of answer is wanted; free text.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whatever the one who answers needs to know; any JSON value.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = schema::AnyValue, required = false)]
    pub data: Option<RawJson>,
}

impl From<taskcast_core::BlockedRequest> for BlockedRequest {
    fn from(request: taskcast_core::BlockedRequest) -> Self {
        Self {
            kind: request.kind,
            data: request.data,
        }
    }
}

impl From<BlockedRequest> for taskcast_core::BlockedRequest {
    fn from(request: BlockedRequest) -> Self {
        Self {
            kind: request.kind,
            data: request.data,
        }
    }
}

/// A task, and who follows it on the instance that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// Whether anybody follows the task: `subscriberCount > 0`.
    pub hot: bool,
    /// Open streams of this task on the instance that answers.
    pub subscriber_count: u64,
}

impl TaskView {
    /// The task with its number of subscribers.
    #[must_use]
    pub fn new(task: impl Into<Task>, subscriber_count: u64) -> Self {
        Self {
            task: task.into(),
            hot: subscriber_count > 0,
            subscriber_count,
        }
    }
}

impl<'de> Deserialize<'de> for TaskView {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Following {
            hot: bool,
            subscriber_count: u64,
        }
        // A flattened field would go through a tree, which raw values do not survive.
        let raw = Box::<RawValue>::deserialize(json)?;
        let task = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        let following: Following =
            serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        Ok(Self {
            task,
            hot: following.hot,
            subscriber_count: following.subscriber_count,
        })
    }
}

/// One page of tasks, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskList {
    /// The tasks. A page may be short when a filter is sparse.
    pub tasks: Vec<TaskView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskcast_core::NewTask;

    #[test]
    fn a_new_task_shows_four_fields_and_not_its_timeout() {
        let new = NewTask {
            ttl: Some(5),
            ..NewTask::default()
        };
        let task = Task::from(new.into_record(TaskId::new("t").unwrap(), Millis(7)));
        assert_eq!(
            serde_json::to_string(&task).unwrap(),
            r#"{"id":"t","status":"pending","createdAt":7,"updatedAt":7,"ttl":5}"#
        );
    }

    #[test]
    fn a_list_reads_back_with_its_raw_values_as_they_were() {
        let json = concat!(
            r#"{"tasks":[{"id":"t","type":"a.b","status":"blocked","params":{ "n":1.0 },"#,
            r#""createdAt":1,"updatedAt":2,"tags":["x"],"blockedRequest":{"type":"q","data":null},"#,
            r#""hot":true,"subscriberCount":2}],"nextCursor":"c"}"#
        );
        let list: TaskList = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), json);
        assert!(list.tasks[0].hot);
    }
}
