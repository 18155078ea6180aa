//! The event stream of all tasks a caller may see.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Authenticated;
use crate::query::Query;
use crate::routes::subscribe::last_event_id;
use crate::stream::{Ending, Source, StreamBody};
use axum::extract::State;
use axum::response::Response;
use bytes::BytesMut;
use http::{HeaderMap, Uri};
use taskcast_api::sse::{self, FrameTemplate, Shape};
use taskcast_api::{ErrorBody, EventView};
use taskcast_engine::{EngineError, EverythingAsk, EverythingFrame, EverythingStream};

/// Follows the events of all tasks.
///
/// Needs `event:subscribe`; shows tasks the caller may see. Begins now, or after the cursor in
/// `Last-Event-ID`. Never ends by itself.
#[utoipa::path(get, path = "/events", operation_id = "followAllTasks", tag = "events",
    params(("types" = Option<String>, Query, description = "Patterns of types, separated by commas."),
        ("levels" = Option<String>, Query, description = "Levels, separated by commas."),
        ("lastEventId" = Option<String>, Query, description = "As the header of that name."),
        ("Last-Event-ID" = Option<String>, Header, description = "The last `id:` that was seen.")),
    responses((status = 200, content_type = "text/event-stream", body = String),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub(crate) async fn follow(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = Query::of(&uri);
    let mut filter = query.filter(app.engine.limits())?;
    // Empty lists have always meant no list on this route.
    filter.types = filter.types.filter(|types| !types.is_empty());
    filter.levels = filter
        .levels
        .filter(|_| !query.words("levels").unwrap_or_default().is_empty());
    let ask = EverythingAsk {
        filter,
        cursor: last_event_id(&headers, &query)?,
    };
    let stream = app.engine.as_caller(&identity).everything(ask).await?;
    let told = stream.cursor();
    let source = AllSource { stream, told };
    Ok(StreamBody::respond(
        app,
        source,
        Ending {
            expires_at: identity.expires_at,
        },
    ))
}

struct AllSource {
    stream: EverythingStream,
    told: String,
}

impl Source for AllSource {
    fn open(&mut self, out: &mut BytesMut) {
        sse::progress(out, &self.told);
    }

    async fn next(&mut self, out: &mut BytesMut) -> Result<bool, EngineError> {
        for frame in self.stream.next().await? {
            match frame {
                EverythingFrame::Event {
                    task,
                    epoch,
                    event,
                    cursor,
                } => {
                    let view = EventView::new(&task, epoch, &event);
                    FrameTemplate::new(&view, Shape::Envelope).write_as(out, 0, &cursor);
                    self.told = cursor;
                }
                EverythingFrame::Gap(gap) => {
                    sse::gap(out, &gap.requested, gap.earliest, gap.reason);
                }
            }
        }
        Ok(true)
    }

    fn heartbeat(&mut self, out: &mut BytesMut) {
        let cursor = self.stream.cursor();
        if cursor == self.told {
            return sse::comment(out, "hb");
        }
        sse::progress(out, &cursor);
        self.told = cursor;
    }
}
