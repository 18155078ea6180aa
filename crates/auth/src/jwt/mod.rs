//! Auth mode `jwt`: signed bearer tokens.
//!
//! ```text
//!   header ─► one Bearer token ─► jws: three parts, pinned algorithm, signature
//!                                   └─► claims: types, times, parties ─► Identity
//! ```

mod algorithm;
mod claims;
mod der;
mod json;
mod jws;
mod key;
mod mint;
mod pem;
mod problem;
mod public_key;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use jws::{TOKEN_MAX_BYTES, verify_jws};
pub use key::{Key, KeyError, KeyWarning, SharedKey};
pub use mint::{MintError, mint};
pub use problem::TokenProblem;
pub use public_key::PublicKey;

use crate::{AuthError, Authenticator};
use async_trait::async_trait;
use claims::Expected;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::time::Duration;
use taskcast_core::{Identity, Millis};

/// How bearer tokens are checked.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// The key, and with it the algorithm.
    pub key: Key,
    /// The `iss` claim that tokens must have; `None`: any or none.
    pub issuer: Option<String>,
    /// What the `aud` claim of tokens must name; `None`: any or none.
    pub audience: Option<String>,
    /// How far clocks may differ; tokens are valid this much before `nbf` and after `exp`.
    pub leeway: Duration,
}

/// Identifies callers by the signed token in their `Authorization: Bearer` header.
#[derive(Clone, Debug)]
pub struct JwtAuthenticator {
    key: Key,
    expected: Expected,
}

impl JwtAuthenticator {
    /// Checks tokens in this way.
    #[must_use]
    pub fn new(settings: JwtSettings) -> Self {
        let leeway = u64::try_from(settings.leeway.as_millis()).unwrap_or(u64::MAX);
        Self {
            key: settings.key,
            expected: Expected {
                issuer: settings.issuer,
                audience: settings.audience,
                leeway: Millis(leeway),
            },
        }
    }

    /// What is questionable about the key, to be told to whoever configured it.
    #[must_use]
    pub fn warning(&self) -> Option<KeyWarning> {
        self.key.warning()
    }

    /// The identity that a token stands for at `now`.
    ///
    /// # Errors
    /// [`TokenProblem`], when it does not hold.
    pub fn identify(&self, token: &str, now: Millis) -> Result<Identity, TokenProblem> {
        let payload = verify_jws(token, &self.key)?;
        claims::identity(&payload, &self.expected, now)
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, request: &Parts, now: Millis) -> Result<Identity, AuthError> {
        let token = bearer(request).ok_or(AuthError::MissingBearer)?;
        let token = str::from_utf8(token).map_err(|_| TokenProblem::Malformed)?;
        Ok(self.identify(token, now)?)
    }
}

/// The token of the one `Authorization` header. Of two headers, a proxy may have checked either.
fn bearer(request: &Parts) -> Option<&[u8]> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (headers.next()?, headers.next()) else {
        return None;
    };
    header.as_bytes().strip_prefix(b"Bearer ")
}
