//! The history of a task, streamed as one JSON array.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, TaskPath};
use crate::query::Query;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, BytesMut};
use futures_util::stream::{self, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Uri};
use taskcast_api::schema::Name;
use taskcast_api::{ErrorBody, EventView, TaskEvent};
use taskcast_core::{Epoch, Head, Index, TaskId};
use taskcast_engine::{EngineError, History, HistoryAsk, HistoryItem};

/// Reads past events.
///
/// Needs `event:history`. Without `limit` everything up to now, with bounded memory. Positions are
/// indexes of the log here. `Taskcast-Earliest-Index` tells where a trimmed log begins.
#[utoipa::path(get, path = "/tasks/{taskId}/events/history", operation_id = "getHistory", tag = "events",
    params(("taskId" = inline(Name), Path, description = "The task."),
        ("types" = Option<String>, Query, description = "Patterns of types, separated by commas."),
        ("levels" = Option<String>, Query, description = "Levels, separated by commas."),
        ("seriesFormat" = Option<String>, Query, description = "`accumulated` folds each accumulate series into one event."),
        ("since.id" = Option<String>, Query, description = "After this event; an unknown one means from the start."),
        ("since.index" = Option<i64>, Query, description = "After this index."),
        ("since.timestamp" = Option<u64>, Query, description = "After this time in milliseconds."),
        ("limit" = Option<i64>, Query, description = "Only the oldest so many of those.")),
    responses((status = 200, body = Vec<TaskEvent>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn history(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    TaskPath(id): TaskPath,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = Query::of(&uri);
    let ask = HistoryAsk {
        since: query.since()?,
        limit: query.limit()?,
        filter: query.filter(app.engine.limits())?,
        format: query.format()?,
    };
    let history = app.engine.as_caller(&identity).history(&id, ask).await?;
    let trim = history.state().trim;
    let mut response = respond(Array { id, written: 0 }, history).await?;
    if trim > Index::START {
        let name = HeaderName::from_static("taskcast-earliest-index");
        response
            .headers_mut()
            .insert(name, HeaderValue::from(trim.0));
    }
    Ok(response)
}

/// How a history is written as one JSON document.
pub(super) trait Document: Send + 'static {
    fn begin(&mut self, out: &mut BytesMut);
    fn item(&mut self, out: &mut BytesMut, epoch: Epoch, item: &HistoryItem);
    fn end(&mut self, out: &mut BytesMut);
}

struct Array {
    id: TaskId,
    written: u64,
}

impl Document for Array {
    fn begin(&mut self, out: &mut BytesMut) {
        out.put_u8(b'[');
    }

    fn item(&mut self, out: &mut BytesMut, epoch: Epoch, item: &HistoryItem) {
        if self.written > 0 {
            out.put_u8(b',');
        }
        self.written += 1;
        with_view(&self.id, epoch, item, |view| view.write(out));
    }

    fn end(&mut self, out: &mut BytesMut) {
        out.put_u8(b']');
    }
}

/// Gives the view of an item, with its total in place.
pub(super) fn with_view(
    id: &TaskId,
    epoch: Epoch,
    item: &HistoryItem,
    use_view: impl FnOnce(&EventView<'_>),
) {
    let total = item
        .total
        .as_ref()
        .and_then(|t| t.with(|text| Head::total(&item.event, text)));
    let mut view = EventView::new(id, epoch, &item.event);
    if let Some(total) = &total {
        view = view.with_total(total);
    }
    if item.snapshot {
        view = view.as_snapshot();
    }
    use_view(&view);
}

/// Streams a document. The first page is read before the answer begins, so that what goes wrong
/// there is an error as any other; later faults break the connection off, so that nobody takes
/// half a document for a whole one.
pub(super) async fn respond(
    mut document: impl Document,
    mut history: History,
) -> Result<Response, ApiError> {
    let mut first = BytesMut::new();
    document.begin(&mut first);
    let more = page(&mut document, &mut history, &mut first).await?;
    let rest = stream::unfold(
        (document, history, more),
        |(mut document, mut history, more)| async move {
            if !more {
                return None;
            }
            let mut out = BytesMut::new();
            let written = page(&mut document, &mut history, &mut out).await;
            let more = *written.as_ref().unwrap_or(&false);
            Some((written.map(|_| out.freeze()), (document, history, more)))
        },
    );
    let chunks = stream::once(async { Ok(first.freeze()) }).chain(rest);
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, Body::from_stream(chunks)).into_response())
}

/// Writes the next page; tells whether there may be more.
async fn page(
    document: &mut impl Document,
    history: &mut History,
    out: &mut BytesMut,
) -> Result<bool, EngineError> {
    let epoch = history.epoch();
    let Some(items) = history.next().await? else {
        document.end(out);
        return Ok(false);
    };
    for item in &items {
        document.item(out, epoch, item);
    }
    Ok(true)
}
