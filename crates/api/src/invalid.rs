//! Why a request body was not taken.

use crate::{ErrorBody, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;
use utoipa::ToSchema;

/// The most issues told about one request; more would not help anybody.
pub(crate) const MAX_ISSUES: usize = 64;

/// One thing in a request that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// Where: `ttl`, `error.message`, `events[3].type`; empty for the body as a whole.
    pub path: String,
    /// What is wrong, as the end of a sentence that begins with the path: `must be a string`.
    pub message: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.path.is_empty() {
            "the body"
        } else {
            &self.path
        };
        write!(f, "{subject} {}", self.message)
    }
}

/// Why a request body was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Not JSON; the text says where it stops to be.
    Malformed(String),
    /// JSON, but not as it has to be. At least one issue, at most 64.
    Issues(Vec<Issue>),
    /// Refused for one reason: a limit, a missing feature, an archive that does not fit.
    Refused {
        /// Which reason.
        code: ErrorCode,
        /// The reason as a sentence.
        message: String,
    },
}

impl Invalid {
    /// An invalid request with a sentence of its own.
    #[must_use]
    pub fn because(message: impl Into<String>) -> Self {
        Self::Refused {
            code: ErrorCode::InvalidRequest,
            message: message.into(),
        }
    }

    /// An invalid request with one issue, for values outside a body (a query key, a header).
    #[must_use]
    pub fn issue(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Issues(vec![Issue {
            path: path.into(),
            message: message.into(),
        }])
    }

    /// The error code to answer with.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) => ErrorCode::MalformedJson,
            Self::Issues(_) => ErrorCode::InvalidRequest,
            Self::Refused { code, .. } => *code,
        }
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "Malformed JSON in request body: {why}"),
            Self::Refused { message, .. } => f.write_str(message),
            Self::Issues(issues) => {
                f.write_str("Invalid request: ")?;
                match issues.as_slice() {
                    [] => f.write_str("the body is not as it has to be"),
                    [only] => only.fmt(f),
                    [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
                }
            }
        }
    }
}

impl From<&Invalid> for ErrorBody {
    fn from(invalid: &Invalid) -> Self {
        let body = Self::new(invalid.code(), invalid.to_string());
        match invalid {
            Invalid::Issues(issues) => body.with_details(json!({ "issues": issues })),
            _ => body,
        }
    }
}

impl From<Invalid> for ErrorBody {
    fn from(invalid: Invalid) -> Self {
        Self::from(&invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_told_in_the_sentence_and_in_the_details() {
        let issue = |path: &str| Issue {
            path: path.into(),
            message: "must be a string".into(),
        };
        let body = ErrorBody::from(Invalid::Issues(vec![issue(""), issue("id")]));
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            concat!(
                r#"{"error":"Invalid request: the body must be a string (and 1 more)","#,
                r#""code":"invalid_request","details":{"issues":["#,
                r#"{"message":"must be a string","path":""},"#,
                r#"{"message":"must be a string","path":"id"}]}}"#
            )
        );
    }
}
