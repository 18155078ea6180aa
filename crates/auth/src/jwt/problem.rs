//! Why a token does not hold.

use super::algorithm::Algorithm;

/// Why a token does not hold: for logs, not for the caller. Never a part of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// The token is too long to look at.
    #[error("the token has more than 8192 bytes")]
    TooLong,
    /// The token is not three parts in canonical base64url without padding.
    #[error("the token is not three parts in base64url without padding")]
    Malformed,
    /// The header is not a JSON object, or a name in it repeats.
    #[error("the header is not a JSON object in which every name occurs once")]
    Header,
    /// The header names another algorithm than the configured one, or none.
    #[error("the header's `alg` is not {0}")]
    Algorithm(Algorithm),
    /// The header asks for extensions, of which there are none.
    #[error("the header has `crit`, and no extension is supported")]
    Critical,
    /// The signature is not by the configured key.
    #[error("the signature does not verify")]
    Signature,
    /// The claims are not a JSON object, or a name in it repeats, or they nest too deep.
    #[error("the claims are not a JSON object in which every name occurs once")]
    Claims,
    /// A claim is present with a value of a type it must not have.
    #[error("the claim `{0}` is of a wrong type")]
    ClaimType(&'static str),
    /// A claim is not what the configuration asks for, or is missing.
    #[error("the claim `{0}` is not the configured one")]
    ClaimValue(&'static str),
    /// The token was good until `exp`.
    #[error("the token has expired")]
    Expired,
    /// The token will be good from `nbf` on.
    #[error("the token is not valid yet")]
    NotYetValid,
}
