//! Tasks: their life, their lists, their history, their archives.

use crate::support::steps::{Step, take};
use crate::support::world::delta;
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

async fn listed(world: &World, query: &str) -> Vec<String> {
    let list = world
        .ask(get(&format!("/tasks{query}")))
        .await
        .expect(200)
        .json();
    let tasks = list["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let world = world();
    for (id, kind, tags) in [
        ("1", "llm.chat", json!(["x"])),
        ("2", "llm.image", json!(["x", "y"])),
        ("3", "mail", json!([])),
    ] {
        let body = json!({"id": id, "type": kind, "tags": tags});
        world.ask(post("/tasks").json(&body)).await.expect(201);
        world.clock.advance(1);
    }
    world.to("2", json!({"status": "running"})).await;
    for (query, expected) in [
        ("", &["3", "2", "1"][..]),
        ("?status=", &["3", "2", "1"]),
        ("?status=running", &["2"]),
        ("?status=running,pending,nonsense", &["3", "2", "1"]),
        ("?status=nonsense", &[]),
        ("?type=llm.*", &["2", "1"]),
        ("?type=mail,llm.chat", &["3", "1"]),
        ("?type=llm", &[]),
        ("?tags=x", &["2", "1"]),
        ("?tags=x,y", &["2"]),
        ("?tags=z", &[]),
        ("?type=llm.*&status=pending&tags=x", &["1"]),
        ("?limit=2", &["3", "2"]),
        ("?limit=0", &["3", "2", "1"]),
    ] {
        assert_eq!(listed(&world, query).await, expected, "{query}");
    }
    let list = world.ask(get("/tasks")).await.json();
    assert!(list["tasks"][0]["hot"].is_boolean() && list["tasks"][0]["subscriberCount"].is_u64());
}

#[tokio::test]
async fn pages_show_each_task_once_while_others_are_made() {
    let world = world();
    for n in 0..25 {
        world.pending(&format!("old-{n:02}&#%+ é")).await;
        // Some share their time.
        world.clock.advance(n % 3);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world
            .ask(get(&format!("/tasks?limit=4{cursor}")))
            .await
            .expect(200)
            .json();
        let tasks = page["tasks"].as_array().unwrap();
        seen.extend(
            tasks
                .iter()
                .map(|task| task["id"].as_str().unwrap().to_owned()),
        );
        world.clock.advance(1);
        world.pending(&format!("new-{}", seen.len())).await;
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={}", next);
    }
    let mut old: Vec<_> = seen
        .iter()
        .filter(|id| id.starts_with("old"))
        .cloned()
        .collect();
    assert_eq!(old.len(), 25);
    old.sort_unstable();
    old.dedup();
    assert_eq!(old.len(), 25);
    assert!(seen.iter().all(|id| id.starts_with("old")), "{seen:?}");
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

mod history {
    use super::*;

    #[tokio::test]
    async fn a_history_is_read_from_anywhere() {
        let world = world();
        world.running("a").await;
        for n in 1..=6 {
            world.clock.advance(10);
            let level = if n % 2 == 0 { "warn" } else { "info" };
            world
                .publish(
                    "a",
                    json!({"type": format!("t.{n}"), "level": level, "data": n}),
                )
                .await;
        }
        let all = world.history("a", "").await;
        let id = all[3]["id"].as_str().unwrap();
        for (query, indexes) in [
            (String::new(), &[0, 1, 2, 3, 4, 5, 6][..]),
            ("?limit=2".into(), &[0, 1]),
            ("?limit=x".into(), &[0, 1, 2, 3, 4, 5, 6]),
            ("?since.index=4".into(), &[5, 6]),
            ("?since.index=-1".into(), &[0, 1, 2, 3, 4, 5, 6]),
            ("?since.index=99".into(), &[]),
            (format!("?since.id={id}"), &[4, 5, 6]),
            (format!("?since.id={id}&limit=1"), &[4]),
            (format!("?since.id={id}&since.index=5"), &[6]),
            ("?since.id=unknown".into(), &[0, 1, 2, 3, 4, 5, 6]),
            ("?since.id=".into(), &[0, 1, 2, 3, 4, 5, 6]),
            (format!("?since.timestamp={}", START.0 + 40), &[5, 6]),
            ("?types=t.*".into(), &[1, 2, 3, 4, 5, 6]),
            ("?types=t.1,t.4".into(), &[1, 4]),
            ("?types=".into(), &[]),
            ("?levels=warn".into(), &[2, 4, 6]),
            ("?types=t.*&levels=warn&limit=2".into(), &[2, 4]),
            ("?includeStatus=false&limit=1".into(), &[1]),
        ] {
            let seen = world.history("a", &query).await;
            let seen: Vec<u64> = seen
                .iter()
                .map(|event| event["index"].as_u64().unwrap())
                .collect();
            assert_eq!(seen, indexes, "{query}");
        }
    }

    #[tokio::test]
    async fn a_long_history_comes_in_pieces_and_whole() {
        let world = world();
        world.running("a").await;
        let batch: Vec<Value> = (0..500)
            .map(|n| json!({"type": "x", "data": format!("{n:01000}")}))
            .collect();
        for _ in 0..6 {
            world.publish("a", Value::Array(batch.clone())).await;
        }
        let mut stream = world.follow("/tasks/a/events/history").await;
        let mut pieces = 0;
        while stream.skip_piece().await {
            pieces += 1;
        }
        assert!(pieces > 5, "{pieces}");
        assert_eq!(world.history("a", "").await.len(), 3_001);
    }

    #[tokio::test]
    async fn totals_stand_at_the_newest_delta() {
        let world = world();
        world.running("a").await;
        world
            .publish(
                "a",
                json!([delta("s", "a"), delta("t", "x"), {"type": "y"}, delta("s", "b")]),
            )
            .await;
        let folded = world.history("a", "?seriesFormat=accumulated").await;
        let seen: Vec<_> = folded
            .iter()
            .map(|e| (e["index"].as_u64().unwrap(), e["data"]["delta"].clone()))
            .collect();
        assert_eq!(
            seen,
            [
                (0, Value::Null),
                (2, json!("x")),
                (3, Value::Null),
                (4, json!("ab"))
            ]
        );
        assert_eq!(folded[1]["seriesSnapshot"], true);
    }
}

mod archives {
    use super::*;

    fn import(archive: &Value, overwrite: bool) -> Ask {
        post("/tasks/import").json(&json!({"archive": archive, "overwrite": overwrite}))
    }

    #[tokio::test]
    async fn what_is_exported_is_imported_as_it_was() {
        let world = world();
        world
            .ask(
                post("/tasks")
                    .text(r#"{"id":"a","type":"t","params":{"p":[1.0]},"tags":["x"],"ttl":90}"#),
            )
            .await
            .expect(201);
        world.to("a", json!({"status": "running"})).await;
        world.publish("a", json!([delta("s", "He"), {"type": "x", "data": 1, "level": "warn"}, delta("s", "llo")])).await;
        world
            .to(
                "a",
                json!({"status": "failed", "error": {"message": "m", "code": "c"}}),
            )
            .await;
        let full = world
            .ask(get("/tasks/a/archive?full=true"))
            .await
            .expect(200)
            .json();
        assert_eq!(full["events"].as_array().unwrap().len(), 5);
        assert_eq!(full["exportedAt"], START.0);

        let other = super::world();
        let answer = other.ask(import(&full, false)).await.expect(200).json();
        assert_eq!(
            answer,
            json!({"ok": true, "taskId": "a", "eventCount": 5, "overwritten": false})
        );
        let again = other
            .ask(get("/tasks/a/archive?full=true"))
            .await
            .expect(200)
            .json();
        assert_eq!(again["events"], full["events"]);
        assert_eq!(again["task"], full["task"]);
        let answer = other.ask(import(&full, true)).await.expect(200).json();
        assert_eq!(answer["overwritten"], true);
        // Ids that came along are cursors.
        let id = full["events"][2]["id"].as_str().unwrap();
        let rest = other.history("a", &format!("?since.id={id}")).await;
        assert_eq!(rest.len(), 2);
    }

    #[tokio::test]
    async fn an_overwritten_task_ends_its_streams() {
        let world = world();
        world.running("a").await;
        let archive = world.ask(get("/tasks/a/archive")).await.json();
        let mut stream = world.follow("/tasks/a/events?since.index=0").await;
        world.ask(import(&archive, true)).await.expect(200);
        assert_eq!(stream.next().await.unwrap().data["reason"], "deleted");
    }

    #[tokio::test]
    async fn what_is_no_archive_is_refused_in_the_words_of_always() {
        let archive = json!({"schema": "taskcast.taskArchive", "version": 1, "exportedAt": 1,
            "task": {"id": "t", "status": "running", "createdAt": 1, "updatedAt": 1},
            "events": [{"id": "e", "taskId": "t", "index": 0, "timestamp": 1, "type": "x", "level": "info", "data": 1}]});
        world().ask(import(&archive, false)).await.expect(200);
        for (pointer, value, text) in [
            ("/schema", json!("x"), "Unsupported archive schema: x"),
            ("/version", json!(2), "Unsupported archive version: 2"),
            (
                "/exportedAt",
                json!("1"),
                "Archive exportedAt must be a finite number",
            ),
            ("/task", json!([]), "Archive task must be an object"),
            ("/task/id", json!(""), "Archive task.id must be a string"),
            ("/task/status", json!("x"), "Archive task.status is invalid"),
            (
                "/task/createdAt",
                json!(null),
                "Archive task.createdAt must be a finite number",
            ),
            (
                "/task/updatedAt",
                json!("1"),
                "Archive task.updatedAt must be a finite number",
            ),
            ("/events", json!({}), "Archive events must be an array"),
            ("/events/0", json!(1), "Archive event must be an object"),
            (
                "/events/0/id",
                json!(1),
                "Archive event.id must be a string",
            ),
            (
                "/events/0/taskId",
                json!(1),
                "Archive event.taskId must be a string for event e",
            ),
            (
                "/events/0/taskId",
                json!("u"),
                "Archive event taskId mismatch for event e",
            ),
            (
                "/events/0/index",
                json!(-1),
                "Archive event.index must be a non-negative integer for event e",
            ),
            (
                "/events/0/index",
                json!(1),
                "Archive events must have contiguous indexes from 0; expected 0, got 1",
            ),
            (
                "/events/0/timestamp",
                json!("1"),
                "Archive event.timestamp must be a finite number for event e",
            ),
            (
                "/events/0/type",
                json!(1),
                "Archive event.type must be a string for event e",
            ),
            (
                "/events/0/level",
                json!("loud"),
                "Archive event.level is invalid for event e",
            ),
            ("", json!(7), "Archive must be an object"),
        ] {
            let mut wrong = archive.clone();
            *wrong.pointer_mut(pointer).unwrap() = value;
            world()
                .ask(import(&wrong, false))
                .await
                .refused(400, "invalid_request", text);
        }
        for body in ["{}", "[]", r#"{"archive":{},"overwrite":"yes"}"#] {
            let answer = world().ask(post("/tasks/import").text(body)).await;
            answer.refused(400, "invalid_request", "Invalid archive import request");
        }
        for id in ["a\nb", "a\u{0}", "x~", " x", ""] {
            let mut hostile = archive.clone();
            hostile["events"][0]["id"] = json!(id);
            world().ask(import(&hostile, false)).await.expect(400);
        }
    }
}
