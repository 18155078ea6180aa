//! Tokens of our own making, for the admin token route and the command line.

use super::jws::{self, TOKEN_MAX_BYTES};
use super::key::SharedKey;
use serde_json::{Map, Value};
use std::time::Duration;
use taskcast_core::Millis;

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The claims make a token that no server would look at.
    #[error("the token would have {bytes} bytes, and at most 8192 are accepted; claim less")]
    TooLong {
        /// How long it would be.
        bytes: usize,
    },
}

/// Signs claims, valid from now on.
///
/// `iat` becomes the second of `now`, and `exp` that plus the whole seconds of `ttl`; both replace
/// what the claims say. The claims are signed as they are otherwise, sensible or not.
///
/// # Errors
/// [`MintError::TooLong`].
pub fn mint(
    claims: &Map<String, Value>,
    key: &SharedKey,
    now: Millis,
    ttl: Duration,
) -> Result<String, MintError> {
    let issued = now.0 / 1_000;
    let mut claims = claims.clone();
    claims.insert("iat".into(), issued.into());
    claims.insert("exp".into(), issued.saturating_add(ttl.as_secs()).into());
    let token = jws::sign(Value::Object(claims).to_string().as_bytes(), key);
    match token.len() {
        bytes if bytes > TOKEN_MAX_BYTES => Err(MintError::TooLong { bytes }),
        _ => Ok(token),
    }
}
