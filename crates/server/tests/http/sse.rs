//! Event streams: how they begin, beat, resume and end.

use crate::support::stream::told;
use crate::support::world::delta;
use crate::support::*;
use std::time::Duration;

fn quick_heartbeat() -> World {
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
async fn a_reader_that_saw_the_end_is_told_to_stay_away() {
    let world = world();
    world.running("a").await;
    world.complete("a").await;
    let mut stream = world.follow("/tasks/a/events").await;
    let frames = stream.rest().await;
    let end = frames[2].id.clone().unwrap();

    let again = world
        .ask(get("/tasks/a/events").header("last-event-id", &end))
        .await
        .expect(204);
    assert!(again.body.is_empty());
    let by_query = world
        .ask(get(&format!("/tasks/a/events?lastEventId={end}")))
        .await;
    by_query.expect(204);
    // At the last event the end itself was not seen.
    let last = frames[1].data["eventId"].as_str().unwrap();
    let ask = get("/tasks/a/events").header("last-event-id", last);
    assert_eq!(
        told(&world.stream(ask).await.rest().await),
        ["done completed"]
    );
    // Who says `since` asks for an answer, the end included.
    let mut since = world
        .follow(&format!("/tasks/a/events?since.id={end}"))
        .await;
    assert_eq!(told(&since.rest().await), ["done completed"]);
}

#[tokio::test]
async fn cursors_in_the_query_come_before_the_header_and_the_header_before_its_twin() {
    let world = world();
    world.running("a").await;
    let ids: Vec<String> = [1, 2, 3]
        .map(|n| json!({"type": "x", "data": n}))
        .into_iter()
        .map(|event| event.to_string())
        .collect();
    let mut events = Vec::new();
    for body in ids {
        let answer = world
            .ask(post("/tasks/a/events").text(&body))
            .await
            .expect(201);
        events.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    world.complete("a").await;
    for (path, header, first) in [
        (
            format!("?since.id={}", events[1]),
            Some(&events[0]),
            json!(3),
        ),
        ("?since.index=1".to_owned(), Some(&events[2]), json!(2)),
        (
            format!("?lastEventId={}", events[1]),
            Some(&events[0]),
            json!(2),
        ),
        (format!("?lastEventId={}", events[1]), None, json!(3)),
        (
            format!("?since.id={}&since.index=2", events[0]),
            None,
            json!(3),
        ),
        (
            "?since.timestamp=1".to_owned(),
            Some(&events[2]),
            json!({"status": "running"}),
        ),
        // Empty cursors are none.
        (
            "?since.id=&lastEventId=".to_owned(),
            None,
            json!({"status": "running"}),
        ),
    ] {
        let mut ask = get(&format!("/tasks/a/events{path}"));
        if let Some(id) = header {
            ask = ask.header("last-event-id", id);
        }
        let frame = world.stream(ask).await.next().await.unwrap();
        assert_eq!(frame.data["data"], first, "{path} {header:?}");
    }
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
async fn a_cursor_that_points_nowhere_is_told_as_a_gap() {
    let world = world();
    world.running("a").await;
    world.complete("a").await;
    let known = world.history("a", "").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let other_epoch = format!("{}ZZZZ{}", &known[..12], &known[16..]);
    for (cursor, reason) in [
        ("nonsense", "unknown"),
        ("01HF7YAT00000000000000000Z", "epoch"),
        (&*other_epoch, "epoch"),
    ] {
        let ask = get("/tasks/a/events").header("last-event-id", cursor);
        let frames = world.stream(ask).await.rest().await;
        let told = told(&frames);
        assert_eq!(told[0], format!("gap {reason}"), "{cursor}");
        assert_eq!(
            told[1..],
            ["taskcast:status", "taskcast:status", "done completed"]
        );
        assert_eq!(frames[0].data["requested"], cursor);
        assert_eq!(frames[0].data["earliest"], 0);
        assert_eq!(frames[0].id, None);
    }
}

#[tokio::test]
async fn a_limit_replays_the_newest_and_skips_nothing_after() {
    let world = world();
    world.running("a").await;
    for n in 1..=4 {
        world.publish("a", json!({"type": "x", "data": n})).await;
    }
    let mut stream = world.follow("/tasks/a/events?limit=2").await;
    assert_eq!(
        stream
            .take(2)
            .await
            .iter()
            .map(|f| f.data["data"].clone())
            .collect::<Vec<_>>(),
        [3, 4]
    );
    world.publish("a", json!({"type": "x", "data": 5})).await;
    assert_eq!(stream.next().await.unwrap().data["data"], 5);
    for nothing in ["0", "-1", "x", ""] {
        let mut all = world
            .follow(&format!("/tasks/a/events?limit={nothing}&types=x"))
            .await;
        assert_eq!(all.next().await.unwrap().data["data"], 1, "limit={nothing}");
    }
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
async fn a_stream_cut_after_every_frame_tells_what_an_uncut_one_does() {
    let world = world();
    world.running("a").await;
    for n in 0..3 {
        world.deltas("a", "s", &["He", "llo"]).await;
        world.publish("a", json!({"type": "x", "data": n})).await;
        world
            .publish(
                "a",
                json!({"type": "p", "data": n, "seriesId": "p", "seriesMode": "latest"}),
            )
            .await;
        world.publish("a", delta("t", "one")).await;
    }
    world.complete("a").await;
    let mut server = Server::of(&world).await;
    for query in [
        "",
        "?types=llm.*,x",
        "?wrap=false",
        "?seriesFormat=accumulated",
        "?since.index=-1",
    ] {
        let path = format!("/tasks/a/events{query}");
        let uncut = server.stream(get(&path)).await.rest().await;
        let (mut cut, mut cursor) = (Vec::new(), None::<String>);
        while cut.len() < uncut.len() {
            let mut ask = get(&path.replace(
                "?since.index=-1",
                if cursor.is_some() {
                    ""
                } else {
                    "?since.index=-1"
                },
            ));
            if let Some(cursor) = &cursor {
                ask = ask.header("last-event-id", cursor);
            }
            let mut stream = server.stream(ask).await;
            let frame = stream.next().await.expect("there is more");
            cursor = frame.id.clone().or(cursor);
            cut.push(frame);
        }
        assert_eq!(told(&cut), told(&uncut), "{query}");
        assert_eq!(cut, uncut, "{query}");
    }
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

mod everything {
    use super::*;

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
}
