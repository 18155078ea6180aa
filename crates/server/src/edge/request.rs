//! Around every request: its id, who may name this host, panics, and a line in the log.

use super::host::{is_loopback_host, is_loopback_origin};
use crate::app::App;
use crate::error::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{HOST, ORIGIN};
use http::{HeaderName, HeaderValue, Method};
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use taskcast_api::ErrorCode;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the handling of a request.
pub(crate) async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id(&app, &request);
    let line = tracing::enabled!(tracing::Level::DEBUG).then(|| Line::begin(&request));
    let mut response = if app.settings.loopback_hosts_only && is_foreign(&request) {
        refuse_host().into_response()
    } else {
        // A handler that panics is a fault of ours: it must not take the connection with it.
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                tracing::error!(request_id = ?id, "a handler panicked");
                ApiError::internal().into_response()
            }
        }
    };
    if let Some(line) = line {
        line.end(&response, &id);
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Whether a request comes by a name that is not this machine's, or from a page that is not: a page
/// of somebody else's can send requests without asking, though it cannot read the answers.
fn is_foreign(request: &Request) -> bool {
    let headers = request.headers();
    let host = headers.get(HOST).is_some_and(is_loopback_host);
    let origin = headers.get(ORIGIN).is_none_or(is_loopback_origin);
    !(host && origin)
}

fn refuse_host() -> ApiError {
    ApiError::new(
        ErrorCode::Forbidden,
        "without authentication only requests to a loopback host, and from its pages, are taken; \
         open the server as http://localhost, or configure `host` or `auth`",
    )
}

/// The caller's request id when it is harmless, else one of ours.
fn request_id(app: &App, request: &Request) -> HeaderValue {
    const MAX_BYTES: usize = 128;
    let harmless = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=MAX_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    };
    match request.headers().get(REQUEST_ID).filter(harmless) {
        Some(id) => id.clone(),
        None => HeaderValue::from_str(&app.request_id()).unwrap_or(HeaderValue::from_static("-")),
    }
}

/// The log line of a request. Shows the route, never the query: it may hold a ticket.
struct Line {
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    started: Instant,
}

impl Line {
    fn begin(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: request.extensions().get().cloned(),
            started: Instant::now(),
        }
    }

    fn end(self, response: &Response, id: &HeaderValue) {
        tracing::debug!(
            method = %self.method,
            path = self.path.as_str(),
            route = self.route.as_ref().map_or("", MatchedPath::as_str),
            status = response.status().as_u16(),
            micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            request_id = id.to_str().unwrap_or(""),
            "request"
        );
    }
}
