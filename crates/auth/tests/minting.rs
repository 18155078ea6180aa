//! Tokens of our own making are valid tokens.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Map, Value, json};
use std::time::Duration;
use support::SECRET;
use taskcast_auth::{
    Algorithm, JwtAuthenticator, JwtSettings, MintError, SharedKey, TOKEN_MAX_BYTES, TokenProblem,
    mint,
};
use taskcast_core::{Millis, Scopes, TaskScope};

const NOW: Millis = Millis(1_700_000_000_999);

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn checker(key: &SharedKey) -> JwtAuthenticator {
    JwtAuthenticator::new(JwtSettings {
        key: key.clone().into(),
        issuer: None,
        audience: None,
        leeway: Duration::ZERO,
    })
}

#[test]
fn a_minted_token_says_what_was_claimed_until_it_ends() {
    let claims = object(json!({"sub": "admin", "scope": ["*"], "taskIds": "*", "exp": 1}));
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let key = SharedKey::new(algorithm, SECRET).unwrap();
        let token = mint(&claims, &key, NOW, Duration::from_secs(60)).unwrap();
        let admin = checker(&key).identify(&token, NOW).unwrap();
        assert_eq!(admin.subject.as_deref(), Some("admin"));
        assert_eq!((admin.scopes, admin.tasks), (Scopes::EVERY, TaskScope::All));
        let end = Millis(1_700_000_060_000);
        assert_eq!(admin.expires_at, Some(end));
        let later = checker(&key).identify(&token, end);
        assert_eq!(later, Err(TokenProblem::Expired));
    }
}

#[test]
fn a_minted_token_is_one_that_servers_look_at() {
    let key = SharedKey::new(Algorithm::HS256, SECRET).unwrap();
    let claims = object(json!({"sub": "x".repeat(TOKEN_MAX_BYTES)}));
    let error = mint(&claims, &key, NOW, Duration::from_secs(60));
    assert!(matches!(error, Err(MintError::TooLong { .. })));
}
