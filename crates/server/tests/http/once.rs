//! What makes a request happen at most once.

use crate::support::*;

fn publish(body: &str) -> Ask {
    post("/tasks/a/events").text(body)
}

fn claim(epoch: &str, seq: &str) -> Ask {
    publish(r#"{"type":"x"}"#)
        .header("producer-id", "p")
        .header("producer-epoch", epoch)
        .header("producer-seq", seq)
}

async fn count(world: &World) -> usize {
    world.history("a", "?types=x").await.len()
}

#[tokio::test]
async fn a_producer_that_repeats_itself_is_answered_and_not_stored() {
    let world = world();
    world.running("a").await;
    let first = world.ask(claim("0", "0")).await.expect(201);
    assert_eq!(
        (first.header("producer-epoch"), first.header("producer-seq")),
        (Some("0"), Some("0"))
    );
    let again = world.ask(claim("0", "0")).await.expect(201);
    assert_eq!(again.json(), first.json());
    world.ask(claim("0", "1")).await.expect(201);
    let old = world.ask(claim("0", "0")).await.expect(200);
    assert_eq!(old.json(), json!({"duplicate": true}));
    assert_eq!(count(&world).await, 2);

    let gap = world.ask(claim("0", "5")).await.expect(409);
    assert_eq!(gap.code(), "producer_gap");
    assert_eq!(gap.json()["details"], json!({"expected": 2, "received": 5}));
    assert_eq!(
        (
            gap.header("producer-expected-seq"),
            gap.header("producer-received-seq")
        ),
        (Some("2"), Some("5"))
    );
    world.ask(claim("1", "3")).await.expect(400);
    world.ask(claim("1", "0")).await.expect(201);
    let fenced = world.ask(claim("0", "2")).await.expect(403);
    assert_eq!(
        (fenced.code(), fenced.header("producer-epoch")),
        ("producer_fenced".into(), Some("1"))
    );
    let at = world
        .ask(get("/tasks/a/producers/p"))
        .await
        .expect(200)
        .json();
    assert_eq!(at, json!({"epoch": 1, "seq": 0}));
}

#[tokio::test]
async fn a_repetition_is_recognised_also_after_the_end() {
    let world = world();
    world.running("a").await;
    let end = || {
        post("/tasks/a/events")
            .text(r#"{"events":[{"type":"x"}],"transition":{"status":"completed"}}"#)
            .header("producer-id", "p")
            .header("producer-epoch", "0")
            .header("producer-seq", "0")
    };
    let first = world.ask(end()).await.expect(201).json();
    assert_eq!(first["task"]["status"], "completed");
    assert_eq!(world.ask(end()).await.expect(201).json(), first);
    world.ask(claim("0", "1")).await.expect(400);
}

#[tokio::test]
async fn a_repetition_that_asks_otherwise_is_told_that_it_is_one() {
    let world = world();
    world.running("a").await;
    let claimed = |body: &str| {
        publish(body)
            .header("producer-id", "p")
            .header("producer-epoch", "0")
            .header("producer-seq", "0")
    };
    let first = world.ask(claimed("[]")).await.expect(201).json();
    assert_eq!(first, json!([]));
    let answer = world.ask(claimed(r#"{"type":"x"}"#)).await.expect(200);
    assert_eq!(answer.json(), json!({"duplicate": true}));
    assert_eq!(world.ask(claimed("[]")).await.expect(201).json(), json!([]));
    assert_eq!(count(&world).await, 0);
}

const REFUSED: &[&[(&str, &str)]] = &[
    &[("producer-id", "p")],
    &[("producer-epoch", "0")],
    &[("producer-seq", "0")],
    &[("producer-id", "p"), ("producer-epoch", "0")],
    &[("producer-id", "p"), ("producer-seq", "0")],
    &[("producer-epoch", "0"), ("producer-seq", "0")],
    &[
        ("producer-id", ""),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-id", "p"),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
        ("idempotency-key", "k"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-epoch", "-1"),
        ("producer-seq", "0"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-epoch", "+1"),
        ("producer-seq", "0"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-epoch", "0"),
        ("producer-seq", "1e3"),
    ],
    &[
        ("producer-id", "p"),
        ("producer-epoch", "0"),
        ("producer-seq", "9007199254740992"),
    ],
    &[
        ("producer-id", "\u{e9}"),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
    ],
    &[("idempotency-key", "")],
    &[("idempotency-key", "k"), ("idempotency-key", "k")],
];

#[tokio::test]
async fn producer_headers_go_together_and_are_numbers() {
    let world = world();
    world.running("a").await;
    for headers in REFUSED {
        let ask = headers
            .iter()
            .fold(publish(r#"{"type":"x"}"#), |ask, (name, value)| {
                ask.header(name, value)
            });
        let answer = world.ask(ask).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (400, "invalid_request"),
            "{headers:?}"
        );
    }
    assert_eq!(count(&world).await, 0);
    world
        .ask(get("/tasks/a/producers/p"))
        .await
        .refused(404, "not_found", "Producer not found: p");
}

#[tokio::test]
async fn an_idempotency_key_names_one_request() {
    let world = world();
    world.running("a").await;
    let keyed = |body: &str| publish(body).header("idempotency-key", "k");
    let first = world.ask(keyed(r#"{"type":"x"}"#)).await.expect(201).json();
    let again = world.ask(keyed(r#"{"type":"x"}"#)).await.expect(201).json();
    assert_eq!(again, first);
    let other = world.ask(keyed(r#"{"type":"x" }"#)).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(count(&world).await, 1);
    // A key is one task's own.
    world.running("b").await;
    let b = post("/tasks/b/events")
        .text(r#"{"type":"x"}"#)
        .header("idempotency-key", "k");
    world.ask(b).await.expect(201);
}

#[tokio::test]
async fn a_task_is_created_once_by_its_key() {
    let world = world();
    let create = |key: &str, body: &str| post("/tasks").text(body).header("idempotency-key", key);
    let first = world
        .ask(create("k", r#"{"type":"t"}"#))
        .await
        .expect(201)
        .json();
    let again = world
        .ask(create("k", r#"{"type":"t"}"#))
        .await
        .expect(201)
        .json();
    assert_eq!(again["id"], first["id"]);
    world.ask(create("k", r#"{"type":"u"}"#)).await.expect(422);
    let other = world
        .ask(create("l", r#"{"type":"t"}"#))
        .await
        .expect(201)
        .json();
    assert_ne!(other["id"], first["id"]);
    // With an id of the caller's own, too.
    world.ask(create("m", r#"{"id":"a"}"#)).await.expect(201);
    world.ask(create("m", r#"{"id":"a"}"#)).await.expect(201);
    world.ask(create("n", r#"{"id":"a"}"#)).await.expect(409);
    let list = world.ask(get("/tasks")).await.json();
    assert_eq!(list["tasks"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_and_its_transition_are_one() {
    let world = world();
    world.running("a").await;
    let both = r#"{"events":[{"type":"x"},{"type":"x"}],"transition":{"status":"pending"}}"#;
    world.ask(publish(both)).await.expect(409);
    world
        .ask(publish(r#"[{"type":"x"},{"type":7}]"#))
        .await
        .expect(400);
    let conflict = r#"[{"type":"x","seriesId":"s","seriesMode":"latest"},{"type":"x","seriesId":"s","seriesMode":"accumulate"}]"#;
    world.ask(publish(conflict)).await.expect(409);
    assert_eq!(count(&world).await, 0);
    let nothing = world
        .ask(publish(r#"{"events":[]}"#))
        .await
        .expect(201)
        .json();
    assert_eq!(nothing, json!({"events": []}));
    let end = r#"{"events":[{"type":"x"}],"transition":{"status":"completed","result":{"n":1}}}"#;
    let answer = world.ask(publish(end)).await.expect(201).json();
    assert_eq!(answer["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&answer["task"]["status"], &answer["task"]["result"]),
        (&json!("completed"), &json!({"n": 1}))
    );
    let kinds: Vec<Value> = world
        .history("a", "")
        .await
        .iter()
        .map(|e| e["type"].clone())
        .collect();
    assert_eq!(kinds, ["taskcast:status", "x", "taskcast:status"]);
}
