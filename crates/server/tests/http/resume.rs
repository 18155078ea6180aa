//! Coming back to a stream: from where, and from nowhere.

use crate::support::stream::told;
use crate::support::world::delta;
use crate::support::*;
use taskcast_core::{EventId, Index};

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
async fn a_cursor_that_points_nowhere_is_told_as_a_gap() {
    let world = world();
    world.running("a").await;
    world.complete("a").await;
    let known = world.history("a", "").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let other_epoch = format!("{}ZZZZ{}", &known[..12], &known[16..]);
    let future = EventId {
        index: Index(7),
        ..EventId::decode(&known).unwrap()
    };
    let future = future.to_string();
    for (cursor, reason) in [
        ("nonsense", "unknown"),
        (&*future, "lost"),
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
