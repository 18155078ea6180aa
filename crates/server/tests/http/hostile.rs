//! Requests that nobody means well with: each gets its error, and none a fault of ours.

use crate::support::*;
use http::Method;

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
