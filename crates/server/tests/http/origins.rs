//! Pages of other origins, and other names of this host.

use crate::support::*;
use http::Method;
use taskcast_server::CorsPolicy;

#[tokio::test]
async fn only_welcome_origins_read_answers_and_never_with_credentials() {
    const ORIGINS: &[(&str, bool, bool)] = &[
        // Origin, whether loopback, whether listed.
        ("http://localhost:3000", true, false),
        ("https://127.0.0.1", true, false),
        ("http://[::1]:9", true, false),
        ("http://app.localhost", true, false),
        ("https://app.example.com", false, true),
        ("https://app.example.com:444", false, false),
        ("http://app.example.com", false, false),
        ("https://app.example.com.evil.example", false, false),
        ("https://evil-app.example.com", false, false),
        ("http://localhost.evil.example", false, false),
        ("http://localhost@evil.example", false, false),
        ("https://evil.example", false, false),
        ("null", false, false),
        ("file://", false, false),
    ];
    let listed = CorsPolicy::Origins(vec!["https://app.example.com".to_owned()]);
    for policy in [CorsPolicy::Any, CorsPolicy::Loopback, listed] {
        let world = given().settings(|s| s.cors = policy.clone()).world();
        for (origin, loopback, named) in ORIGINS {
            let welcome = match policy {
                CorsPolicy::Any => Some("*"),
                CorsPolicy::Loopback => loopback.then_some(*origin),
                CorsPolicy::Origins(_) => named.then_some(*origin),
            };
            let plain = get("/health").header("origin", origin);
            let preflight = Ask::new(Method::OPTIONS, "/tasks/a/events")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header(
                    "access-control-request-headers",
                    "authorization,last-event-id",
                );
            for ask in [plain, preflight] {
                let answer = world.ask(ask).await;
                let allowed = answer.header("access-control-allow-origin");
                assert_eq!(allowed, welcome, "{policy:?} {origin}");
                assert_eq!(answer.header("access-control-allow-credentials"), None);
                if !matches!(policy, CorsPolicy::Any) {
                    assert!(answer.header("vary").unwrap_or_default().contains("origin"));
                }
            }
        }
    }
}

#[tokio::test]
async fn without_authentication_only_this_machine_is_served() {
    let world = given().settings(|s| s.loopback_hosts_only = true).world();
    for (host, origin, status) in [
        (Some("localhost:3721"), None, 200),
        (Some("127.0.0.1"), None, 200),
        (Some("[::1]:1"), Some("http://localhost:8080"), 200),
        (Some("evil.example"), None, 403),
        (Some("localhost.evil.example"), None, 403),
        (Some("169.254.169.254"), None, 403),
        (Some("localhost@evil.example"), None, 403),
        (None, None, 403),
        (Some("localhost"), Some("https://evil.example"), 403),
        (Some("localhost"), Some("null"), 403),
        (
            Some("localhost"),
            Some("http://localhost.evil.example"),
            403,
        ),
    ] {
        for path in ["/tasks", "/health", "/docs", "/nothing"] {
            let mut ask = get(path);
            if let Some(host) = host {
                ask = ask.header("host", host);
            }
            if let Some(origin) = origin {
                ask = ask.header("origin", origin);
            }
            let answer = world.ask(ask).await;
            let expected = if status == 200 && path == "/nothing" {
                404
            } else {
                status
            };
            assert_eq!(answer.status, expected, "{host:?} {origin:?} {path}");
        }
    }
}
