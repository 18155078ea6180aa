//! Requests that nobody means well with: each gets its error, and none a fault of ours.

use crate::support::documented::check;
use crate::support::*;
use http::Method;
use proptest::prelude::*;
use taskcast_server::CorsPolicy;

#[tokio::test]
async fn bodies_that_are_not_as_they_have_to_be_are_told_why() {
    let world = world();
    world.running("a").await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("nul", "malformed_json"),
        ("{}{}", "malformed_json"),
        ("{\"type\":\"x\",}", "malformed_json"),
        ("{'type':'x'}", "malformed_json"),
        (&*deep, "invalid_request"),
        ("\u{feff}{\"type\":\"x\"}", "malformed_json"),
        ("null", "invalid_request"),
        ("7", "invalid_request"),
        ("\"x\"", "invalid_request"),
        ("{}", "invalid_request"),
        (r#"{"type":null}"#, "invalid_request"),
        (r#"{"type":7}"#, "invalid_request"),
        (r#"{"type":""}"#, "invalid_request"),
        (r#"{"type":"taskcast:status"}"#, "invalid_request"),
        (r#"{"type":"a\u0000"}"#, "invalid_request"),
        (r#"{"type":"a\nb"}"#, "invalid_request"),
        (r#"{"type":"\ud800"}"#, "invalid_request"),
        (r#"{"type":"x","level":"loud"}"#, "invalid_request"),
        (r#"{"type":"x","seriesMode":"sum"}"#, "invalid_request"),
        (r#"[{"type":"x"},null]"#, "invalid_request"),
        (
            r#"{"events":[{"type":"x"}],"transition":7}"#,
            "invalid_request",
        ),
    ] {
        let answer = world
            .ask(post("/tasks/a/events").text(body))
            .await
            .expect(400);
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.code(), code, "{shown}: {}", answer.text());
    }
    let invalid = post("/tasks/a/events").body(&b"{\"type\":\"\xff\"}"[..]);
    world.ask(invalid).await.refused(
        400,
        "malformed_json",
        "Malformed JSON in request body: not UTF-8 at byte 9",
    );
    assert_eq!(world.history("a", "").await.len(), 1);
}

#[tokio::test]
async fn numbers_of_any_size_are_data_and_no_fields() {
    let world = world();
    world.running("a").await;
    let huge = r#"{"type":"x","data":[1e400,123456789012345678901234567890,-0.0,1E-400]}"#;
    let answer = world
        .ask(post("/tasks/a/events").text(huge))
        .await
        .expect(201);
    assert!(
        answer
            .text()
            .contains("[1e400,123456789012345678901234567890,-0.0,1E-400]")
    );
    for field in ["ttl", "resumeAfterMs"] {
        for number in [
            "1e400",
            "-1",
            "0",
            "1.5",
            "99999999999999999999",
            "\"5\"",
            "null",
            "9007199254740993",
        ] {
            let body = format!(r#"{{"status":"blocked","{field}":{number}}}"#);
            world
                .ask(patch("/tasks/a/status").text(&body))
                .await
                .expect(400);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_meant_are_errors_as_any_other() {
    let world = world();
    world.running("a").await;
    for path in [
        "/nothing",
        "/tasks/",
        "/tasks/a/",
        "/tasks/a/nothing",
        "//",
        "/tasks/a/events/history/x",
        "/workers",
        "/.env",
    ] {
        world
            .ask(get(path))
            .await
            .refused(404, "not_found", "Not found");
    }
    for (method, path, allowed) in [
        ("PUT", "/tasks", "GET,HEAD,POST"),
        ("POST", "/health", "GET,HEAD"),
        ("PUT", "/tasks/a", "DELETE,GET,HEAD"),
        ("PUT", "/tasks/import", "DELETE,GET,HEAD,POST"),
        ("GET", "/tasks/a/status", "PATCH"),
        ("TRACE", "/tasks/a/events", "GET,HEAD,POST"),
        ("DELETE", "/events", "GET,HEAD"),
        ("BREW", "/docs", "GET,HEAD"),
        ("POST", "/openapi.json", "GET,HEAD"),
    ] {
        let ask = Ask::new(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let answer = world.ask(ask).await.expect(405);
        assert_eq!(answer.code(), "method_not_allowed");
        let mut allow: Vec<_> = answer
            .header("allow")
            .unwrap_or_default()
            .split(',')
            .collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn paths_name_tasks_whatever_their_letters() {
    let world = world();
    for (path, status) in [
        ("/tasks/%00", 400),
        ("/tasks/a%0Ab", 400),
        ("/tasks/%FF", 400),
        ("/tasks/%2e", 400),
        ("/tasks/%2E%2e", 400),
        ("/tasks/%2F", 404),
        ("/tasks/%25", 404),
        ("/tasks/%", 404),
        ("/tasks/%zz", 404),
        ("/tasks/%F0%9F%98%80", 404),
        ("/tasks/a/producers/%00", 400),
        ("/tasks/a/producers/%FF", 400),
        ("/tasks/%FF/producers/p", 400),
        ("/tasks/a/producers/p", 404),
    ] {
        world.ask(get(path)).await.expect(status);
    }
    let odd = "../é%2F?#😀";
    world
        .ask(post("/tasks").json(&json!({"id": odd})))
        .await
        .expect(201);
    let path = "/tasks/..%2F%C3%A9%252F%3F%23%F0%9F%98%80";
    assert_eq!(world.ask(get(path)).await.expect(200).json()["id"], odd);
}

#[tokio::test]
async fn content_types_say_what_a_body_is() {
    let world = world();
    world.running("a").await;
    for (kind, status) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/problem+json", 201),
        ("text/plain", 415),
        ("application/jsonx", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
        ("\u{e9}", 415),
    ] {
        let ask = post("/tasks/a/events")
            .header("content-type", kind)
            .body(r#"{"type":"x"}"#);
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, status, "{kind:?}: {}", answer.text());
        if status == 415 {
            assert_eq!(answer.code(), "unsupported_media_type");
        }
    }
    world
        .ask(post("/tasks/a/events").body(r#"{"type":"x"}"#))
        .await
        .expect(201);
    world.ask(post("/tasks").lines("{}")).await.expect(415);
    world
        .ask(patch("/tasks/a/status").lines("{}"))
        .await
        .expect(415);
    world
        .ask(post("/tasks/import").lines("{}"))
        .await
        .expect(415);
}

#[tokio::test]
async fn a_key_that_is_given_twice_means_nothing() {
    let world = world();
    world.running("a").await;
    for path in [
        "/tasks/a/events?types=a&types=b",
        "/tasks/a/events?since.id=a&since.id=a",
        "/tasks/a/events?wrap=true&wrap=true",
        "/tasks/a/events/history?limit=1&limit=2",
        "/tasks?status=running&status=running",
        "/tasks?cursor=a&cursor=b",
        "/events?levels=info&levels=warn",
        "/tasks/a/archive?full=true&full=false",
        "/tasks/a/events?ticket=a&ticket=b",
    ] {
        let answer = world.ask(get(path)).await.expect(400);
        assert!(
            answer.error().ends_with("must be given once"),
            "{path}: {}",
            answer.text()
        );
    }
    for path in [
        "/tasks/a/events?since.index=x",
        "/tasks/a/events?since.index=1e3",
        "/tasks/a/events?since.index=99999999999999999999",
        "/tasks/a/events/history?since.timestamp=-1",
        "/tasks?cursor=x",
        "/tasks?cursor=99999999999999999999-a",
        "/tasks?cursor=1-",
    ] {
        world.ask(get(path)).await.expect(400);
    }
    world
        .ask(get("/tasks?unknown=1&unknown=2&%ff=%ff"))
        .await
        .expect(200);
}

#[tokio::test]
async fn requests_have_ids_of_ours_unless_theirs_are_harmless() {
    let world = world();
    let id = async |given: Option<&[u8]>| {
        let ask = given
            .into_iter()
            .fold(get("/health"), |ask, id| ask.header("x-request-id", id));
        world
            .ask(ask)
            .await
            .header("x-request-id")
            .unwrap()
            .to_owned()
    };
    assert_eq!(id(Some(b"abc-123")).await, "abc-123");
    let long = "x".repeat(129);
    for harmful in [&b"a b"[..], b"", b"\xff", long.as_bytes()] {
        let ours = id(Some(harmful)).await;
        assert!(
            ours.len() == 16 && ours.bytes().all(|b| b.is_ascii_hexdigit()),
            "{ours}"
        );
    }
    assert_ne!(id(None).await, id(None).await);
    assert!(
        world
            .ask(get("/nothing"))
            .await
            .header("x-request-id")
            .is_some()
    );
}

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

fn paths() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("tasks".to_owned()),
        Just("tasks".to_owned()),
        Just("a".to_owned()),
        Just("events".to_owned()),
        Just("history".to_owned()),
        Just("archive".to_owned()),
        Just("import".to_owned()),
        Just("status".to_owned()),
        Just("resolve".to_owned()),
        Just("request".to_owned()),
        Just("tickets".to_owned()),
        Just("producers".to_owned()),
        Just("admin".to_owned()),
        Just("token".to_owned()),
        Just("health".to_owned()),
        "[a-z0-9%._~-]{0,8}",
        "(%[0-9A-F]{2}){1,3}",
    ];
    let front = prop_oneof![Just("/"), Just("/tasks/"), Just("/tasks/a/")];
    let path = (front, proptest::collection::vec(segment, 0..4))
        .prop_map(|(front, all)| format!("{front}{}", all.join("/")));
    let query = "((types|levels|since\\.id|since\\.index|limit|cursor|status|wrap|ticket|x)=[a-z0-9%,*.-]{0,6}&?){0,3}";
    (path, query).prop_map(|(path, query)| format!("{path}?{query}"))
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop_oneof![
        Just(r#""type":"x""#),
        Just(r#""id":"b""#),
        Just(r#""status":"running""#),
        Just(r#""data":{"delta":"x"}"#),
        Just(r#""seriesId":"s""#),
        Just(r#""seriesMode":"accumulate""#),
        Just(r#""seriesMode":"latest""#),
        Just(r#""events":[{"type":"y"}]"#),
        Just(r#""transition":{"status":"completed"}"#),
        Just(r#""ttl":5"#),
        Just(r#""archive":{}"#),
        Just(r#""adminToken":"x""#),
        Just(r#""authConfig":{"rules":[]}"#),
        Just(r#""producerSeq":0"#),
        Just(r#""tags":["t"]"#),
        Just(r#""blockedRequest":{"type":"q"}"#),
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[\\[\\]{}:,\"a-e0-9\\\\nul \n]{0,40}".prop_map(String::into_bytes),
        proptest::collection::vec(fields, 0..5)
            .prop_map(|all| format!("{{{}}}", all.join(",")).into_bytes()),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = prop_oneof![
        Just("content-type"),
        Just("authorization"),
        Just("last-event-id"),
        Just("idempotency-key"),
        Just("producer-id"),
        Just("producer-epoch"),
        Just("producer-seq"),
        Just("x-taskcast-service-key"),
        Just("content-length"),
        Just("origin"),
        Just("x-request-id"),
        Just("host"),
        Just("expect"),
    ];
    let value = prop_oneof![
        Just(b"application/json".to_vec()),
        Just(b"application/x-ndjson".to_vec()),
        Just(b"0".to_vec()),
        Just(b"p".to_vec()),
        proptest::collection::vec(32_u8..=126, 0..12),
        proptest::collection::vec(128_u8..=255, 1..6),
    ];
    proptest::collection::vec((name, value), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_the_answer_is_documented_and_no_fault_of_ours(
        requests in proptest::collection::vec(
            (prop_oneof![Just("GET"), Just("POST"), Just("PATCH"), Just("DELETE"), Just("HEAD"), Just("PUT")],
             paths(), headers(), bodies()), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world();
            world.pending("a").await;
            for (method, path, headers, body) in requests {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let mut ask = Ask::new(method.clone(), &path).body(body);
                for (name, value) in headers {
                    ask = ask.header(name, value);
                }
                let stream = world.stream(ask).await;
                let kind = stream.headers.get("content-type").and_then(|v| v.to_str().ok());
                if kind == Some("text/event-stream") {
                    continue;
                }
                let answer = stream.answer().await;
                check(&method, &path, &answer);
            }
        });
    }
}
