//! The body of an event stream: what its source gives, heartbeats in silence, and an end.

use crate::app::App;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use std::convert::Infallible;
use std::time::Duration;
use taskcast_api::sse;
use taskcast_core::Millis;
use taskcast_engine::EngineError;
use tokio::time::{Instant, sleep_until};

/// Where the bytes of a stream come from.
pub(crate) trait Source: Send + 'static {
    /// Writes what is first.
    fn open(&mut self, out: &mut BytesMut);

    /// Waits for the next frames and writes them; tells whether more can come. May be dropped
    /// while it waits, without losing anything.
    fn next(
        &mut self,
        out: &mut BytesMut,
    ) -> impl Future<Output = Result<bool, EngineError>> + Send;

    /// Writes the heartbeat: a comment, or a cursor that moved since the last frame.
    fn heartbeat(&mut self, out: &mut BytesMut);
}

/// When and why a stream ends that could go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// When the caller's credentials end.
    pub(crate) expires_at: Option<Millis>,
}

/// A stream under way.
pub(crate) struct StreamBody<S> {
    app: App,
    source: S,
    heartbeat: Duration,
    silent_since: Instant,
    expires: Option<Instant>,
    state: State,
}

enum State {
    New,
    Open,
    Over,
}

impl<S: Source> StreamBody<S> {
    /// The response that carries the stream.
    pub(crate) fn respond(app: App, source: S, ending: Ending) -> Response {
        let now = app.engine.now();
        let body = Self {
            heartbeat: app.settings.heartbeat,
            silent_since: Instant::now(),
            expires: ending.expires_at.map(|at| Instant::now() + until(now, at)),
            state: State::New,
            app,
            source,
        };
        let chunks = stream::unfold(body, |mut body| async move {
            let bytes = body.next().await?;
            Some((Ok::<_, Infallible>(bytes), body))
        });
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            (
                CACHE_CONTROL,
                HeaderValue::from_static("no-cache, no-transform"),
            ),
            (
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            ),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, Body::from_stream(chunks)).into_response()
    }

    async fn next(&mut self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        match self.state {
            State::Over => return None,
            State::New => {
                self.state = State::Open;
                sse::opening(&mut out, self.app.retry_ms());
                self.source.open(&mut out);
            }
            State::Open => {
                while out.is_empty() {
                    self.step(&mut out).await;
                    if matches!(self.state, State::Over) {
                        break;
                    }
                }
            }
        }
        self.silent_since = Instant::now();
        Some(out.freeze())
    }

    async fn step(&mut self, out: &mut BytesMut) {
        let silence = self.silent_since + self.heartbeat;
        let expires = self
            .expires
            .unwrap_or_else(|| silence + Duration::from_secs(1));
        tokio::select! {
            more = self.source.next(out) => match more {
                Ok(true) => {}
                Ok(false) => self.state = State::Over,
                Err(error) => self.broken(&error, out),
            },
            () = sleep_until(silence.min(expires)) => {
                if self.expires.is_some_and(|at| at <= Instant::now()) {
                    sse::comment(out, "the token has expired; come back with a new one");
                    self.state = State::Over;
                } else {
                    self.source.heartbeat(out);
                }
            }
        }
    }

    /// The stream cannot go on here; the client resumes later, or elsewhere.
    fn broken(&mut self, error: &EngineError, out: &mut BytesMut) {
        self.state = State::Over;
        match error {
            EngineError::Stopping => sse::comment(out, "the server is stopping"),
            error => {
                tracing::warn!(%error, "a stream broke off; its client will resume");
                sse::comment(out, "the stream broke off");
            }
        }
        sse::retry(out, self.app.retry_ms());
    }
}

/// How long from one time to another; bounded, because timers are.
fn until(now: Millis, at: Millis) -> Duration {
    const MOST: u64 = 365 * 24 * 60 * 60 * 1000;
    Duration::from_millis(at.0.saturating_sub(now.0).min(MOST))
}
