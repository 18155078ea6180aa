//! Why a caller was not identified.

use crate::{TicketProblem, TokenProblem};

/// Why a caller was not identified.
///
/// The text is what the caller may read, and tells nothing about why. [`reason`](Self::reason)
/// does, for a debug log. Neither holds any part of what the caller sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The request has no `Authorization: Bearer …` header, or several. Answer 401.
    #[error("Missing Bearer token")]
    MissingBearer,
    /// The token does not hold. Answer 401.
    #[error("Invalid or expired token")]
    InvalidToken(TokenProblem),
    /// The request has a service key, and no service has it. Answer 401.
    #[error("Invalid service key")]
    InvalidServiceKey,
    /// The ticket does not hold. Answer 401.
    #[error("Invalid or expired ticket")]
    InvalidTicket(TicketProblem),
    /// An authenticator of the embedding program does not know the caller. Answer 401.
    #[error("Unauthorized")]
    Unauthorized,
    /// The authenticator itself fails, so that nobody can say who the caller is. Answer 503.
    #[error("Authentication is unavailable, try again later")]
    Unavailable(
        /// What failed, for the log alone: no secrets.
        String,
    ),
}

impl AuthError {
    /// What exactly was wrong, for a debug log; never a part of the credentials.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::MissingBearer => "the request has not one `Authorization: Bearer` header".into(),
            Self::InvalidToken(problem) => problem.to_string(),
            Self::InvalidServiceKey => "no trusted service has this key".into(),
            Self::InvalidTicket(problem) => problem.to_string(),
            Self::Unauthorized => "the authenticator does not know the caller".into(),
            Self::Unavailable(reason) => reason.clone(),
        }
    }

    /// Whether the same request may succeed later: the failure is ours, not the caller's.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<TokenProblem> for AuthError {
    fn from(problem: TokenProblem) -> Self {
        Self::InvalidToken(problem)
    }
}

impl From<TicketProblem> for AuthError {
    fn from(problem: TicketProblem) -> Self {
        Self::InvalidTicket(problem)
    }
}
