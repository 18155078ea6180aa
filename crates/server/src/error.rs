//! Errors on their way to a client: one shape everywhere.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use taskcast_api::{ErrorBody, ErrorCode, Invalid};
use taskcast_auth::AuthError;
use taskcast_core::Denied;
use taskcast_engine::EngineError;
use taskcast_store::StoreError;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct ApiError {
    body: Box<ErrorBody>,
    code: ErrorCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self {
            body: Box::new(ErrorBody::new(code, error)),
            code,
            headers: Vec::new(),
        }
    }

    pub(crate) fn with_details(mut self, details: serde_json::Value) -> Self {
        self.body.details = Some(details);
        self
    }

    /// Adds to the details that are there.
    pub(crate) fn add_details(mut self, more: serde_json::Value) -> Self {
        match (&mut self.body.details, more) {
            (Some(serde_json::Value::Object(details)), serde_json::Value::Object(more)) => {
                details.extend(more);
            }
            (details, more) => *details = Some(more),
        }
        self
    }

    fn with_header(mut self, name: HeaderName, value: u64) -> Self {
        self.headers.push((name, HeaderValue::from(value)));
        self
    }

    /// The failure of something that should not have failed. Its cause goes to the log only.
    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::Internal, "Internal server error")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "Not found")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (status, json, body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.code.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.extend(self.headers);
        response
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        let code = invalid.code();
        Self {
            body: Box::new(ErrorBody::from(&invalid)),
            code,
            headers: Vec::new(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::new(ErrorCode::Forbidden, denied.to_string())
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        tracing::debug!(reason = %error.reason(), "a caller was not let in");
        let code = if error.is_unavailable() {
            ErrorCode::StoreUnavailable
        } else {
            ErrorCode::Unauthorized
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { what, .. } => {
                tracing::error!(%error, "the store does not answer");
                Self::new(
                    ErrorCode::StoreUnavailable,
                    format!("{what} is unavailable"),
                )
            }
            StoreError::Full { .. } => {
                tracing::warn!(%error, "the store is full");
                Self::new(ErrorCode::StoreFull, error.to_string())
            }
            StoreError::Damaged { .. } => {
                tracing::error!(%error, "the store is damaged");
                Self::internal()
            }
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::new(ErrorCode::TaskNotFound, text),
            EngineError::Exists(_) => Self::new(ErrorCode::TaskExists, text),
            EngineError::Denied(denied) => denied.into(),
            EngineError::Sealed(_) => Self::new(ErrorCode::TaskSealed, text),
            EngineError::InvalidTransition { from, to } => {
                Self::new(ErrorCode::InvalidTransition, text)
                    .with_details(json!({"from": from, "to": to}))
            }
            EngineError::Contended | EngineError::AnotherLog(_) => {
                Self::new(ErrorCode::Conflict, text)
            }
            EngineError::NotBlocked => Self::new(ErrorCode::TaskNotBlocked, text),
            EngineError::KeyReused => Self::new(ErrorCode::IdempotencyKeyReused, text),
            EngineError::Series(_) => Self::new(ErrorCode::SeriesConflict, text),
            EngineError::TooManySeries { .. } => Self::new(ErrorCode::TooManySeries, text),
            EngineError::BatchTooLarge { .. } => Self::new(ErrorCode::BatchTooLarge, text),
            EngineError::TooManySubscribers { .. } => {
                Self::new(ErrorCode::TooManySubscribers, text)
            }
            EngineError::Stopping => Self::new(ErrorCode::ShuttingDown, text),
            EngineError::Store(error) => error.into(),
            EngineError::ProducerGap { .. }
            | EngineError::ProducerFenced { .. }
            | EngineError::ProducerStart { .. } => producer_error(&error, text),
            EngineError::Id(_) | EngineError::Json(_) => {
                tracing::error!(%error, "something failed that should not have");
                Self::internal()
            }
        }
    }
}

/// What was wrong with a producer's position, in the body and in the headers of the Durable
/// Streams protocol.
fn producer_error(error: &EngineError, text: String) -> ApiError {
    const EXPECTED: HeaderName = HeaderName::from_static("producer-expected-seq");
    const RECEIVED: HeaderName = HeaderName::from_static("producer-received-seq");
    const EPOCH: HeaderName = HeaderName::from_static("producer-epoch");
    match *error {
        EngineError::ProducerGap { expected, received } => {
            ApiError::new(ErrorCode::ProducerGap, text)
                .with_details(json!({"expected": expected, "received": received}))
                .with_header(EXPECTED, expected)
                .with_header(RECEIVED, received)
        }
        EngineError::ProducerFenced { current } => ApiError::new(ErrorCode::ProducerFenced, text)
            .with_details(json!({"epoch": current}))
            .with_header(EPOCH, current),
        _ => Invalid::issue("Producer-Seq", "must be 0 at the start of an epoch").into(),
    }
}
