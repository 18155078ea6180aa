//! What can go wrong, for programs to match and for people to read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use taskcast_api::{ErrorBody, ErrorCode};

/// Why something did not work. Cheap enough to clone; never holds a token or a payload.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server answered, and said no.
    #[error("{} (HTTP {status})", .body.error)]
    Server {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        body: Box<ErrorBody>,
        /// When the same request may work, if the server said so.
        retry_after: Option<Duration>,
    },
    /// The server could not be reached, or the connection broke.
    #[error("{what} {origin}: {cause}")]
    Network {
        /// What was tried, as the beginning of a sentence.
        what: &'static str,
        /// Scheme, host and port of the server.
        origin: Arc<str>,
        /// Why it did not work.
        cause: Arc<str>,
        /// Whether the server may have seen the request.
        sent: bool,
    },
    /// The server took longer than the client waits.
    #[error("{origin} did not answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// Scheme, host and port of the server.
        origin: Arc<str>,
        /// How long the client waited.
        after: Duration,
    },
    /// An answer that is none of Taskcast's.
    #[error("{0}")]
    Protocol(Arc<str>),
    /// The token source gave no usable token.
    #[error("no token could be had: {0}")]
    Token(Arc<str>),
    /// What the caller asked for cannot be asked.
    #[error("{0}")]
    Invalid(Arc<str>),
}

impl ClientError {
    /// The error code of the server's answer, if this version knows it.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Server { body, .. } => body.known_code(),
            _ => None,
        }
    }

    /// The HTTP status of the server's answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Server { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same thing may work later, unchanged. Whether doing it again is safe is another
    /// question, which the client answers for itself.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Server { status, .. } => {
                matches!(status, 408 | 429) || *status >= 500 && *status != 501
            }
            Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Protocol(_) | Self::Token(_) | Self::Invalid(_) => false,
        }
    }

    /// When the server said the same request may work.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the server has certainly not seen the request.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self, Self::Network { sent: false, .. })
    }

    pub(crate) fn protocol(text: impl Into<Arc<str>>) -> Self {
        Self::Protocol(text.into())
    }

    pub(crate) fn invalid(text: impl Into<Arc<str>>) -> Self {
        Self::Invalid(text.into())
    }

    /// A connection that broke after the request was sent.
    pub(crate) fn broke(origin: &Arc<str>, cause: &(dyn std::error::Error + 'static)) -> Self {
        Self::Network {
            what: "the connection broke to",
            origin: origin.clone(),
            cause: innermost(cause).into(),
            sent: true,
        }
    }
}

/// The text of the innermost cause: what a person can do something about.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// What a failed request was answered with, whoever wrote it.
pub(crate) fn body_of(status: u16, bytes: &[u8]) -> Box<ErrorBody> {
    Box::new(serde_json::from_slice(bytes).unwrap_or_else(|_| ErrorBody {
        error: format!("the answer {} did not come from Taskcast", Status(status)),
        code: String::new(),
        details: None,
    }))
}

struct Status(u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match http::StatusCode::from_u16(self.0) {
            Ok(status) => status.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}
