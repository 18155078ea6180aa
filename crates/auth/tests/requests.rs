//! From the headers of a request to an identity.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use async_trait::async_trait;
use http::request::Parts;
use std::sync::Arc;
use std::time::Duration;
use support::{SECRET, request, sign};
use taskcast_auth::{
    Algorithm, Anyone, AuthError, Authenticator, Identity, JwtAuthenticator, JwtSettings,
    SERVICE_KEY_HEADER, ServiceKey, WithServiceKeys,
};
use taskcast_core::{Millis, Scope, Scopes, TaskId, TaskScope};

const NOW: Millis = Millis(1_700_000_000_000);
const KEY: &[u8] = b"billing's key of enough bytes";

fn jwt() -> JwtAuthenticator {
    JwtAuthenticator::new(JwtSettings {
        key: support::key(Algorithm::ES256),
        issuer: None,
        audience: None,
        leeway: Duration::ZERO,
    })
}

fn billing() -> ServiceKey {
    let tasks = TaskScope::Only([TaskId::new("invoice").unwrap()].into());
    let scopes = Scopes::NONE.with(Scope::EventPublish);
    ServiceKey::new("billing", KEY, tasks, scopes).unwrap()
}

async fn ask(auth: &dyn Authenticator, headers: &[(&str, &[u8])]) -> Result<Identity, AuthError> {
    auth.authenticate(&request(headers), NOW).await
}

#[tokio::test]
async fn anyone_is_everybody() {
    let headers = [("authorization", &b"Bearer nonsense"[..])];
    assert_eq!(ask(&Anyone, &headers).await, Ok(Identity::anyone()));
}

#[tokio::test]
async fn a_bearer_token_identifies_its_subject() {
    let header = format!("Bearer {}", sign(Algorithm::ES256, r#"{"sub":"ann"}"#));
    let ann = ask(&jwt(), &[("authorization", header.as_bytes())]).await;
    assert_eq!(ann.unwrap().subject.as_deref(), Some("ann"));
}

#[tokio::test]
async fn there_is_one_authorization_header_and_it_says_bearer() {
    let token = sign(Algorithm::ES256, "{}");
    let bearer = format!("Bearer {token}");
    let missing: &[&[(&str, &[u8])]] = &[
        &[],
        &[("authorization", b"Bearer")],
        &[("authorization", b"Basic YTpi")],
        &[("authorization", &[b"bearer ", token.as_bytes()].concat())],
        &[("cookie", bearer.as_bytes())],
        &[
            ("authorization", bearer.as_bytes()),
            ("authorization", bearer.as_bytes()),
        ],
    ];
    for headers in missing {
        let error = ask(&jwt(), headers).await.unwrap_err();
        assert_eq!(error, AuthError::MissingBearer);
    }
    assert_eq!(AuthError::MissingBearer.to_string(), "Missing Bearer token");
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_in_one_sentence() {
    let expired = sign(Algorithm::ES256, r#"{"exp":1}"#);
    for token in [&expired[..], "", " ", "a.b.c", "\u{fc}"] {
        let header = format!("Bearer {token}");
        let error = ask(&jwt(), &[("authorization", header.as_bytes())]).await;
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "Invalid or expired token");
        assert!(token.len() < 2 || !error.reason().contains(token));
    }
    let error = ask(&jwt(), &[("authorization", b"Bearer \xff\xfe")]).await;
    assert!(matches!(error, Err(AuthError::InvalidToken(_))));
}

#[tokio::test]
async fn a_service_is_identified_by_its_key_in_every_mode() {
    for inner in [Arc::new(Anyone) as Arc<dyn Authenticator>, Arc::new(jwt())] {
        let auth = WithServiceKeys::new(vec![billing()], inner);
        let service = ask(&auth, &[(SERVICE_KEY_HEADER, KEY)]).await.unwrap();
        assert_eq!(service.subject.as_deref(), Some("svc:billing"));
        assert_eq!(service.scopes, Scopes::NONE.with(Scope::EventPublish));
        assert!(service.tasks.contains(&TaskId::new("invoice").unwrap()));
        assert_eq!((service.expires_at, service.claims), (None, None));
    }
}

#[tokio::test]
async fn a_key_that_fits_no_service_is_refused_and_asks_nobody_else() {
    let auth = WithServiceKeys::new(vec![billing()], Anyone);
    let longer = [KEY, b"!"].concat();
    for key in [
        &b""[..],
        b"x",
        &KEY[1..],
        &KEY[..KEY.len() - 1],
        &longer,
        b"\xff",
    ] {
        let error = ask(&auth, &[(SERVICE_KEY_HEADER, key)]).await.unwrap_err();
        assert_eq!(error.to_string(), "Invalid service key");
    }
    let twice = [(SERVICE_KEY_HEADER, KEY), (SERVICE_KEY_HEADER, KEY)];
    assert_eq!(ask(&auth, &twice).await, Err(AuthError::InvalidServiceKey));
}

#[tokio::test]
async fn without_the_header_or_without_services_the_inner_authenticator_decides() {
    let with = WithServiceKeys::new(vec![billing()], jwt());
    assert_eq!(ask(&with, &[]).await, Err(AuthError::MissingBearer));
    let without = WithServiceKeys::new(Vec::new(), Anyone);
    let anyone = ask(&without, &[(SERVICE_KEY_HEADER, b"x")]).await;
    assert_eq!(anyone, Ok(Identity::anyone()));
}

#[tokio::test]
async fn of_services_with_one_key_the_first_counts() {
    let second = ServiceKey::new("second", KEY, TaskScope::All, Scopes::EVERY).unwrap();
    let auth = WithServiceKeys::new(vec![billing(), second], Anyone);
    let service = ask(&auth, &[(SERVICE_KEY_HEADER, KEY)]).await.unwrap();
    assert_eq!(service.subject.as_deref(), Some("svc:billing"));
}

#[test]
fn a_service_key_has_at_least_16_bytes() {
    let key = |bytes: &[u8]| ServiceKey::new("s", bytes, TaskScope::All, Scopes::EVERY);
    assert!(key(&[b'k'; 16]).is_ok());
    let error = key(b"a short secret").unwrap_err();
    let text = "the key of service `s` has 14 bytes; give it at least 16";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn an_authenticator_that_fails_says_so_without_telling_the_caller_why() {
    struct Down;
    #[async_trait]
    impl Authenticator for Down {
        async fn authenticate(&self, _: &Parts, _: Millis) -> Result<Identity, AuthError> {
            Err(AuthError::Unavailable("connection refused".into()))
        }
    }
    let boxed: Box<dyn Authenticator> = Box::new(Down);
    let error = ask(&boxed, &[]).await.unwrap_err();
    assert!(error.is_unavailable());
    assert!(!error.to_string().contains("refused"));
    assert_eq!(error.reason(), "connection refused");
}

#[test]
fn nothing_prints_a_secret() {
    let shared = JwtAuthenticator::new(JwtSettings {
        key: support::key(Algorithm::HS256),
        issuer: None,
        audience: None,
        leeway: Duration::ZERO,
    });
    let printed = format!("{:?}", WithServiceKeys::new(vec![billing()], shared));
    assert!(printed.contains("svc:billing") && printed.contains("HS256"));
    let numbers = |bytes: &[u8]| format!("{:?}", &bytes[..4]).replace(['[', ']'], "");
    for secret in [SECRET, KEY] {
        assert!(!printed.contains(str::from_utf8(secret).unwrap()));
        assert!(!printed.contains(&numbers(secret)));
    }
}
