//! Tokens.

use super::START;
use serde_json::Value;
use std::time::Duration;
use taskcast_auth::{Algorithm, JwtAuthenticator, JwtSettings, SharedKey, mint};
use taskcast_core::Millis;
use taskcast_server::TokenSigner;

pub const SECRET: &[u8] = b"a test secret of 32 bytes length";

pub fn key() -> SharedKey {
    SharedKey::new(Algorithm::HS256, SECRET).expect("a key")
}

/// Checks tokens signed with the secret, without leeway.
pub fn jwt() -> JwtAuthenticator {
    JwtAuthenticator::new(JwtSettings {
        key: key().into(),
        issuer: None,
        audience: None,
        leeway: Duration::ZERO,
    })
}

/// A token with these claims, good for an hour.
pub fn token(claims: &Value) -> String {
    token_until(claims, START, 3_600)
}

pub fn token_until(claims: &Value, now: Millis, seconds: u64) -> String {
    let claims = claims.as_object().expect("claims are an object");
    mint(claims, &key(), now, Duration::from_secs(seconds)).expect("a token")
}

/// The claims of somebody with these scopes on these tasks; no list of tasks means all.
pub fn claims(scopes: &[&str], tasks: Option<&[&str]>) -> Value {
    match tasks {
        Some(tasks) => serde_json::json!({"sub": "ann", "scope": scopes, "taskIds": tasks}),
        None => serde_json::json!({"sub": "ann", "scope": scopes}),
    }
}

/// What the admin API signs with.
pub fn signer() -> TokenSigner {
    TokenSigner {
        key: key(),
        issuer: None,
        audience: None,
    }
}
