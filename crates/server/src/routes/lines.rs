//! Streaming publish: each line of the body is an event, appended as it arrives.
//!
//! Lines that arrive together are committed together, which costs one fsync instead of many; a
//! line never waits for one that has not arrived. What was appended before a bad line stays.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{next_chunk, producer};
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use taskcast_api::{ErrorCode, Invalid, NdjsonLine, NdjsonSummary};
use taskcast_auth::{AuthError, TokenProblem};
use taskcast_core::{Identity, NewEvent, ProducerId, Scope, TaskId};
use taskcast_engine::{EngineError, Publish, Published};
use taskcast_store::{Once, ProducerClaim};

/// Takes the lines of a body.
pub(super) async fn publish(
    app: &App,
    identity: &Identity,
    id: &TaskId,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<Response, ApiError> {
    let mut lines = Lines::begin(app, identity, id, headers).await?;
    let mut pending = BytesMut::new();
    loop {
        let next = match arrived(app, &mut body, pending.len()).await {
            Some(next) => next,
            None => {
                lines.take(&mut pending).await?;
                next_chunk(app, &mut body).await
            }
        };
        match next {
            Ok(Some(chunk)) => pending.extend_from_slice(&chunk),
            end => {
                lines.take(&mut pending).await?;
                end.map_err(|e| lines.failed(e))?;
                break;
            }
        }
    }
    lines.line(&pending).await?;
    lines.commit().await?;
    Ok((StatusCode::CREATED, Json(lines.summary)).into_response())
}

/// A piece of the body that has arrived by now; none where one would have to wait for it, or where
/// enough is held already. Clients write small pieces, and many of them arrive during one commit.
async fn arrived(
    app: &App,
    body: &mut Body,
    held: usize,
) -> Option<Result<Option<Bytes>, ApiError>> {
    const ENOUGH: usize = 256 * 1024;
    if held >= ENOUGH {
        return None;
    }
    if let Some(next) = next_chunk(app, body).now_or_never() {
        return Some(next);
    }
    // The connection reads a piece after it was asked for one, when it has its turn.
    tokio::task::yield_now().await;
    next_chunk(app, body).now_or_never()
}

/// A line without the first half of its CRLF.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What numbers a whole request has no meaning for one whose lines are appended one by one.
fn refuse_request_numbers(headers: &HeaderMap) -> Result<(), ApiError> {
    for name in ["idempotency-key", "producer-seq"] {
        if headers.contains_key(name) {
            let text = "does not go with lines; number them by `producerSeq` beside Producer-Id";
            return Err(Invalid::issue(name, text).into());
        }
    }
    Ok(())
}

/// Lines on their way into a log.
struct Lines<'a> {
    app: &'a App,
    identity: &'a Identity,
    id: &'a TaskId,
    producer: Option<Numbered>,
    /// The number of the line that is read, from 1.
    number: u64,
    /// How much of what is pending is known to have no line end.
    seen: usize,
    waiting: Waiting,
    summary: NdjsonSummary,
}

/// Lines that arrived together and are not stored yet.
#[derive(Default)]
struct Waiting {
    events: Vec<NewEvent>,
    /// The number of the line of each event.
    lines: Vec<u64>,
    bytes: usize,
}

/// A producer whose lines are numbered.
struct Numbered {
    id: ProducerId,
    epoch: u64,
    /// The highest number that is stored or in the batch; none before the first.
    last: Option<u64>,
}

impl<'a> Lines<'a> {
    async fn begin(
        app: &'a App,
        identity: &'a Identity,
        id: &'a TaskId,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let caller = app.engine.as_caller(identity);
        caller.may(Scope::EventPublish, id).await?;
        refuse_request_numbers(headers)?;
        let producer = match producer(headers)? {
            None => None,
            Some((producer, epoch)) => {
                let stored = caller.producer(id, &producer).await?;
                if let Some(at) = stored.filter(|at| at.epoch > epoch) {
                    let current = at.epoch;
                    return Err(EngineError::ProducerFenced { current }.into());
                }
                let last = stored.filter(|at| at.epoch == epoch).map(|at| at.seq);
                Some(Numbered {
                    id: producer,
                    epoch,
                    last,
                })
            }
        };
        let summary = NdjsonSummary::default();
        Ok(Self {
            app,
            identity,
            id,
            producer,
            number: 0,
            seen: 0,
            waiting: Waiting::default(),
            summary,
        })
    }

    /// Takes the whole lines at the front of what has arrived, and commits them.
    async fn take(&mut self, pending: &mut BytesMut) -> Result<(), ApiError> {
        // Each byte is looked at once, however small the pieces are that a line arrives in.
        let mut seen = std::mem::take(&mut self.seen);
        while let Some(after) = pending[seen..].iter().position(|byte| *byte == b'\n') {
            let line = pending.split_to(seen + after);
            pending.advance(1);
            seen = 0;
            self.line(&line).await?;
        }
        self.seen = pending.len();
        if without_cr(pending).len() > self.app.settings.line_bytes {
            self.number += 1;
            return Err(self.refused(self.too_long()).await);
        }
        self.commit().await
    }

