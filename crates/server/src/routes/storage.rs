//! Letting go of a task in the short-term store.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, TaskPath, json_body};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use taskcast_api::schema::Name;
use taskcast_api::{ErrorBody, ErrorCode, ReleaseAnswer, ReleaseRequest, StorageState};
use taskcast_core::{Index, Scope};
use taskcast_store::StoreError;
use taskcast_store::tier::{ReleaseError, StorageState as Stored};

/// Archives a task and lets go of it in the short-term store.
///
/// Needs `task:manage`. Done only if the last event is the one that the request names, and nothing
/// has happened to the task since. Reading and writing go on as before.
#[utoipa::path(post, path = "/tasks/{taskId}/storage/release", operation_id = "releaseTaskStorage", tag = "tasks",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    request_body = ReleaseRequest,
    responses((status = 200, body = ReleaseAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 408, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody), (status = 500, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub(crate) async fn release(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ReleaseAnswer>, ApiError> {
    const MOST_BYTES: usize = 64 << 10;
    let caller = app.engine.as_caller(&identity);
    caller.may(Scope::TaskManage, &id).await?;
    let body = json_body(&app, &headers, body, MOST_BYTES).await?;
    let request = ReleaseRequest::parse(&body)?;
    let Some(storage) = &app.backend.release else {
        let text = "there is no long-term store that could keep the task";
        return Err(ApiError::new(ErrorCode::StorageReleaseUnsupported, text));
    };
    let (last, since) = (request.last_index(), request.since());
    let released = storage.release(&id, last, since).await.map_err(refused)?;
    Ok(Json(ReleaseAnswer {
        task_id: id.to_string(),
        storage_state: match released.state {
            Stored::Hot => StorageState::Hot,
            Stored::Releasing => StorageState::Releasing,
            Stored::Cold => StorageState::Cold,
        },
        archive_watermark: last_below(released.watermark),
        released: released.released,
    }))
}

/// The last index below one, -1 when there is none.
fn last_below(index: Index) -> i64 {
    let last = index.previous().and_then(|last| i64::try_from(last.0).ok());
    last.unwrap_or(-1)
}

fn refused(error: ReleaseError) -> ApiError {
    let text = error.to_string();
    match error {
        ReleaseError::NotFound => ApiError::new(ErrorCode::TaskNotFound, text),
        ReleaseError::Precondition => ApiError::new(ErrorCode::StoragePreconditionFailed, text),
        ReleaseError::Busy => ApiError::new(ErrorCode::StorageBusy, text),
        ReleaseError::Store(StoreError::Damaged { .. }) => {
            tracing::error!(error = %text, "a task could not be released");
            let text = "what is stored of the task is damaged";
            ApiError::new(ErrorCode::StorageIntegrityError, text)
        }
        ReleaseError::Store(
            StoreError::Unavailable { what, .. } | StoreError::Full { what, .. },
        ) => {
            tracing::warn!(error = %text, "a task could not be released");
            let text = format!("{what} is unavailable");
            ApiError::new(ErrorCode::StorageUnavailable, text)
        }
    }
}
