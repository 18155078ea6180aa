//! Publishing: one event, a batch, the last events with the end of the task.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, BodyKind, TaskPath, body_kind, once, read_body};
use crate::routes::lines;
use crate::routes::tasks::task_of;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use taskcast_api::schema::Name;
use taskcast_api::{
    DuplicateAnswer, ErrorBody, PublishBody, PublishRequest, Task, TaskEvent, write_event,
};
use taskcast_core::{Epoch, Event, Identity, Scope, TaskId};
use taskcast_engine::{Publish, Published};
use taskcast_store::{Once, ProducerClaim};
use utoipa::ToSchema;

/// The answer to events that were published with a transition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedWithTransition {
    /// The published events. Those of the transition are not listed.
    events: Vec<TaskEvent>,
    /// The task after the transition.
    task: Option<Task>,
}

/// What a publish is answered with: as it was asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    reason = "describes the answer; the events are written without it"
)]
pub(crate) enum PublishAnswer {
    /// To one event.
    One(Box<TaskEvent>),
    /// To a batch, in its order.
    Many(Vec<TaskEvent>),
    /// To events with a transition.
    WithTransition(Box<PublishedWithTransition>),
    /// To lines (`application/x-ndjson`).
    Lines(taskcast_api::NdjsonSummary),
}

/// Publishes events.
///
/// Needs `event:publish`, and `task:manage` too when a transition goes with the events. All of it
/// is stored or none. With `Content-Type: application/x-ndjson` each line is an event that is
/// appended as it arrives.
#[utoipa::path(post, path = "/tasks/{taskId}/events", operation_id = "publishEvents", tag = "events",
    params(("taskId" = inline(Name), Path, description = "The task."),
        ("Producer-Id" = Option<String>, Header, min_length = 1, max_length = 256, description = "Exactly-once producer."),
        ("Producer-Epoch" = Option<u64>, Header, maximum = 9_007_199_254_740_991_u64, description = "Its epoch."),
        ("Producer-Seq" = Option<u64>, Header, maximum = 9_007_199_254_740_991_u64, description = "The number of the request in that epoch, from 0."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 256, description = "Names the request; not beside a producer.")),
    request_body = PublishRequest,
    responses((status = 201, body = PublishAnswer), (status = 200, body = DuplicateAnswer),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn publish(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    if body_kind(&headers)? == BodyKind::Lines {
        return lines::publish(&app, &identity, &id, &headers, body).await;
    }
    let body = read_body(&app, &headers, body, app.settings.body_bytes).await?;
    let parsed = PublishBody::parse(&body, app.engine.limits())?;
    let once = once(&headers, &body)?;
    let claim = match &once {
        Some(Once::Producer(claim)) => Some(claim.clone()),
        _ => None,
    };
    let mut response = answer(&app, &identity, &id, parsed, once).await?;
    if let Some(claim) = claim {
        echo(&mut response, &claim);
    }
    Ok(response)
}

async fn answer(
    app: &App,
    identity: &Identity,
    id: &TaskId,
    body: PublishBody,
    once: Option<Once>,
) -> Result<Response, ApiError> {
    let caller = app.engine.as_caller(identity);
    let (events, transition, shape) = match body {
        PublishBody::Batch(events) if events.is_empty() && once.is_none() => {
            identity.check_task(Scope::EventPublish, id)?;
            return Ok(created(b"[]"[..].into()));
        }
        PublishBody::Single(event) => (vec![event], None, Shape::One),
        PublishBody::Batch(events) => (events, None, Shape::Many),
        PublishBody::WithTransition { events, transition } => {
            (events, transition, Shape::WithTransition)
        }
    };
    match caller
        .publish(
            id,
            Publish {
                events,
                transition,
                once,
            },
        )
        .await?
    {
        Published::Now {
            epoch,
            events,
            task,
        } => Ok(created(shape.write(
            id,
            epoch,
            &events,
            task.as_ref().map(task_of),
        ))),
        Published::Before {
            epoch,
            events: Some(events),
            task,
        } if shape.fits(&events) => Ok(created(shape.write(
            id,
            epoch,
            &events,
            task.as_ref().map(task_of),
        ))),
        Published::Before { .. } => {
            Ok(axum::Json(DuplicateAnswer { duplicate: true }).into_response())
        }
    }
}

/// The form of an answer.
#[derive(Clone, Copy)]
enum Shape {
    One,
    Many,
    WithTransition,
}

impl Shape {
    /// Whether the answer to an earlier request can have this form: it may have asked otherwise.
    fn fits(self, events: &[Event]) -> bool {
        !matches!(self, Self::One) || events.len() == 1
    }

    fn write(self, id: &TaskId, epoch: Epoch, events: &[Event], task: Option<Task>) -> Bytes {
        let mut out = Vec::with_capacity(320 * events.len() + 64);
        match self {
            Self::One => {
                if let Some(event) = events.first() {
                    write_event(&mut out, id, epoch, event);
                }
            }
            Self::Many => write_events(&mut out, id, epoch, events),
            Self::WithTransition => {
                out.extend_from_slice(b"{\"events\":");
                write_events(&mut out, id, epoch, events);
                if let Some(task) = task.and_then(|task| serde_json::to_vec(&task).ok()) {
                    out.extend_from_slice(b",\"task\":");
                    out.extend_from_slice(&task);
                }
                out.push(b'}');
            }
        }
        out.into()
    }
}

fn write_events(out: &mut Vec<u8>, id: &TaskId, epoch: Epoch, events: &[Event]) {
    out.push(b'[');
    for (position, event) in events.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_event(out, id, epoch, event);
    }
    out.push(b']');
}

fn created(json: Bytes) -> Response {
    let json_type = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (StatusCode::CREATED, json_type, json).into_response()
}

fn echo(response: &mut Response, claim: &ProducerClaim) {
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("producer-epoch"),
        HeaderValue::from(claim.epoch),
    );
    headers.insert(
        HeaderName::from_static("producer-seq"),
        HeaderValue::from(claim.last),
    );
}
