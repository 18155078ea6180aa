//! Event streams: how they begin, beat, resume and end.

use crate::support::stream::told;
use crate::support::*;
use std::time::Duration;

pub(crate) fn quick_heartbeat() -> World {
    let beat = Duration::from_millis(30);
    given().settings(|s| s.heartbeat = beat).world()
}

#[tokio::test]
async fn a_stream_begins_at_once_with_headers_that_keep_it_flowing() {
    let world = world();
    world.pending("a").await;
    let mut stream = world.follow("/tasks/a/events").await;
    assert_eq!(stream.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(stream.headers[name], value);
    }
    assert!(stream.piece().await);
    let text = stream.text();
    let retry = text.strip_prefix("retry: ").expect(&text);
    let (millis, rest) = retry.split_once('\n').expect(&text);
    assert!(
        (2_000..3_000).contains(&millis.parse::<u64>().unwrap()),
        "{text}"
    );
    assert_eq!(rest, ": open\n\n");
}

#[tokio::test]
async fn in_silence_a_stream_beats_with_comments() {
    let world = quick_heartbeat();
    world.pending("a").await;
    let mut stream = world.follow("/tasks/a/events").await;
    stream.until(": hb\n\n: hb\n\n").await;
    assert!(!stream.text().contains("data:"));
}

#[tokio::test]
async fn the_heartbeat_of_a_narrow_filter_moves_the_cursor() {
    let world = quick_heartbeat();
    world.running("a").await;
    let mut stream = world.follow("/tasks/a/events?types=rare").await;
    stream.until(": open").await;
    let published = world.publish("a", json!({"type": "often"})).await;
    let block = format!("\nid: {}\n\n", published["id"].as_str().unwrap());
    stream.until(&block).await;
    assert!(!stream.text().contains("data:"));
    // Whoever comes back from there is at the tail.
    let cursor = stream.cursor.clone().unwrap();
    world.publish("a", json!({"type": "rare"})).await;
    let ask = get("/tasks/a/events?types=rare").header("last-event-id", cursor);
    let frame = world.stream(ask).await.next().await.unwrap();
    assert_eq!(
        (frame.kind(), &frame.data["filteredIndex"]),
        ("rare", &json!(0))
    );
}

#[tokio::test]
async fn control_frames_come_to_those_who_ask() {
    let world = world();
    world.running("a").await;
    world.deltas("a", "s", &["x"]).await;
    let mut stream = world.follow("/tasks/a/events?control=true").await;
    let frames = stream.take(4).await;
    assert_eq!(
        told(&frames),
        ["ready", "taskcast:status", "llm.delta", "caughtup"]
    );
    let ready = &frames[0].data;
    assert_eq!(
        (&ready["from"], &ready["tail"], &ready["mode"]),
        (&json!(0), &json!(2), &json!("folded"))
    );
    assert!(ready["epoch"].is_u64());
    assert_eq!(frames[3].data, json!({"index": 2}));
    world.complete("a").await;
    let mut quiet = world.follow("/tasks/a/events").await;
    assert!(
        told(&quiet.rest().await)
            .iter()
            .all(|word| word != "ready" && word != "caughtup")
    );
}

#[tokio::test]
async fn accumulated_streams_show_running_totals() {
    let world = world();
    world.running("a").await;
    world.deltas("a", "s", &["He"]).await;
    let mut stream = world
        .follow("/tasks/a/events?seriesFormat=accumulated&types=llm.*")
        .await;
    stream.take(1).await;
    world.deltas("a", "s", &["l", "lo"]).await;
    let totals: Vec<Value> = stream
        .take(2)
        .await
        .iter()
        .map(|f| f.data["data"]["delta"].clone())
        .collect();
    assert_eq!(totals, ["Hel", "Hello"]);
    let mut replay = world
        .follow("/tasks/a/events?seriesFormat=accumulated&since.index=0")
        .await;
    let totals: Vec<Value> = replay
        .take(3)
        .await
        .iter()
        .map(|f| f.data["data"]["delta"].clone())
        .collect();
    assert_eq!(totals, ["He", "Hel", "Hello"]);
}

