//! Every limit at its edge and past it.

use crate::support::*;

fn small() -> World {
    given()
        .limits(|l| {
            l.events_per_batch = 3;
            l.event_data_bytes = 20;
            l.json_depth = 4;
            l.filter_patterns = 2;
            l.tags_per_task = 2;
            l.series_per_task = 2;
            l.page = 5;
        })
        .settings(|s| {
            s.body_bytes = 1_000;
            s.line_bytes = 100;
            s.import_bytes = 2_000;
        })
        .world()
}

fn padded(bytes: usize) -> String {
    format!("{{}}{}", " ".repeat(bytes - 2))
}

#[tokio::test]
async fn bodies_may_be_as_large_as_the_limit() {
    let world = small();
    world.running("a").await;
    let chunked = |bytes: usize| {
        let pieces = padded(bytes).into_bytes();
        let pieces: Vec<_> = pieces.chunks(64).map(<[u8]>::to_vec).collect();
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        axum::body::Body::from_stream(futures_util::stream::iter(pieces))
    };
    world
        .ask(post("/tasks").text(&padded(1_000)))
        .await
        .expect(201);
    world
        .ask(post("/tasks").body(chunked(1_000)))
        .await
        .expect(201);
    for ask in [
        post("/tasks").text(&padded(1_001)),
        post("/tasks").body(chunked(1_001)),
        post("/tasks/a/events").text(&padded(1_001)),
        post("/tasks/a/events").body(chunked(1_001)),
        patch("/tasks/a/status").text(&padded(1_001)),
        post("/tasks/a/resolve").text(&padded(1_001)),
        // Announced and never sent.
        post("/tasks").header("content-length", "1001"),
    ] {
        let answer = world.ask(ask).await;
        answer.refused(413, "body_too_large", "the body has at most 1000 bytes");
    }
    let import = |bytes| post("/tasks/import").text(&padded(bytes));
    world.ask(import(2_000)).await.expect(400);
    world.ask(import(2_001)).await.refused(
        413,
        "body_too_large",
        "the body has at most 2000 bytes",
    );
}

