//! What handlers take from a request: who calls, which task, the body, what makes it happen once.

use crate::app::App;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use taskcast_api::{ErrorCode, Invalid};
use taskcast_core::{Identity, ProducerId, TaskId};
use taskcast_store::{KeyClaim, Once, ProducerClaim};
use tokio::time::timeout;

/// Somebody the authenticator knows.
pub(crate) struct Authenticated(pub(crate) Identity);

impl FromRequestParts<App> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.engine.now();
        Ok(Self(app.authenticator.authenticate(parts, now).await?))
    }
}

/// The task named in the path.
pub(crate) struct TaskPath(pub(crate) TaskId);

impl FromRequestParts<App> for TaskPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        // `/tasks/import` is a route of its own, and the task of that name is meant there.
        let text = path_part(parts, app, "taskId").await?;
        let id = TaskId::new(text.as_deref().unwrap_or("import"));
        Ok(Self(id.map_err(|error| {
            Invalid::issue("taskId", error.to_string())
        })?))
    }
}

/// The producer named in the path.
pub(crate) struct ProducerPath(pub(crate) ProducerId);

impl FromRequestParts<App> for ProducerPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let text = path_part(parts, app, "producerId").await?;
        let id = ProducerId::new(text.unwrap_or_default());
        Ok(Self(id.map_err(|error| {
            Invalid::issue("producerId", error.to_string())
        })?))
    }
}

/// A part of the path by its name: a host may have nested the routes below parts of its own.
async fn path_part(parts: &mut Parts, app: &App, name: &str) -> Result<Option<String>, ApiError> {
    let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    let Path(all) = path.map_err(|_| Invalid::issue(name, "must be UTF-8"))?;
    Ok(all
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value))
}

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// JSON; a request that names no type is taken to mean it.
    Json,
    /// Lines of JSON.
    Lines,
}

/// The kind of body that the headers announce.
///
/// # Errors
/// 415 for any other kind.
pub(crate) fn body_kind(headers: &HeaderMap) -> Result<BodyKind, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(BodyKind::Json);
    };
    let text = value.to_str().unwrap_or_default();
    let kind = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(BodyKind::Json),
        "application/x-ndjson" => Ok(BodyKind::Lines),
        other if other.starts_with("application/") && other.ends_with("+json") => {
            Ok(BodyKind::Json)
        }
        _ => {
            let text = "the body has to be application/json";
            Err(ApiError::new(ErrorCode::UnsupportedMediaType, text))
        }
    }
}

/// Reads a JSON body of `limit` bytes at most.
///
/// # Errors
/// 415 for another kind, 413 past the limit, 408 when it stops coming.
pub(crate) async fn json_body(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, ApiError> {
    if body_kind(headers)? != BodyKind::Json {
        let text = "the body has to be application/json";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, text));
    }
    read_body(app, headers, body, limit).await
}

/// Reads a whole body.
///
/// # Errors
/// 413 past the limit, 408 when it stops coming.
pub(crate) async fn read_body(
    app: &App,
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: usize| bytes > limit) {
        return Err(too_large(limit));
    }
    let Some(first) = next_chunk(app, &mut body).await? else {
        return Ok(Bytes::new());
    };
    let mut whole = BytesMut::new();
    let mut only = Some(first);
    while let Some(chunk) = next_chunk(app, &mut body).await? {
        if let Some(first) = only.take() {
            whole.extend_from_slice(&first);
        }
        if whole.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&chunk);
    }
    // A body that came in one piece is not copied.
    let whole = only.unwrap_or_else(|| whole.freeze());
    if whole.len() > limit {
        Err(too_large(limit))
    } else {
        Ok(whole)
    }
}

/// The next piece of a body; none at its end.
///
/// # Errors
/// 408 when it stops coming.
pub(crate) async fn next_chunk(app: &App, body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = timeout(app.settings.body_idle, body.frame())
            .await
            .map_err(|_| stopped(app))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a request body broke off");
                return Err(ApiError::new(ErrorCode::BodyTimeout, "the body broke off"));
            }
        }
    }
}

