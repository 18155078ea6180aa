//! Tickets: for browsers, whose `EventSource` cannot send headers.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, TaskPath};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use taskcast_api::schema::Name;
use taskcast_api::{ErrorBody, Invalid, TicketResponse};
use taskcast_auth::{OPEN_ENDED_MILLIS, TicketError};
use taskcast_core::{Millis, Scope};

/// Issues a ticket for the event stream of one task.
///
/// Needs `event:subscribe`. The first connect has to come within 60 seconds; later ones are taken
/// only with `Last-Event-ID`, until the caller's token ends.
#[utoipa::path(post, path = "/tasks/{taskId}/tickets", operation_id = "createTicket", tag = "events",
    params(("taskId" = inline(Name), Path, description = "The task.")),
    responses((status = 201, body = TicketResponse), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn issue(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
) -> Result<(StatusCode, Json<TicketResponse>), ApiError> {
    app.engine
        .as_caller(&identity)
        .may(Scope::EventSubscribe, &id)
        .await?;
    let now = app.engine.now();
    let ticket = app
        .tickets
        .issue(&id, &identity, now)
        .map_err(|error| match error {
            TicketError::Denied(denied) => denied.into(),
            TicketError::TooLarge { .. } => ApiError::from(Invalid::because(error.to_string())),
        })?;
    let Millis(expires_at) = identity
        .expires_at
        .unwrap_or_else(|| now.plus_millis(OPEN_ENDED_MILLIS));
    let ticket = String::from(ticket);
    Ok((
        StatusCode::CREATED,
        Json(TicketResponse { ticket, expires_at }),
    ))
}