#[tokio::test]
async fn events_and_batches_have_limits_of_their_own() {
    let world = small();
    world.running("a").await;
    let event = |data: &str| format!(r#"{{"type":"x","data":{data}}}"#);
    let batch = |count: usize| format!("[{}]", vec![event("1"); count].join(","));
    let text = |bytes: usize| event(&format!("\"{}\"", "x".repeat(bytes - 2)));
    for (body, status, code) in [
        (batch(3), 201, ""),
        (batch(4), 413, "batch_too_large"),
        (
            format!(r#"{{"events":{}}}"#, batch(4)),
            413,
            "batch_too_large",
        ),
        (text(20), 201, ""),
        (text(21), 413, "event_data_too_large"),
        (event("[[[[]]]]"), 201, ""),
        (event("[[[[[]]]]]"), 400, "json_too_deep"),
        (
            r#"{"type":"x","seriesId":"1","seriesMode":"latest"}"#.into(),
            201,
            "",
        ),
        (
            r#"{"type":"x","seriesId":"2","seriesMode":"latest"}"#.into(),
            201,
            "",
        ),
        (
            r#"{"type":"x","seriesId":"3","seriesMode":"latest"}"#.into(),
            400,
            "too_many_series",
        ),
        (
            r#"{"type":"x","seriesId":"2","seriesMode":"accumulate"}"#.into(),
            409,
            "series_conflict",
        ),
    ] {
        let answer = world.ask(post("/tasks/a/events").text(&body)).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (status, code),
            "{body}: {}",
            answer.text()
        );
    }
    // Nothing of what was refused is stored.
    assert_eq!(world.history("a", "?types=x").await.len(), 3 + 1 + 1 + 2);
}

#[tokio::test]
async fn tasks_and_filters_have_limits_of_their_own() {
    let world = small();
    world.running("a").await;
    for (ask, status, code) in [
        (post("/tasks").text(r#"{"tags":["a","b"]}"#), 201, ""),
        (
            post("/tasks").text(r#"{"tags":["a","b","c"]}"#),
            400,
            "too_many_tags",
        ),
        (post("/tasks").text(r#"{"params":{"a":[[[]]]}}"#), 201, ""),
        (
            post("/tasks").text(r#"{"params":{"a":[[[[]]]]}}"#),
            400,
            "json_too_deep",
        ),
        (get("/tasks/a/events/history?types=a,b"), 200, ""),
        (
            get("/tasks/a/events/history?types=a,b,c"),
            400,
            "filter_too_large",
        ),
        (get("/tasks/a/events?types=a,b,c"), 400, "filter_too_large"),
        (get("/events?types=a,b,c"), 400, "filter_too_large"),
        (get("/tasks?type=a,b,c"), 400, "filter_too_large"),
        (get("/tasks?limit=99"), 200, ""),
    ] {
        let path = ask.path.clone();
        let answer = world.ask(ask).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (status, code),
            "{path}: {}",
            answer.text()
        );
    }
    for _ in 0..6 {
        world.ask(post("/tasks").text("{}")).await.expect(201);
    }
    let page = world.ask(get("/tasks?limit=99")).await.json();
    assert_eq!(page["tasks"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn names_have_1_to_256_bytes_wherever_they_stand() {
    let world = world();
    world.running("a").await;
    let (edge, past) = ("é".repeat(128), format!("{}x", "é".repeat(128)));
    for field in ["id", "type"] {
        world
            .ask(post("/tasks").json(&json!({field: edge})))
            .await
            .expect(201);
        world
            .ask(post("/tasks").json(&json!({field: past})))
            .await
            .expect(400);
    }
    world
        .ask(post("/tasks").json(&json!({"tags": [edge]})))
        .await
        .expect(201);
    world
        .ask(post("/tasks").json(&json!({"tags": [past]})))
        .await
        .expect(400);
    for field in ["type", "seriesId"] {
        let event = |name: &str| {
            let mut event = json!({"type": "x"});
            event[field] = json!(name);
            post("/tasks/a/events").json(&event)
        };
        world.ask(event(&edge)).await.expect(201);
        let answer = world.ask(event(&past)).await.expect(400);
        assert!(
            answer.error().contains("at most 256 bytes"),
            "{}",
            answer.text()
        );
    }
    let path = |name: &str| format!("/tasks/{}", "%C3%A9".repeat(128) + name);
    world.ask(get(&path(""))).await.expect(200);
    world.ask(get(&path("x"))).await.expect(400);
    let producer = |id: String| {
        let ask = post("/tasks/a/events").text(r#"{"type":"x"}"#);
        ask.header("producer-id", id)
            .header("producer-epoch", "0")
            .header("producer-seq", "0")
    };
    world.ask(producer("p".repeat(256))).await.expect(201);
    world.ask(producer("p".repeat(257))).await.expect(400);
    let key = |bytes| {
        post("/tasks")
            .text("{}")
            .header("idempotency-key", "k".repeat(bytes))
    };
    world.ask(key(256)).await.expect(201);
    world.ask(key(257)).await.expect(400);
}

#[tokio::test]
async fn a_store_that_is_full_says_so_and_lives() {
    let mut given = given();
    given.store_bytes = 20_000;
    let world = given.world();
    world.running("a").await;
    let event = json!({"type": "x", "data": "x".repeat(4_000)});
    let mut full = None;
    for _ in 0..20 {
        let answer = world.ask(post("/tasks/a/events").json(&event)).await;
        if answer.status != 201 {
            full = Some(answer);
            break;
        }
    }
    let full = full.expect("a budget of bytes holds").expect(503);
    assert_eq!(
        (full.code(), full.header("retry-after")),
        ("store_full".into(), Some("30"))
    );
    world.ask(get("/tasks/a")).await.expect(200);
}