#[tokio::test]
async fn a_deleted_task_ends_its_streams() {
    let world = world();
    world.running("a").await;
    let mut stream = world.follow("/tasks/a/events").await;
    stream.take(1).await;
    world.ask(delete("/tasks/a")).await.expect(204);
    let frames = stream.rest().await;
    assert_eq!(told(&frames), ["done deleted"]);
    assert_eq!(frames[0].id, None);
}

#[tokio::test]
async fn too_many_subscribers_are_told_when_to_come_back() {
    let world = given()
        .limits(|l| (l.subscribers_per_task, l.subscribers) = (2, 3))
        .world();
    world.pending("a").await;
    world.pending("b").await;
    let _first = world.follow("/tasks/a/events").await;
    let second = world.follow("/tasks/a/events").await;
    let refused = world.ask(get("/tasks/a/events")).await.expect(429);
    assert_eq!(
        (refused.code(), refused.header("retry-after")),
        ("too_many_subscribers".into(), Some("5"))
    );
    let _third = world.follow("/tasks/b/events").await;
    world.ask(get("/tasks/b/events")).await.expect(429);
    drop(second);
    assert_eq!(world.follow("/tasks/b/events").await.status, 200);
}

#[tokio::test]
async fn head_tells_the_headers_and_holds_no_place() {
    let world = world();
    world.pending("a").await;
    let mut server = Server::of(&world).await;
    let head = Ask::new(http::Method::HEAD, "/tasks/a/events");
    let answer = server.ask(head).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert!(answer.body.is_empty());
    world
        .until("nobody follows", || world.engine.subscribers() == 0)
        .await;
}

#[tokio::test]
async fn a_real_reader_sees_every_event_as_it_happens() {
    let world = world();
    world.running("a").await;
    let mut server = Server::of(&world).await;
    let mut stream = server.stream(get("/tasks/a/events?since.index=0")).await;
    for n in 0..50 {
        world.publish("a", json!({"type": "x", "data": n})).await;
        let frame = stream.next().await.unwrap();
        assert_eq!(
            (&frame.data["data"], &frame.data["rawIndex"]),
            (&json!(n), &json!(n + 1))
        );
        assert_eq!(frame.id.as_deref(), frame.data["eventId"].as_str());
    }
    world.complete("a").await;
    assert_eq!(
        told(&stream.rest().await),
        ["taskcast:status", "done completed"]
    );
}

#[tokio::test]
async fn hostile_payloads_stay_inside_their_frames() {
    let world = world();
    let id = "a b/é\u{2028}\"\\%";
    world
        .ask(post("/tasks").json(&json!({"id": id})))
        .await
        .expect(201);
    let escaped: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let data = json!({"a": "\r\n\nevent: taskcast.done\ndata: {}\n\n\u{0}\u{85}\u{2028}id: 7"});
    let body = json!({"type": "data: x\u{2029}", "data": data});
    let ask = post(&format!("/tasks/{escaped}/events")).json(&body);
    world.ask(ask).await.expect(201);
    let ask = post(&format!("/tasks/{escaped}/events"))
        .text("{\"type\":\"x\",\"data\":{\r\n\"k\" :\r1}}");
    world.ask(ask).await.expect(201);
    let mut stream = world.follow(&format!("/tasks/{escaped}/events")).await;
    let frames = stream.take(2).await;
    assert_eq!(frames[0].data["data"], data);
    assert_eq!(frames[0].data["taskId"], id);
    assert_eq!(frames[0].kind(), "data: x\u{2029}");
    assert_eq!(frames[1].data["data"], json!({"k": 1}));
    assert!(!stream.text().contains('\r'));
}
