//! Tasks: create, get, change, resolve, delete.

use crate::call::{Call, encoded};
use crate::client::Client;
use crate::retry::random_name;
use crate::{ClientError, Once};
use bytes::Bytes;
use http::Method;
use taskcast_api::{
    BlockedRequest, CreateTask, ErrorCode, ImportAnswer, ResolveTask, Task, TaskError, TaskView,
    TransitionTask,
};
use taskcast_core::{RawJson, Status, TaskId, Transition};

impl Client {
    /// Creates a task. An idempotency key is made up, so that repetitions create it once.
    ///
    /// # Errors
    /// 409 `task_exists` when another task has the id; others as [`ClientError`] says.
    pub async fn create_task(&self, task: &CreateTask) -> Result<Task, ClientError> {
        self.create_task_once(task, &random_name()?).await
    }

    /// Creates a task, once for an idempotency key of the caller: 1 to 256 bytes.
    ///
    /// # Errors
    /// As [`create_task`](Self::create_task); 422 when the key was used for another body.
    pub async fn create_task_once(
        &self,
        task: &CreateTask,
        key: &str,
    ) -> Result<Task, ClientError> {
        let call = Call::new(Method::POST, "/tasks", true).header(Once::KEY_HEADER, key)?;
        self.answer(&call.json(task)?).await
    }

    /// Reads a task.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get_task(&self, id: &TaskId) -> Result<TaskView, ClientError> {
        self.answer(&Call::get(path(id, ""))).await
    }

    /// Changes the status of a task. Not repeated once the server may have seen it: a second try
    /// of a change that was made is a 409.
    ///
    /// # Errors
    /// 409 `invalid_transition` when the status does not follow the one the task has.
    pub async fn transition(
        &self,
        id: &TaskId,
        transition: impl Into<Change>,
    ) -> Result<Task, ClientError> {
        let call = Call::new(Method::PATCH, path(id, "/status"), false);
        self.answer(&call.json(&transition.into().0)?).await
    }

    /// Sets a task running.
    ///
    /// # Errors
    /// As [`transition`](Self::transition).
    pub async fn start(&self, id: &TaskId) -> Result<Task, ClientError> {
        self.transition(id, Transition::to(Status::Running)).await
    }

    /// Completes a running task, with what came out: a JSON object.
    ///
    /// # Errors
    /// As [`transition`](Self::transition).
    pub async fn complete(
        &self,
        id: &TaskId,
        result: Option<RawJson>,
    ) -> Result<Task, ClientError> {
        let transition = Transition {
            result,
            ..Transition::to(Status::Completed)
        };
        self.transition(id, transition).await
    }

    /// Fails a running task.
    ///
    /// # Errors
    /// As [`transition`](Self::transition).
    pub async fn fail(&self, id: &TaskId, error: TaskError) -> Result<Task, ClientError> {
        let transition = Transition {
            error: Some(error.into()),
            ..Transition::to(Status::Failed)
        };
        self.transition(id, transition).await
    }

    /// Cancels a task that has not ended.
    ///
    /// # Errors
    /// As [`transition`](Self::transition).
    pub async fn cancel(&self, id: &TaskId) -> Result<Task, ClientError> {
        self.transition(id, Transition::to(Status::Cancelled)).await
    }

    /// Answers what a blocked task asks.
    ///
    /// # Errors
    /// 400 `task_not_blocked` when it asks nothing.
    pub async fn resolve(&self, id: &TaskId, data: Option<RawJson>) -> Result<Task, ClientError> {
        let call = Call::new(Method::POST, path(id, "/resolve"), false);
        self.answer(&call.json(&ResolveTask { data })?).await
    }

    /// What a blocked task asks.
    ///
    /// # Errors
    /// 404 `no_blocked_request` when it asks nothing.
    pub async fn request(&self, id: &TaskId) -> Result<BlockedRequest, ClientError> {
        self.answer(&Call::get(path(id, "/request"))).await
    }

    /// Deletes a task with its events.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_task(&self, id: &TaskId) -> Result<(), ClientError> {
        let call = Call::new(Method::DELETE, path(id, ""), false);
        let error = match self.bytes(&call, self.shared.retry).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_retryable() => error,
            Err(error) => return Err(error),
        };
        // The first try may have deleted it; then the second finds nothing, and that is success.
        let again = Call::new(Method::DELETE, path(id, ""), true);
        match self.bytes(&again, self.shared.retry).await {
            Err(late) if late.code() == Some(ErrorCode::TaskNotFound) => Ok(()),
            Err(late) if late.is_retryable() => Err(error),
            other => other.map(drop),
        }
    }

    /// Imports an archive: the bytes that an export gave, sent as they are. A task that has the id
    /// is replaced when `overwrite` says so. Not repeated once the server may have seen it.
    ///
    /// # Errors
    /// 409 `task_exists`; 400 when the archive is none.
    pub async fn import(
        &self,
        archive: Bytes,
        overwrite: bool,
    ) -> Result<ImportAnswer, ClientError> {
        let end = format!(",\"overwrite\":{overwrite}}}");
        let parts = vec![Bytes::from_static(b"{\"archive\":"), archive, end.into()];
        let call = Call::new(Method::POST, "/tasks/import", false).json_bytes(parts);
        self.answer(&call).await
    }
}

/// A change of status to ask for: a [`Transition`] or a [`TransitionTask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change(pub(crate) TransitionTask);

impl From<TransitionTask> for Change {
    fn from(asked: TransitionTask) -> Self {
        Self(asked)
    }
}

impl From<Transition> for Change {
    fn from(asked: Transition) -> Self {
        Self(asked.into())
    }
}

/// The path of a task, and what follows it.
pub(crate) fn path(id: &TaskId, rest: &str) -> String {
    format!("/tasks/{}{rest}", encoded(id.as_str()))
}
