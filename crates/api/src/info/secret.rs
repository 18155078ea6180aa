//! Bodies that hold secrets: shown on the wire, never in a log.

use crate::Invalid;
use crate::read::{object, text_of};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The body of `POST /admin/token`.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminTokenRequest {
    /// The token that the configuration names. Anything but a text is a wrong one.
    #[schema(value_type = String)]
    pub admin_token: Option<String>,
    /// What the new token may do; `*` for everything, which is the default.
    #[schema(required = false)]
    pub scopes: Vec<String>,
    /// Seconds until it ends; 86400 by default.
    #[schema(required = false, minimum = 1)]
    pub expires_in: u64,
}

impl AdminTokenRequest {
    const DEFAULT_EXPIRES_IN: u64 = 86_400;
    const MOST_SECONDS: u64 = crate::task::create::TEN_YEARS_SECONDS;

    /// Reads a body.
    ///
    /// # Errors
    /// `Invalid request body`, whatever is wrong; a wrong admin token is none of that.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        Self::read(body).ok_or_else(|| Invalid::because("Invalid request body"))
    }

    fn read(body: &[u8]) -> Option<Self> {
        let names = ["adminToken", "scopes", "expiresIn"];
        let [token, scopes, expires_in] = object(text_of(body).ok()?, &names).ok()??;
        let scopes = match scopes {
            Some(raw) => serde_json::from_str(raw.get()).ok()?,
            None => vec!["*".to_owned()],
        };
        let expires_in = match expires_in {
            Some(raw) => serde_json::from_str(raw.get()).ok()?,
            None => Self::DEFAULT_EXPIRES_IN,
        };
        let valid = (1..=Self::MOST_SECONDS).contains(&expires_in);
        valid.then(|| Self {
            admin_token: token.and_then(|raw| serde_json::from_str(raw.get()).ok()),
            scopes,
            expires_in,
        })
    }
}

impl fmt::Debug for AdminTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminTokenRequest")
            .field("scopes", &self.scopes)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The answer of `POST /admin/token`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminTokenResponse {
    /// The token; empty when the server cannot sign any.
    pub token: String,
    /// When it ends, in seconds since the Unix epoch.
    pub expires_at: u64,
}

/// The answer of `POST /tasks/:taskId/tickets`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketResponse {
    /// The value of `?ticket=` for the stream of this one task.
    pub ticket: String,
    /// When streams that it opened end, in milliseconds since the Unix epoch. The first has to be
    /// opened within 60 seconds.
    pub expires_at: u64,
}

impl fmt::Debug for AdminTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminTokenResponse")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TicketResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketResponse")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_everything_for_a_day() {
        let request = AdminTokenRequest::parse(br#"{"adminToken":"s3cret"}"#).unwrap();
        assert_eq!(request.admin_token.as_deref(), Some("s3cret"));
        assert_eq!(
            (request.scopes.as_slice(), request.expires_in),
            (&["*".to_owned()][..], 86_400)
        );
        assert!(!format!("{request:?}").contains("s3cret"));
        let odd = AdminTokenRequest::parse(br#"{"adminToken":7}"#).unwrap();
        assert_eq!(odd.admin_token, None);
    }

    #[test]
    fn any_other_body_is_invalid() {
        for body in [
            "",
            "x",
            "[]",
            r#"{"scopes":"a"}"#,
            r#"{"expiresIn":0}"#,
            r#"{"expiresIn":1e99}"#,
        ] {
            let invalid = AdminTokenRequest::parse(body.as_bytes()).unwrap_err();
            assert_eq!(invalid.to_string(), "Invalid request body", "{body}");
        }
    }
}
