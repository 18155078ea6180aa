//! The vectors of the surface that clients have always relied on: request, then answer.

use crate::stories::STORIES;
use crate::support::steps::take;
use crate::support::stream::told;
use crate::support::*;

#[tokio::test]
async fn requests_are_answered_as_they_always_were() {
    for (name, steps) in STORIES {
        println!("{name}");
        take(&world(), steps).await;
    }
}

#[tokio::test]
async fn t1_a_new_task_has_an_id_a_status_and_two_times() {
    let task = world()
        .ask(post("/tasks").text("{}"))
        .await
        .expect(201)
        .json();
    let keys: Vec<&String> = task.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["createdAt", "id", "status", "updatedAt"]);
    assert_eq!(task["status"], "pending");
    assert_eq!(task["id"].as_str().unwrap().len(), 26);
}

#[tokio::test]
async fn t19_a_first_connect_folds_and_then_follows() {
    let world = world();
    world.running("a").await;
    world.deltas("a", "s", &["He", "llo"]).await;
    let mut stream = world.follow("/tasks/a/events").await;
    let frames = stream.take(2).await;
    assert_eq!(told(&frames), ["taskcast:status", "llm.delta"]);
    let snapshot = &frames[1].data;
    assert_eq!(snapshot["data"]["delta"], "Hello");
    assert_eq!(snapshot["seriesSnapshot"], true);
    assert!(snapshot["filteredIndex"].as_u64() > frames[0].data["filteredIndex"].as_u64());
    world.deltas("a", "s", &["!"]).await;
    let live = stream.next().await.unwrap();
    assert_eq!(live.data["data"]["delta"], "!");
    assert_eq!(live.data.get("seriesSnapshot"), None);
}

#[tokio::test]
async fn t20_from_the_very_beginning_nothing_is_folded() {
    let world = world();
    world.running("a").await;
    world.deltas("a", "s", &["He", "llo"]).await;
    world.complete("a").await;
    let mut stream = world.follow("/tasks/a/events?since.index=-1").await;
    let frames = stream.rest().await;
    let seen: Vec<(u64, Value)> = frames[..3]
        .iter()
        .map(|frame| {
            (
                frame.data["filteredIndex"].as_u64().unwrap(),
                frame.data["data"].clone(),
            )
        })
        .collect();
    let expected = [
        (0, json!({"status": "running"})),
        (1, json!({"delta": "He"})),
        (2, json!({"delta": "llo"})),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn t21_a_stream_of_an_ended_task_ends() {
    let world = world();
    world.running("a").await;
    world.complete("a").await;
    let text = world.follow("/tasks/a/events").await.whole().await;
    let done = "event: taskcast.done\ndata: {\"reason\":\"completed\"}\nid: ";
    let (_, end) = text.split_once(done).expect(&text);
    assert_eq!(end.len(), 26 + 2, "an id and the end of the frame: {end:?}");
}

#[tokio::test]
async fn t22_t23_t24_filters_hide_events_and_never_the_end() {
    for (query, expected) in [
        (
            "?includeStatus=false",
            &["llm", "llm.a", "llm.a.b", "done failed"][..],
        ),
        ("?types=llm.*", &["llm.a", "llm.a.b", "done failed"]),
        ("?types=", &["done failed"]),
        ("?types=,", &["done failed"]),
        ("?levels=error,loud", &["llm.a.b", "done failed"]),
        ("?levels=", &["done failed"]),
        ("?types=llm.*&levels=info", &["llm.a", "done failed"]),
    ] {
        let world = world();
        world.running("a").await;
        let mut stream = world.follow(&format!("/tasks/a/events{query}")).await;
        for (kind, level) in [("llm", "info"), ("llm.a", "info"), ("llm.a.b", "error")] {
            world
                .publish("a", json!({"type": kind, "level": level}))
                .await;
        }
        world.to("a", json!({"status": "failed"})).await;
        assert_eq!(told(&stream.rest().await), expected, "{query}");
    }
}

#[tokio::test]
async fn t25_events_without_the_envelope_are_events() {
    let world = world();
    world.running("a").await;
    let mut stream = world.follow("/tasks/a/events?wrap=false").await;
    let frame = stream.next().await.unwrap();
    let keys: Vec<&String> = frame.data.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "data",
            "id",
            "index",
            "level",
            "taskId",
            "timestamp",
            "type"
        ]
    );
    // What a first connect replays is a folded replay: its ids say so.
    assert_eq!(
        frame.id,
        Some(format!("{}~", frame.data["id"].as_str().unwrap()))
    );
}

#[tokio::test]
async fn t26_a_task_tells_how_many_follow_it() {
    let world = world();
    world.running("a").await;
    let (one, two) = (
        world.follow("/tasks/a/events").await,
        world.follow("/tasks/a/events").await,
    );
    let hot = async || world.ask(get("/tasks/a")).await.json();
    let task = hot().await;
    assert_eq!(
        (&task["hot"], &task["subscriberCount"]),
        (&json!(true), &json!(2))
    );
    drop(one);
    assert_eq!(hot().await["subscriberCount"], 1);
    drop(two);
    let task = hot().await;
    assert_eq!(
        (&task["hot"], &task["subscriberCount"]),
        (&json!(false), &json!(0))
    );
}

#[tokio::test]
async fn t32_t33_t34_an_archive_has_one_event_per_series() {
    let world = world();
    world.pending("a").await;
    world.deltas("a", "s", &["He", "llo"]).await;
    world.publish("a", json!({"type": "x"})).await;
    let archive = world.ask(get("/tasks/a/archive")).await.expect(200).json();
    let events = archive["events"].as_array().unwrap();
    let seen: Vec<(&Value, &Value)> = events.iter().map(|e| (&e["index"], &e["type"])).collect();
    assert_eq!(
        seen,
        [(&json!(0), &json!("llm.delta")), (&json!(1), &json!("x"))]
    );
    assert_eq!(events[0]["data"]["delta"], "Hello");

    let import = |archive: &Value| post("/tasks/import").json(&json!({"archive": archive}));
    let answer = world.ask(import(&archive)).await;
    answer.refused(409, "task_exists", "Task already exists: a");
    let mut shifted = archive.clone();
    shifted["events"].as_array_mut().unwrap().remove(0);
    world.ask(import(&shifted)).await.refused(
        400,
        "invalid_request",
        "Archive events must have contiguous indexes from 0; expected 0, got 1",
    );
}
