//! Tasks as documents, out and in.

use crate::support::world::delta;
use crate::support::*;

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
    world
        .publish(
            "a",
            json!([delta("s", "He"), {"type": "x", "data": 1, "level": "warn"}, delta("s", "llo")]),
        )
        .await;
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

    let other = given().world();
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

/// A part of an archive, what stands there in its place, and what is said about it.
fn refusals() -> Vec<(&'static str, Value, &'static str)> {
    vec![
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
    ]
}

#[tokio::test]
async fn what_is_no_archive_is_refused_in_the_words_of_always() {
    let archive = json!({"schema": "taskcast.taskArchive", "version": 1, "exportedAt": 1,
        "task": {"id": "t", "status": "running", "createdAt": 1, "updatedAt": 1},
        "events": [{"id": "e", "taskId": "t", "index": 0, "timestamp": 1, "type": "x", "level": "info", "data": 1}]});
    world().ask(import(&archive, false)).await.expect(200);
    for (pointer, value, text) in refusals() {
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
