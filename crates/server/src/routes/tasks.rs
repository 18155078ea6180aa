//! Tasks: create, list, get, change, resolve, delete.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, TaskPath, json_body, key};
use crate::query::Query;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use std::fmt::Write;
use taskcast_api::schema::Name;
use taskcast_api::{
    BlockedRequest, CreateTask, ErrorBody, ErrorCode, Invalid, ResolveTask, Task, TaskList,
    TaskView, TransitionTask,
};
use taskcast_core::{Millis, Scope, Status, Tag, TaskId, TypePattern};
use taskcast_engine::CreateAsk;
use taskcast_store::{ListAsk, ListCursor, TaskFilter, TaskState};

/// Creates a task.
///
/// Needs `task:create`. The same `Idempotency-Key` and body answer with the task made before.
#[utoipa::path(post, path = "/tasks", operation_id = "createTask", tag = "tasks", request_body = CreateTask,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 256, description = "Names the request.")),
    responses((status = 201, body = Task), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Task>), ApiError> {
    let body = json_body(&app, &headers, body, app.settings.body_bytes).await?;
    let (id, task) = CreateTask::parse(&body, app.engine.limits())?;
    let ask = CreateAsk {
        id,
        task,
        key: key(&headers, &body)?,
        owner: None,
    };
    let created = app.engine.as_caller(&identity).create(ask).await?;
    Ok((StatusCode::CREATED, Json(task_of(&created.state))))
}

/// Lists tasks, newest first.
///
/// Needs `event:subscribe`; shows only tasks the caller may see. A page may be short while
/// `nextCursor` says that there is more.
#[utoipa::path(get, path = "/tasks", operation_id = "listTasks", tag = "tasks",
    params(
        ("status" = Option<String>, Query, description = "Statuses, separated by commas."),
        ("type" = Option<String>, Query, description = "Patterns of types, separated by commas: `llm.*`."),
        ("tags" = Option<String>, Query, description = "Tags that a task must have, separated by commas."),
        ("limit" = Option<i64>, Query, description = "Tasks in the page; 1000 at most, and by default."),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before.")),
    responses((status = 200, body = TaskList), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    uri: Uri,
) -> Result<Json<TaskList>, ApiError> {
    let query = Query::of(&uri);
    let most = app.engine.limits().page;
    let limit = query.limit()?.map_or(most, |limit| {
        usize::try_from(limit).unwrap_or(most).min(most)
    });
    let after = query.text("cursor")?.map(|text| read_cursor(&text));
    let after = after.transpose()?;
    let types = query.patterns("type", app.engine.limits())?;
    let Some(filter) = task_filter(&query, types)? else {
        identity.check(Scope::EventSubscribe)?;
        return Ok(Json(TaskList {
            tasks: Vec::new(),
            next_cursor: None,
        }));
    };
    let ask = ListAsk {
        filter,
        after,
        limit,
    };
    let page = app.engine.as_caller(&identity).list(ask).await?;
    let tasks = page
        .tasks
        .iter()
        .map(|state| view_of(&app, state))
        .collect();
    Ok(Json(TaskList {
        tasks,
        next_cursor: page.next.as_ref().map(write_cursor),
    }))
}

/// The tasks a query asks for; none when it asks for what no task is: a word that names no status,
/// or a text that can be no tag.
fn task_filter(query: &Query, types: Vec<TypePattern>) -> Result<Option<TaskFilter>, ApiError> {
    let (words, texts) = (query.words("status")?, query.words("tags")?);
    let statuses: Vec<Status> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let tags: Vec<Tag> = texts
        .iter()
        .filter_map(|text| Tag::new(text).ok())
        .collect();
    let possible = (words.is_empty() || !statuses.is_empty()) && tags.len() == texts.len();
    Ok(possible.then_some(TaskFilter {
        statuses,
        types,
        tags,
    }))
}

/// Shows a task.
///
/// Needs `event:subscribe`.
#[utoipa::path(get, path = "/tasks/{taskId}", operation_id = "getTask", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    responses((status = 200, body = TaskView), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn get(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
) -> Result<Json<TaskView>, ApiError> {
    let state = app.engine.as_caller(&identity).get(&id).await?;
    Ok(Json(view_of(&app, &state)))
}

/// Deletes a task with its events.
///
/// Needs `task:manage`. Subscribers get a done frame with reason `deleted`.
#[utoipa::path(delete, path = "/tasks/{taskId}", operation_id = "deleteTask", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    responses((status = 204, description = "It is gone."), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
) -> Result<StatusCode, ApiError> {
    app.engine.as_caller(&identity).delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the status of a task.
///
/// Needs `task:manage`. Of racing requests that end a task exactly one wins; the others get 409.
#[utoipa::path(patch, path = "/tasks/{taskId}/status", operation_id = "changeStatus", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    request_body = TransitionTask,
    responses((status = 200, body = Task), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 408, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn change_status(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Task>, ApiError> {
    let body = json_body(&app, &headers, body, app.settings.body_bytes).await?;
    let asked = TransitionTask::parse(&body, app.engine.limits())?;
    let state = app
        .engine
        .as_caller(&identity)
        .transition(&id, &asked)
        .await?;
    Ok(Json(task_of(&state)))
}

/// Answers what a blocked task asks.
///
/// Needs `task:resolve`. The task goes on running, with the answer as its result.
#[utoipa::path(post, path = "/tasks/{taskId}/resolve", operation_id = "resolveTask", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    request_body = ResolveTask,
    responses((status = 200, body = Task), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 408, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn resolve(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Task>, ApiError> {
    let body = json_body(&app, &headers, body, app.settings.body_bytes).await?;
    let answer = ResolveTask::parse(&body, app.engine.limits())?;
    let state = app
        .engine
        .as_caller(&identity)
        .resolve(&id, answer.data)
        .await?;
    Ok(Json(task_of(&state)))
}

/// Shows what a blocked task asks.
///
/// Needs `task:resolve`.
#[utoipa::path(get, path = "/tasks/{taskId}/request", operation_id = "getRequest", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    responses((status = 200, body = BlockedRequest), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn request(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
) -> Result<Json<BlockedRequest>, ApiError> {
    let request = app.engine.as_caller(&identity).request(&id).await?;
    let request =
        request.ok_or_else(|| ApiError::new(ErrorCode::NoBlockedRequest, "No blocked request"))?;
    Ok(Json(request.into()))
}

pub(crate) fn task_of(state: &TaskState) -> Task {
    state.record.as_ref().clone().into()
}

fn view_of(app: &App, state: &TaskState) -> TaskView {
    let subscribers = app.engine.subscribers_of(&state.record.id) as u64;
    TaskView::new(task_of(state), subscribers)
}

/// A cursor that can stand in a query as it is: the id in hexadecimal digits.
fn write_cursor(cursor: &ListCursor) -> String {
    let mut text = format!("{}-", cursor.created_at);
    for byte in cursor.id.as_str().bytes() {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn read_cursor(text: &str) -> Result<ListCursor, ApiError> {
    let parts = text.split_once('-').and_then(|(at, id)| {
        let digits = id.as_bytes().chunks(2);
        let bytes = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
        let id = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
        Some(ListCursor {
            created_at: Millis(at.parse().ok()?),
            id: TaskId::new(id).ok()?,
        })
    });
    parts.ok_or_else(|| Invalid::issue("cursor", "must be a `nextCursor` of this list").into())
}