fn stopped(app: &App) -> ApiError {
    let seconds = app.settings.body_idle.as_secs_f32();
    ApiError::new(
        ErrorCode::BodyTimeout,
        format!("no more of the body came for {seconds} s"),
    )
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        ErrorCode::BodyTooLarge,
        format!("the body has at most {limit} bytes"),
    )
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PRODUCER_ID: HeaderName = HeaderName::from_static("producer-id");
const PRODUCER_EPOCH: HeaderName = HeaderName::from_static("producer-epoch");
const PRODUCER_SEQ: HeaderName = HeaderName::from_static("producer-seq");
/// The greatest number that every client can write exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// What makes a publish happen at most once: three producer headers, or an idempotency key.
///
/// # Errors
/// 400 when some of the producer headers are missing, or both ways are used.
pub(crate) fn once(headers: &HeaderMap, body: &[u8]) -> Result<Option<Once>, ApiError> {
    match (producer(headers)?, key(headers, body)?) {
        (None, key) => Ok(key.map(Once::Key)),
        (Some((id, epoch)), None) => {
            let seq = number(headers, &PRODUCER_SEQ)?;
            let seq = seq.ok_or_else(|| missing(&PRODUCER_SEQ))?;
            Ok(Some(Once::Producer(ProducerClaim {
                id,
                epoch,
                first: seq,
                last: seq,
            })))
        }
        (Some(_), Some(_)) => {
            Err(Invalid::issue("Idempotency-Key", "cannot be used beside Producer-Id").into())
        }
    }
}

/// `Producer-Id` and `Producer-Epoch`, when they are there.
///
/// # Errors
/// 400 when only some of the producer headers are.
pub(crate) fn producer(headers: &HeaderMap) -> Result<Option<(ProducerId, u64)>, ApiError> {
    let epoch = number(headers, &PRODUCER_EPOCH)?;
    let Some(id) = text(headers, &PRODUCER_ID)? else {
        let alone = epoch.is_some() || headers.contains_key(PRODUCER_SEQ);
        return if alone {
            Err(missing(&PRODUCER_ID))
        } else {
            Ok(None)
        };
    };
    let id = ProducerId::new(id).map_err(|e| Invalid::issue("Producer-Id", e.to_string()))?;
    Ok(Some((id, epoch.ok_or_else(|| missing(&PRODUCER_EPOCH))?)))
}

/// `Idempotency-Key`, with the digest of what the request says.
///
/// # Errors
/// 400 when the key is no key.
pub(crate) fn key(headers: &HeaderMap, body: &[u8]) -> Result<Option<KeyClaim>, ApiError> {
    let Some(key) = text(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    if key.is_empty() || key.len() > 256 {
        return Err(Invalid::issue("Idempotency-Key", "must have 1 to 256 bytes").into());
    }
    Ok(Some(KeyClaim {
        key: key.into(),
        body: Sha256::digest(body).into(),
    }))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text.trim())),
        _ => Err(Invalid::issue(name.as_str(), "must be given once, in ASCII").into()),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, ApiError> {
    let Some(text) = text(headers, name)? else {
        return Ok(None);
    };
    let number = text
        .parse()
        .ok()
        .filter(|n| *n <= MAX_SAFE && text.bytes().all(|b| b.is_ascii_digit()));
    let number = number.ok_or_else(|| {
        Invalid::issue(
            name.as_str(),
            format!("must be an integer from 0 to {MAX_SAFE}"),
        )
    })?;
    Ok(Some(number))
}

fn missing(name: &HeaderName) -> ApiError {
    Invalid::issue(
        name.as_str(),
        "is missing: Producer-Id, Producer-Epoch and Producer-Seq go together",
    )
    .into()
}
