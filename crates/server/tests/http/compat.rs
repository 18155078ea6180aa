//! Clients that were written for the surface before us: what they send, and what their readers
//! make of our streams.

mod readers;
mod requests;

use crate::support::world::delta;
use crate::support::*;
use readers::{Seen, cli_reader, event_source_reader, sdk_reader};

/// A task with one of everything, from creation to its end.
async fn eventful() -> World {
    let world = world();
    world.running("a").await;
    world.deltas("a", "s", &["He", "llo"]).await;
    world
        .publish(
            "a",
            json!({"type": "x", "level": "warn", "data": {"text": "line\nline", "n": 1.5}}),
        )
        .await;
    world.publish("a", json!({"type": "p", "level": "info", "data": 1, "seriesId": "p", "seriesMode": "latest"})).await;
    world
        .to(
            "a",
            json!({"status": "blocked", "blockedRequest": {"type": "q", "data": 1}}),
        )
        .await;
    world
        .ask(post("/tasks/a/resolve").text(r#"{"data":{"ok":true}}"#))
        .await
        .expect(200);
    world.complete("a").await;
    world
}

const KINDS: [&str; 8] = [
    "taskcast:status",
    "llm.delta",
    "x",
    "p",
    "taskcast:status",
    "taskcast:blocked",
    "taskcast:status",
    "taskcast:resolved",
];

#[tokio::test]
async fn every_reader_sees_every_event_and_the_end_and_nothing_else() {
    let world = eventful().await;
    for (query, reader, id) in [
        ("", event_source_reader as fn(&str) -> Seen, "eventId"),
        ("?wrap=false", sdk_reader, "id"),
        ("", cli_reader, "eventId"),
    ] {
        let text = world
            .follow(&format!("/tasks/a/events{query}"))
            .await
            .whole()
            .await;
        let seen = reader(&text);
        let kinds: Vec<&str> = seen
            .events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds[..8], KINDS, "{query}");
        assert_eq!(kinds[8..], ["taskcast:status"]);
        assert_eq!(seen.done.as_deref(), Some("completed"));
        assert!(
            seen.events
                .iter()
                .all(|event| event[id].as_str().unwrap().len() == 26)
        );
        assert!(seen.ignored.is_empty(), "{:?}", seen.ignored);
    }
}

#[tokio::test]
async fn what_is_no_event_is_no_event_to_any_reader() {
    let beat = std::time::Duration::from_millis(20);
    let world = given().settings(|s| s.heartbeat = beat).world();
    world.running("a").await;
    let mut stream = world.follow("/tasks/a/events?types=rare").await;
    stream.until(": hb\n\n").await;
    // A cursor that moves in silence is no event either.
    world.publish("a", json!({"type": "often"})).await;
    stream.until("\nid: ").await;
    world.engine.shutdown().await;
    let text = stream.whole().await;
    assert!(text.contains("retry: ") && text.contains(": hb"), "{text}");
    for reader in [event_source_reader, sdk_reader, cli_reader] {
        assert_eq!(reader(&text), Seen::default(), "{text}");
    }
}

#[tokio::test]
async fn frames_have_the_very_bytes_they_always_had() {
    let world = world();
    world.pending("a").await;
    world.publish("a", delta("s", "He")).await;
    let event = world
        .publish("a", json!({"type": "x", "level": "info", "data": {"k": 1}}))
        .await;
    let id = event["id"].as_str().unwrap();
    let mut stream = world.follow("/tasks/a/events?since.index=0").await;
    let at = START.0;
    let frame = format!(
        "event: taskcast.event\ndata: {{\"filteredIndex\":1,\"rawIndex\":1,\"eventId\":\"{id}\",\"taskId\":\"a\",\
         \"type\":\"x\",\"timestamp\":{at},\"level\":\"info\",\"data\":{{\"k\":1}}}}\nid: {id}\n\n"
    );
    stream.until(&frame).await;
    let mut bare = world
        .follow("/tasks/a/events?since.index=0&wrap=false")
        .await;
    let frame = format!(
        "event: taskcast.event\ndata: {{\"id\":\"{id}\",\"taskId\":\"a\",\"index\":1,\"timestamp\":{at},\
         \"type\":\"x\",\"level\":\"info\",\"data\":{{\"k\":1}}}}\nid: {id}\n\n"
    );
    bare.until(&frame).await;
}
