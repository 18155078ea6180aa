//! Tasks: their life, their lists, their history, their archives.

use crate::support::steps::{Step, take};
use crate::support::*;

const STATUSES: [&str; 9] = [
    "pending",
    "assigned",
    "running",
    "paused",
    "blocked",
    "completed",
    "failed",
    "timeout",
    "cancelled",
];

/// Where each status may go, in words.
const MAY_GO: [(&str, &str); 9] = [
    ("pending", "assigned running paused timeout cancelled"),
    ("assigned", "pending running paused timeout cancelled"),
    (
        "running",
        "paused blocked completed failed timeout cancelled",
    ),
    ("paused", "assigned running blocked timeout cancelled"),
    (
        "blocked",
        "assigned running paused failed timeout cancelled",
    ),
    ("completed", ""),
    ("failed", ""),
    ("timeout", ""),
    ("cancelled", ""),
];

/// How a new task gets to a status.
fn way_to(status: &str) -> Vec<&str> {
    match status {
        "pending" => vec![],
        "assigned" | "running" | "paused" | "timeout" | "cancelled" => vec![status],
        other => vec!["running", other],
    }
}

#[tokio::test]
async fn a_status_leads_where_it_may_and_nowhere_else() {
    for (from, allowed) in MAY_GO {
        for to in STATUSES {
            let world = world();
            world.pending("a").await;
            for status in way_to(from) {
                world.to("a", json!({"status": status})).await;
            }
            let answer = world
                .ask(patch("/tasks/a/status").json(&json!({"status": to})))
                .await;
            if allowed.split(' ').any(|word| word == to) {
                assert_eq!(answer.expect(200).json()["status"], to);
            } else {
                let text = format!("Invalid transition: {from} → {to}");
                answer.refused(409, "invalid_transition", &text);
            }
        }
    }
}

#[tokio::test]
async fn what_a_task_is_given_it_shows() {
    let world = world();
    let given = json!({"id": "a", "type": "llm.chat", "params": {"x": 1.0}, "metadata": {"y": null}, "ttl": 60,
        "tags": ["one", "two"], "authConfig": {"rules": []}});
    let made = world
        .ask(post("/tasks").json(&given))
        .await
        .expect(201)
        .json();
    for (key, value) in given.as_object().unwrap() {
        assert_eq!(&made[key], value, "{key}");
    }
    let shown = world.ask(get("/tasks/a")).await.expect(200).json();
    assert_eq!(
        (&shown["hot"], &shown["subscriberCount"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(shown["params"].to_string(), r#"{"x":1.0}"#);
    for later in [
        "webhooks",
        "cleanup",
        "assignMode",
        "cost",
        "disconnectPolicy",
    ] {
        let answer = world
            .ask(post("/tasks").json(&json!({later: []})))
            .await
            .expect(400);
        assert_eq!(answer.code(), "not_supported_yet");
    }
    world
        .ask(get("/tasks/b"))
        .await
        .refused(404, "task_not_found", "Task not found: b");
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_its_id_is_free() {
    let world = world();
    world.running("a").await;
    let answer = world.ask(delete("/tasks/a")).await.expect(204);
    assert!(answer.body.is_empty());
    for ask in [
        get("/tasks/a"),
        delete("/tasks/a"),
        get("/tasks/a/events"),
        get("/tasks/a/events/history"),
        get("/tasks/a/archive"),
        get("/tasks/a/request"),
        post("/tasks/a/tickets"),
    ] {
        world
            .ask(ask)
            .await
            .refused(404, "task_not_found", "Task not found: a");
    }
    world.pending("a").await;
    assert!(world.history("a", "").await.is_empty());
}

#[tokio::test]
async fn a_ttl_that_passes_ends_the_task() {
    let world = world();
    world
        .ask(post("/tasks").text(r#"{"id":"a","ttl":1}"#))
        .await
        .expect(201);
    let mut stream = world.follow("/tasks/a/events").await;
    stream.until(": open").await;
    world.clock.advance(1_001);
    let frames = stream.rest().await;
    assert_eq!(frames.last().unwrap().data["reason"], "timeout");
}

#[tokio::test]
async fn resolving_answers_what_was_asked() {
    const BLOCKED: Step = (
        "PATCH /tasks/a/status",
        r#"{"status":"blocked","blockedRequest":{"type":"q"}}"#,
        200,
        "",
    );
    for (body, result) in [
        (r#"{"data":{"x":1}}"#, r#"{"result":{"x":1}}"#),
        (r#"{"data":[1,2]}"#, r#"{"result":[1,2]}"#),
        (r#"{"data":7}"#, r#"{"result":{"resolution":7}}"#),
        (r#"{"data":null}"#, r#"{"result":{"resolution":null}}"#),
        ("{}", r#"{"result":{}}"#),
        ("", r#"{"result":{}}"#),
    ] {
        let world = world();
        world.running("a").await;
        let step: Step = (
            "GET /tasks/a/request",
            "",
            200,
            r#"{"type":"q","data":null}"#,
        );
        take(&world, &[BLOCKED, step]).await;
        let answer = world
            .ask(post("/tasks/a/resolve").text(body))
            .await
            .expect(200)
            .json();
        let expected: Value = serde_json::from_str(result).unwrap();
        assert_eq!(answer["result"], expected["result"], "{body}");
    }
    let world = world();
    world.running("a").await;
    take(&world, &[BLOCKED]).await;
    for bad in ["x", "[]", "7"] {
        world
            .ask(post("/tasks/a/resolve").text(bad))
            .await
            .expect(400);
    }
    world
        .ask(post("/tasks/b/resolve").text("{}"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_task_may_be_called_as_a_route_is() {
    let world = world();
    for id in ["import", "events", "health"] {
        world.running(id).await;
        assert_eq!(
            world
                .ask(get(&format!("/tasks/{id}")))
                .await
                .expect(200)
                .json()["id"],
            id
        );
        assert_eq!(world.history(id, "").await.len(), 1);
        world.ask(delete(&format!("/tasks/{id}"))).await.expect(204);
        world.ask(get(&format!("/tasks/{id}"))).await.expect(404);
    }
}
