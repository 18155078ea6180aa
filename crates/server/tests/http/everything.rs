//! The stream of all tasks.

use crate::sse::quick_heartbeat;
use crate::support::*;

#[tokio::test]
async fn the_stream_of_all_tasks_covers_old_and_new_ones_and_resumes() {
    let world = world();
    world.running("old").await;
    let mut stream = world.follow("/events?types=x").await;
    stream.until(": open").await;
    world.running("new").await;
    world.publish("new", json!({"type": "x", "data": 1})).await;
    world.publish("old", json!({"type": "x", "data": 2})).await;
    let frames = stream.take(2).await;
    let seen: Vec<_> = frames
        .iter()
        .map(|f| f.data["taskId"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["new", "old"]);
    assert!(frames.iter().all(|f| f.data["filteredIndex"] == 0));
    let cursor = frames[0].id.clone().unwrap();
    drop(stream);
    world.publish("new", json!({"type": "x", "data": 3})).await;
    let ask = get("/events?types=x&levels=").header("last-event-id", cursor);
    let mut again = world.stream(ask).await;
    let seen: Vec<Value> = again
        .take(2)
        .await
        .iter()
        .map(|f| f.data["data"].clone())
        .collect();
    assert_eq!(seen, [2, 3]);
}

#[tokio::test]
async fn it_beats_too() {
    let world = quick_heartbeat();
    let mut stream = world.follow("/events").await;
    stream.until(": hb\n\n").await;
}

#[tokio::test]
async fn a_cursor_it_does_not_know_is_a_gap_or_a_refusal_never_silence() {
    let world = world();
    let ask = get("/events").header("last-event-id", "nonsense");
    let mut stream = world.stream(ask).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.next().await.unwrap().event, "taskcast.gap");
}
