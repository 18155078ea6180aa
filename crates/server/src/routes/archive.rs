//! Archives: a task with its log as one document, out and in.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, TaskPath, json_body};
use crate::query::Query;
use crate::routes::history::{Document, respond, with_view};
use crate::routes::tasks::task_of;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::BytesMut;
use http::{HeaderMap, Uri};
use taskcast_api::schema::Name;
use taskcast_api::{
    Archive, ArchiveWriter, ErrorBody, ImportAnswer, ImportBody, ImportRequest, Task,
};
use taskcast_core::{Epoch, Millis, Scope, TaskId};
use taskcast_engine::{HistoryAsk, HistoryItem, SeriesFormat};

/// Exports a task with its events.
///
/// Needs `event:history`. Each series is one event, unless `full=true`. Secrets are not exported.
#[utoipa::path(get, path = "/tasks/{taskId}/archive", operation_id = "exportTask", tag = "archives",
    params(("taskId" = inline(Name), Path, description = "The task."),
        ("full" = Option<bool>, Query, description = "`true` writes the log as it is.")),
    responses((status = 200, body = Archive), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn export(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    uri: Uri,
) -> Result<Response, ApiError> {
    let full = Query::of(&uri).off("full")?;
    let format = if full {
        SeriesFormat::Delta
    } else {
        SeriesFormat::Accumulated
    };
    let ask = HistoryAsk {
        format,
        ..HistoryAsk::default()
    };
    let history = app.engine.as_caller(&identity).history(&id, ask).await?;
    let task = task_of(history.state());
    let document = ArchiveDocument {
        id,
        now: app.engine.now(),
        task,
        writer: None,
    };
    respond(document, history).await
}

/// Imports a task from an archive.
///
/// Needs `task:manage`. The log opens a new epoch; ids that came along are looked up.
#[utoipa::path(post, path = "/tasks/import", operation_id = "importTask", tag = "archives", request_body = ImportBody,
    responses((status = 200, body = ImportAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub(crate) async fn import(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportAnswer>, ApiError> {
    // The body is large: who may not import at all is told before it is read.
    identity.check(Scope::TaskManage)?;
    let body = json_body(&app, &headers, body, app.settings.import_bytes).await?;
    let request = ImportRequest::parse(&body, app.engine.limits(), app.engine.now())?;
    drop(body);
    let (task_id, event_count) = (request.record.id.to_string(), request.events.len() as u64);
    let caller = app.engine.as_caller(&identity);
    let imported = caller
        .import(request.record, request.events, request.overwrite)
        .await?;
    let overwritten = imported.overwritten;
    Ok(Json(ImportAnswer {
        ok: true,
        task_id,
        event_count,
        overwritten,
    }))
}

struct ArchiveDocument {
    id: TaskId,
    now: Millis,
    task: Task,
    writer: Option<ArchiveWriter>,
}

impl Document for ArchiveDocument {
    fn begin(&mut self, out: &mut BytesMut) {
        // A task that was stored has a JSON form.
        self.writer = ArchiveWriter::begin(out, self.now, &self.task).ok();
    }

    fn item(&mut self, out: &mut BytesMut, epoch: Epoch, item: &HistoryItem) {
        if let Some(writer) = &mut self.writer {
            with_view(&self.id, epoch, item, |view| writer.event(out, view));
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if let Some(writer) = self.writer.take() {
            writer.end(out);
        }
    }
}
