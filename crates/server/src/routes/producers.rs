//! Where an exactly-once producer stands.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, ProducerPath, TaskPath};
use axum::Json;
use axum::extract::State;
use taskcast_api::schema::Name;
use taskcast_api::{ErrorBody, ErrorCode, ProducerState};

/// Shows how far an exactly-once producer has got in a task.
///
/// Needs `event:publish`. After a cut the producer goes on at `seq + 1`.
#[utoipa::path(get, path = "/tasks/{taskId}/producers/{producerId}", operation_id = "getProducer", tag = "events",
    params(("taskId" = inline(Name), Path, description = "The task."),
        ("producerId" = inline(Name), Path, description = "The producer.")),
    responses((status = 200, body = ProducerState), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn get(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    ProducerPath(producer): ProducerPath,
) -> Result<Json<ProducerState>, ApiError> {
    let position = app
        .engine
        .as_caller(&identity)
        .producer(&id, &producer)
        .await?;
    let position = position.ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            format!("Producer not found: {producer}"),
        )
    })?;
    Ok(Json(ProducerState {
        epoch: position.epoch,
        seq: position.seq,
    }))
}
