//! The event stream of one task.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::TaskPath;
use crate::query::Query;
use crate::stream::{Ending, Source, StreamBody, TaskFrames};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, StatusCode};
use taskcast_api::ErrorBody;
use taskcast_api::schema::Name;
use taskcast_api::sse::{self, Shape};
use taskcast_core::{EventId, Identity, TaskId};
use taskcast_engine::{EngineError, Subscribe, SubscribeAsk, Subscription};

/// Follows the events of a task.
///
/// Needs `event:subscribe`, or a ticket. A reader that comes back gives the last `id:` it saw in
/// `Last-Event-ID` and misses and repeats nothing. 204 when it has seen everything.
#[utoipa::path(get, path = "/tasks/{taskId}/events", operation_id = "followTask", tag = "events",
    params(("taskId" = inline(Name), Path, description = "The task."),
        ("types" = Option<String>, Query, description = "Patterns of types, separated by commas: `llm.*`."),
        ("levels" = Option<String>, Query, description = "Levels, separated by commas."),
        ("includeStatus" = Option<bool>, Query, description = "`false` hides `taskcast:status` events."),
        ("wrap" = Option<bool>, Query, description = "`false` sends events without the envelope."),
        ("seriesFormat" = Option<String>, Query, description = "`delta` or `accumulated`."),
        ("since.id" = Option<String>, Query, description = "After this event or cursor."),
        ("since.index" = Option<i64>, Query, description = "After this filteredIndex."),
        ("since.timestamp" = Option<u64>, Query, description = "After this time in milliseconds."),
        ("lastEventId" = Option<String>, Query, description = "As the header of that name."),
        ("Last-Event-ID" = Option<String>, Header, description = "The last `id:` that was seen."),
        ("limit" = Option<i64>, Query, description = "Of what happened before, only the newest so many."),
        ("control" = Option<bool>, Query, description = "`true` adds taskcast.ready and taskcast.caughtup."),
        ("ticket" = Option<String>, Query, description = "A ticket in place of a token.")),
    responses((status = 200, content_type = "text/event-stream", body = String),
        (status = 204, description = "Everything was seen before."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn subscribe(
    State(app): State<App>,
    TaskPath(id): TaskPath,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let query = Query::of(&parts.uri);
    let last_event_id = last_event_id(&parts.headers, &query)?;
    let now = app.engine.now();
    let identity: Identity = match query.text("ticket")? {
        Some(ticket) => app
            .tickets
            .verify(&ticket, &id, now, last_event_id.is_some())?,
        None => app.authenticator.authenticate(&parts, now).await?,
    };
    let ask = SubscribeAsk {
        filter: query.filter(app.engine.limits())?,
        format: query.format()?,
        since: query.since()?,
        last_event_id,
        limit: query.limit()?,
    };
    let (shape, control) = (Shape::wrapped(query.on("wrap")?), query.off("control")?);
    let subscription = match app.engine.as_caller(&identity).subscribe(&id, ask).await? {
        Subscribe::Over => return Ok(StatusCode::NO_CONTENT.into_response()),
        Subscribe::Stream(subscription) => subscription,
    };
    let source = TaskSource::new(id, *subscription, shape, control);
    Ok(StreamBody::respond(
        app,
        source,
        Ending {
            expires_at: identity.expires_at,
        },
    ))
}

/// The header, else the query key: a cursor that the client was given before.
pub(crate) fn last_event_id(
    headers: &HeaderMap,
    query: &Query,
) -> Result<Option<String>, ApiError> {
    const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
    let header = headers
        .get(LAST_EVENT_ID)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    match header.filter(|text| !text.is_empty()) {
        Some(text) => Ok(Some(text.into_owned())),
        None => query.text("lastEventId"),
    }
}

struct TaskSource {
    subscription: Subscription,
    frames: TaskFrames,
    /// The cursor that the last heartbeat told.
    told: Option<EventId>,
}

impl TaskSource {
    fn new(task: TaskId, subscription: Subscription, shape: Shape, control: bool) -> Self {
        let epoch = subscription.opening().epoch;
        let told = subscription.cursor();
        Self {
            subscription,
            frames: TaskFrames {
                task,
                epoch,
                shape,
                control,
            },
            told,
        }
    }
}

impl Source for TaskSource {
    fn open(&mut self, out: &mut BytesMut) {
        self.frames.open(out, &self.subscription.opening());
    }

    async fn next(&mut self, out: &mut BytesMut) -> Result<bool, EngineError> {
        let Some(frames) = self.subscription.next().await? else {
            return Ok(false);
        };
        for frame in &frames {
            self.frames.write(out, frame);
        }
        if !out.is_empty() {
            self.told = self.subscription.cursor();
        }
        Ok(true)
    }

    fn heartbeat(&mut self, out: &mut BytesMut) {
        let cursor = self.subscription.cursor();
        match cursor.filter(|_| cursor != self.told) {
            Some(id) => sse::progress(out, &id.to_string()),
            None => sse::comment(out, "hb"),
        }
        self.told = cursor;
    }
}
