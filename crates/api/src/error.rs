//! What can go wrong, as one list that server and clients share, and the body that says so.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal $(, retry after $seconds:literal)?;)*) => {
        /// What went wrong, as a stable word for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Seconds after which the same request may work: the default of `Retry-After`.
            #[must_use]
            pub fn retry_after(self) -> Option<u32> {
                match self { $(Self::$name => None $(.or(Some($seconds)))?,)* }
            }
        }
    };
}

codes! {
    /// Something in the request is not as it has to be; `details.issues` says what.
    InvalidRequest = "invalid_request", 400;
    /// The body is not JSON.
    MalformedJson = "malformed_json", 400;
    /// Arrays and objects nest deeper than the limit.
    JsonTooDeep = "json_too_deep", 400;
    /// A field whose feature this version does not have.
    NotSupportedYet = "not_supported_yet", 400;
    /// More tags than a task can have.
    TooManyTags = "too_many_tags", 400;
    /// More series than a task can have.
    TooManySeries = "too_many_series", 400;
    /// More patterns than a filter can have.
    FilterTooLarge = "filter_too_large", 400;
    /// The task has ended; nothing can be published any more.
    TaskSealed = "task_sealed", 400;
    /// An answer for a task that asks nothing.
    TaskNotBlocked = "task_not_blocked", 400;
    /// No credentials, or ones that do not hold.
    Unauthorized = "unauthorized", 401;
    /// The credentials do not allow it.
    Forbidden = "forbidden", 403;
    /// A newer epoch of this producer has published; this one is out.
    ProducerFenced = "producer_fenced", 403;
    /// Nothing is at this address.
    NotFound = "not_found", 404;
    /// No such task.
    TaskNotFound = "task_not_found", 404;
    /// The task asks nothing.
    NoBlockedRequest = "no_blocked_request", 404;
    /// The address is right, the method is not; `Allow` lists the right ones.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body did not arrive in time.
    BodyTimeout = "body_timeout", 408;
    /// Another task has this id.
    TaskExists = "task_exists", 409;
    /// The status does not follow the one the task has.
    InvalidTransition = "invalid_transition", 409;
    /// Somebody else changed the task first.
    Conflict = "conflict", 409;
    /// A producer left a sequence number out; `details` has `expected` and `received`.
    ProducerGap = "producer_gap", 409;
    /// The event names another mode or field than the first event of its series.
    SeriesConflict = "series_conflict", 409;
    /// The task has changed since what the request names.
    StoragePreconditionFailed = "storage_precondition_failed", 409;
    /// The storage of the task is being changed, or the task is.
    StorageBusy = "storage_busy", 409;
    /// The body is larger than the limit.
    BodyTooLarge = "body_too_large", 413;
    /// More events in one batch than the limit.
    BatchTooLarge = "batch_too_large", 413;
    /// The `data` of an event is larger than the limit.
    EventDataTooLarge = "event_data_too_large", 413;
    /// A line of a streamed body is longer than the limit.
    LineTooLarge = "line_too_large", 413;
    /// The body has a content type that this address does not take.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422;
    /// The task or the server has as many subscribers as it takes.
    TooManySubscribers = "too_many_subscribers", 429, retry after 5;
    /// Something failed that should not have.
    Internal = "internal", 500;
    /// What is stored of the task is damaged.
    StorageIntegrityError = "storage_integrity_error", 500;
    /// There is no long-term store that could keep the task.
    StorageReleaseUnsupported = "storage_release_unsupported", 503, retry after 3600;
    /// A store does not answer, so that nothing was released.
    StorageUnavailable = "storage_unavailable", 503, retry after 2;
    /// The store does not answer.
    StoreUnavailable = "store_unavailable", 503, retry after 2;
    /// The store takes nothing more until something is removed.
    StoreFull = "store_full", 503, retry after 30;
    /// The server is ending; another instance or the next start will answer.
    ShuttingDown = "shutting_down", 503, retry after 1;
}

impl ErrorCode {
    /// Whether the same request may work later, unchanged. Whether it is safe to make it again is
    /// another question: a publish without a producer or an idempotency key may have been stored.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        let soon = self != Self::StorageReleaseUnsupported && self.retry_after().is_some();
        soon || matches!(self, Self::BodyTimeout | Self::Internal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an error code")]
pub struct UnknownCode;

impl FromStr for ErrorCode {
    type Err = UnknownCode;
    fn from_str(word: &str) -> Result<Self, UnknownCode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == word)
            .ok_or(UnknownCode)
    }
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{error}")]
pub struct ErrorBody {
    /// A sentence for people.
    pub error: String,
    /// A stable word for programs. A client may meet words that are newer than it is; an answer
    /// that did not come from Taskcast itself has none.
    #[serde(default)]
    #[schema(value_type = ErrorCode, required)]
    pub code: String,
    /// More about it, depending on `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub details: Option<Value>,
}

impl ErrorBody {
    /// A body without details.
    #[must_use]
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            code: code.as_str().to_owned(),
            details: None,
        }
    }

    /// The same body with details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The code, if this version knows it.
    #[must_use]
    pub fn known_code(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_word_in_both_directions() {
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert!((400..=599).contains(&code.status()), "{code}");
        }
    }

    #[test]
    fn what_may_work_later_says_when() {
        for code in ErrorCode::ALL {
            if matches!(code.status(), 429 | 503) {
                assert!(code.retry_after().is_some(), "{code}");
            }
            assert!(code.status() >= 500 || code.retry_after().is_none() || code.status() == 429);
        }
        assert!(!ErrorCode::Conflict.is_retryable());
        assert!(ErrorCode::StoreUnavailable.is_retryable());
    }

    #[test]
    fn a_body_reads_back_and_unknown_codes_do_no_harm() {
        let body = ErrorBody::new(ErrorCode::TaskExists, "Task already exists: a");
        let json = serde_json::to_string(&body).unwrap();
        assert_eq!(
            json,
            r#"{"error":"Task already exists: a","code":"task_exists"}"#
        );
        assert_eq!(serde_json::from_str::<ErrorBody>(&json).unwrap(), body);
        let newer: ErrorBody = serde_json::from_str(r#"{"error":"e","code":"new"}"#).unwrap();
        assert_eq!(newer.known_code(), None);
        let foreign: ErrorBody = serde_json::from_str(r#"{"error":"e"}"#).unwrap();
        assert_eq!(foreign.code, "");
    }
}