    async fn line(&mut self, line: &[u8]) -> Result<(), ApiError> {
        self.number += 1;
        let line = without_cr(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        if line.len() > self.app.settings.line_bytes {
            return Err(self.refused(self.too_long()).await);
        }
        let parsed = NdjsonLine::parse(line, self.app.engine.limits());
        let parsed = match parsed
            .map_err(ApiError::from)
            .and_then(|line| self.wanted(line))
        {
            Ok(parsed) => parsed,
            Err(error) => return Err(self.refused(error).await),
        };
        if let Some(event) = parsed {
            self.waiting.bytes += line.len();
            self.waiting.lines.push(self.number);
            self.waiting.events.push(event);
        }
        let full = self.waiting.events.len() >= self.app.engine.limits().events_per_batch;
        if full || self.waiting.bytes >= self.app.settings.body_bytes {
            self.commit().await
        } else {
            Ok(())
        }
    }

    /// The event of a line, unless the line was stored before.
    fn wanted(&mut self, line: NdjsonLine) -> Result<Option<NewEvent>, ApiError> {
        let Some(producer) = &mut self.producer else {
            return Ok(Some(line.event));
        };
        let seq = line.producer_seq;
        let seq =
            seq.ok_or_else(|| Invalid::issue("producerSeq", "is needed beside Producer-Id"))?;
        if producer.last.is_some_and(|last| seq <= last) {
            self.summary.skipped += 1;
            return Ok(None);
        }
        match producer.last.map(|last| last + 1) {
            Some(expected) if seq != expected => {
                return Err(EngineError::ProducerGap {
                    expected,
                    received: seq,
                }
                .into());
            }
            None if seq != 0 => return Err(EngineError::ProducerStart { received: seq }.into()),
            _ => {}
        }
        producer.last = Some(seq);
        Ok(Some(line.event))
    }

    /// Stores what is waiting as one commit. When an event does not fit, each is stored alone up
    /// to the one that does not, because what stands before a bad line stays.
    async fn commit(&mut self) -> Result<(), ApiError> {
        let Waiting { events, lines, .. } = std::mem::take(&mut self.waiting);
        let Some(line) = lines.first() else {
            return Ok(());
        };
        if self.has_expired() {
            return Err(self.failed_at(*line, AuthError::from(TokenProblem::Expired).into()));
        }
        let last = self.producer.as_ref().and_then(|producer| producer.last);
        let again = (events.len() > 1).then(|| events.clone());
        match (self.store(events, last).await, again) {
            (Ok(()), _) => Ok(()),
            (Err(EngineError::Series(_) | EngineError::TooManySeries { .. }), Some(events)) => {
                self.one_by_one(events, &lines, last).await
            }
            (Err(error), _) => Err(self.failed_at(*line, error.into())),
        }
    }

    async fn one_by_one(
        &mut self,
        events: Vec<NewEvent>,
        lines: &[u64],
        last: Option<u64>,
    ) -> Result<(), ApiError> {
        let after = lines.len() as u64;
        for ((event, line), behind) in events.into_iter().zip(lines).zip((0..after).rev()) {
            let seq = last.map(|last| last - behind);
            if let Err(error) = self.store(vec![event], seq).await {
                return Err(self.failed_at(*line, error.into()));
            }
        }
        Ok(())
    }

    /// Whether the caller's token has ended while its lines came: an upload may last for days.
    fn has_expired(&self) -> bool {
        let now = self.app.engine.now();
        self.identity.expires_at.is_some_and(|end| now >= end)
    }

    /// Stores events, of which the last has this number of the producer.
    async fn store(&mut self, events: Vec<NewEvent>, last: Option<u64>) -> Result<(), EngineError> {
        let count = events.len() as u64;
        let once = self.producer.as_ref().zip(last).map(|(producer, last)| {
            let (id, epoch) = (producer.id.clone(), producer.epoch);
            let first = last + 1 - count;
            Once::Producer(ProducerClaim {
                id,
                epoch,
                first,
                last,
            })
        });
        let publish = Publish {
            events,
            transition: None,
            once,
        };
        let caller = self.app.engine.as_caller(self.identity);
        match caller.publish(self.id, publish).await? {
            Published::Now { events, .. } => {
                self.summary.published += count;
                self.summary.last_index = events.last().map(|event| event.index.0);
            }
            Published::Before { .. } => self.summary.skipped += count,
        }
        Ok(())
    }

    fn too_long(&self) -> ApiError {
        let limit = self.app.settings.line_bytes;
        ApiError::new(
            ErrorCode::LineTooLarge,
            format!("a line has at most {limit} bytes"),
        )
    }

    /// A bad line ends the request; the lines before it are stored first.
    async fn refused(&mut self, error: ApiError) -> ApiError {
        match self.commit().await {
            Ok(()) => self.failed(error),
            Err(earlier) => earlier,
        }
    }

    /// The error with the line that is read and what was stored before.
    fn failed(&self, error: ApiError) -> ApiError {
        self.failed_at(self.number, error)
    }

    fn failed_at(&self, line: u64, error: ApiError) -> ApiError {
        let NdjsonSummary {
            published, skipped, ..
        } = self.summary;
        error.add_details(json!({"line": line, "published": published, "skipped": skipped}))
    }
}
