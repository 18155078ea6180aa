//! Streaming publish: lines become events as they arrive.

use crate::support::auth::{jwt, token_until};
use crate::support::world::delta;
use crate::support::*;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

/// A body whose pieces are sent by hand; an error breaks it off.
fn by_hand() -> (Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = channel(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    (sender, Body::from_stream(pieces))
}

/// A publish under way.
struct Publisher {
    sender: Sender<io::Result<Bytes>>,
    answer: JoinSet<Answer>,
}

impl Publisher {
    fn begin(world: &World, ask: Ask) -> Self {
        let (sender, body) = by_hand();
        let (world, mut answer) = (world.clone(), JoinSet::new());
        answer.spawn(async move { world.ask(ask.lines(body)).await });
        Self { sender, answer }
    }

    async fn send(&self, text: impl AsRef<str>) {
        let bytes = Bytes::copy_from_slice(text.as_ref().as_bytes());
        self.sender.send(Ok(bytes)).await.expect("somebody reads");
    }

    async fn end(self) -> Answer {
        drop(self.sender);
        answer_of(self.answer).await
    }

    async fn cut(self) -> Answer {
        let _ = self.sender.send(Err(io::Error::other("cut"))).await;
        answer_of(self.answer).await
    }
}

async fn answer_of(mut answer: JoinSet<Answer>) -> Answer {
    answer
        .join_next()
        .await
        .expect("an answer")
        .expect("no panic")
}

fn line(n: u64) -> String {
    format!("{{\"type\":\"x\",\"data\":{n}}}\n")
}

fn numbered(n: u64) -> String {
    format!("{{\"type\":\"x\",\"data\":{n},\"producerSeq\":{n}}}\n")
}

fn events() -> Ask {
    post("/tasks/a/events")
}

fn as_producer(epoch: u64) -> Ask {
    events()
        .header("producer-id", "p")
        .header("producer-epoch", epoch.to_string())
}

async fn stored(world: &World) -> Vec<u64> {
    let events = world.history("a", "?types=x").await;
    events
        .iter()
        .map(|event| event["data"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_line_is_seen_before_the_next_is_sent() {
    let world = world();
    world.running("a").await;
    let mut reader = world.follow("/tasks/a/events?types=x").await;
    let publisher = Publisher::begin(&world, events());
    for n in 0..20 {
        let text = line(n);
        let (front, back) = text.split_at(7);
        publisher.send(front).await;
        publisher.send(back).await;
        assert_eq!(reader.next().await.unwrap().data["data"], n);
    }
    let answer = publisher.end().await.expect(201).json();
    assert_eq!(
        answer,
        json!({"published": 20, "skipped": 0, "lastIndex": 20})
    );
}

#[tokio::test]
async fn no_line_is_stored_once_the_token_has_expired() {
    let world = given().authenticator(jwt()).world();
    let root = token(&claims(&["*"], None));
    let create = post("/tasks").bearer(&root).text(r#"{"id":"a"}"#);
    world.ask(create).await.expect(201);
    let follow = get("/tasks/a/events").bearer(&root);
    let mut reader = world.stream(follow).await;
    let short = token_until(&claims(&["event:publish"], None), START, 1);
    let publisher = Publisher::begin(&world, events().bearer(&short));
    publisher.send(line(0)).await;
    assert_eq!(reader.next().await.unwrap().data["data"], 0);
    world.clock.advance(1_000);
    publisher.send(line(1)).await;
    let refused = publisher.end().await;
    let refused = refused.refused(401, "unauthorized", "Invalid or expired token");
    assert_eq!(
        refused.json()["details"],
        json!({"line": 2, "published": 1, "skipped": 0})
    );
    let history = get("/tasks/a/events/history").bearer(&root);
    let stored = world.ask(history).await.json();
    assert_eq!(stored.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lines_arrive_also_over_a_real_connection() {
    let world = world();
    world.running("a").await;
    let mut server = Server::of(&world).await;
    let mut reader = server.stream(get("/tasks/a/events?types=x")).await;
    let (sender, body) = by_hand();
    let lines = async {
        for n in 0..5 {
            sender.send(Ok(line(n).into())).await.unwrap();
            assert_eq!(reader.next().await.unwrap().data["data"], n);
        }
        drop(sender);
    };
    let (answer, ()) = tokio::join!(server.ask(events().lines(body)), lines);
    assert_eq!(answer.expect(201).json()["published"], 5);
}

#[tokio::test]
async fn a_bad_line_is_named_and_what_came_before_stays() {
    for (bad, code) in [
        ("{\"type\":7}\n", "invalid_request"),
        ("{\n", "malformed_json"),
        ("\u{feff}\n", "malformed_json"),
        ("[]\n", "invalid_request"),
        ("{\"type\":\"taskcast:done\"}\n", "invalid_request"),
    ] {
        let world = world();
        world.running("a").await;
        let body = [line(1), "\n".to_owned(), line(2), bad.to_owned(), line(3)].concat();
        let answer = world.ask(events().lines(body)).await.expect(400);
        assert_eq!(answer.code(), code);
        let details = &answer.json()["details"];
        assert_eq!(
            (&details["line"], &details["published"]),
            (&json!(4), &json!(2)),
            "{details}"
        );
        assert_eq!(stored(&world).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_line_that_does_not_fit_its_series_is_named_and_what_came_before_stays() {
    let world = given().world();
    world.running("a").await;
    let token =
        |mode: &str| format!("{{\"type\":\"x\",\"seriesId\":\"s\",\"seriesMode\":\"{mode}\"}}\n");
    let body = [token("latest"), line(1), token("accumulate"), line(2)].concat();
    let answer = world.ask(events().lines(body)).await.expect(409).json();
    assert_eq!(answer["code"], "series_conflict");
    let details = &answer["details"];
    assert_eq!(
        (&details["line"], &details["published"]),
        (&json!(3), &json!(2))
    );
}

#[tokio::test]
async fn line_ends_are_forgiven() {
    let world = world();
    world.running("a").await;
    let body = format!("\r\n{}\r\n   \n{}", line(1).trim(), line(2).trim());
    let answer = world.ask(events().lines(body)).await.expect(201).json();
    assert_eq!(answer["published"], 2);
    assert_eq!(stored(&world).await, [1, 2]);
    for nothing in ["", "\n", "\r\n\r\n"] {
        let answer = world.ask(events().lines(nothing)).await.expect(201).json();
        assert_eq!(answer, json!({"published": 0, "skipped": 0}));
    }
}

#[tokio::test]
async fn a_line_past_the_limit_is_refused_before_it_ends() {
    let world = given().settings(|s| s.line_bytes = 100).world();
    world.running("a").await;
    let padded = |bytes: usize| format!("{}{}", line(1).trim(), " ".repeat(bytes - 21));
    let body = format!("{}\n{}\r\n{}", padded(100), padded(100), padded(100));
    world.ask(events().lines(body)).await.expect(201);
    for huge in [padded(101), padded(101) + "\n", "x".repeat(10_000)] {
        let answer = world.ask(events().lines(line(2) + &huge)).await;
        let answer = answer.refused(413, "line_too_large", "a line has at most 100 bytes");
        assert_eq!(answer.json()["details"]["line"], 2);
    }
    // It is refused although it goes on and on.
    let publisher = Publisher::begin(&world, events());
    publisher.send("x".repeat(101)).await;
    answer_of(publisher.answer).await.expect(413);
    assert_eq!(stored(&world).await, [1, 1, 1, 2, 2, 2]);
}

#[tokio::test]
async fn many_lines_at_once_are_many_batches() {
    let world = given().limits(|l| l.events_per_batch = 7).world();
    world.running("a").await;
    let body: String = (0..100).map(line).collect();
    let answer = world.ask(events().lines(body)).await.expect(201).json();
    assert_eq!(
        answer,
        json!({"published": 100, "skipped": 0, "lastIndex": 100})
    );
    assert_eq!(stored(&world).await, (0..100).collect::<Vec<u64>>());
}

#[tokio::test]
async fn after_a_cut_a_producer_goes_on_exactly() {
    let world = world();
    world.running("a").await;
    let publisher = Publisher::begin(&world, as_producer(3));
    publisher
        .send(numbered(0) + &numbered(1) + "{\"type\":\"x\",\"da")
        .await;
    let cut = publisher.cut().await.expect(408);
    assert_eq!(cut.code(), "body_timeout");
    let position = world
        .ask(get("/tasks/a/producers/p"))
        .await
        .expect(200)
        .json();
    assert_eq!(position, json!({"epoch": 3, "seq": 1}));

    // It does not know what arrived, so it sends everything again.
    let body: String = (0..4).map(numbered).collect();
    let answer = world
        .ask(as_producer(3).lines(body))
        .await
        .expect(201)
        .json();
    assert_eq!(
        answer,
        json!({"published": 2, "skipped": 2, "lastIndex": 4})
    );
    assert_eq!(stored(&world).await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_number_that_is_left_out_or_missing_ends_the_request() {
    let world = world();
    world.running("a").await;
    let answer = world
        .ask(as_producer(0).lines(numbered(0) + &numbered(2)))
        .await
        .expect(409);
    assert_eq!(answer.code(), "producer_gap");
    assert_eq!(
        answer.json()["details"],
        json!({"expected": 1, "received": 2, "line": 2, "published": 1, "skipped": 0})
    );
    assert_eq!(answer.header("producer-expected-seq"), Some("1"));
    let answer = world.ask(as_producer(0).lines(line(9))).await.expect(400);
    assert!(answer.error().contains("producerSeq"), "{}", answer.text());
    // A new epoch begins at 0, and an old one is out.
    world
        .ask(as_producer(1).lines(numbered(1)))
        .await
        .expect(400);
    world
        .ask(as_producer(1).lines(numbered(0)))
        .await
        .expect(201);
    let fenced = world
        .ask(as_producer(0).lines(numbered(1)))
        .await
        .expect(403);
    assert_eq!(
        (fenced.code(), fenced.header("producer-epoch")),
        ("producer_fenced".into(), Some("1"))
    );
    assert_eq!(stored(&world).await, [0, 0]);
}

#[tokio::test]
async fn what_numbers_a_whole_request_does_not_go_with_lines() {
    let world = world();
    world.running("a").await;
    for ask in [
        events().header("idempotency-key", "k"),
        as_producer(0).header("producer-seq", "0"),
    ] {
        let answer = world.ask(ask.lines(line(0))).await.expect(400);
        assert!(
            answer.error().contains("does not go with lines"),
            "{}",
            answer.text()
        );
    }
    assert!(stored(&world).await.is_empty());
}

#[tokio::test]
async fn a_line_may_arrive_byte_by_byte() {
    let world = given().settings(|s| s.line_bytes = 40).world();
    world.running("a").await;
    let text = line(1).trim().to_owned();
    let text = format!("{text}{}\r\n{text}\n", " ".repeat(40 - text.len()));
    let publisher = Publisher::begin(&world, events());
    for at in 0..text.len() {
        publisher.send(&text[at..=at]).await;
    }
    publisher.end().await.expect(201);
    assert_eq!(stored(&world).await, [1, 1]);
}

#[tokio::test]
async fn lines_to_a_task_that_ends_meanwhile_are_refused() {
    let world = world();
    world.running("a").await;
    let mut reader = world.follow("/tasks/a/events?types=x").await;
    let publisher = Publisher::begin(&world, events());
    publisher.send(line(0)).await;
    reader.next().await.unwrap();
    world.complete("a").await;
    publisher.send(line(1)).await;
    let answer = answer_of(publisher.answer).await.expect(400);
    assert_eq!(answer.code(), "task_sealed");
    assert_eq!(answer.json()["details"]["published"], 1);
    world
        .ask(post("/tasks/unknown/events").lines(line(0)))
        .await
        .expect(404);
}

#[tokio::test]
async fn deltas_published_by_lines_fold() {
    let world = world();
    world.running("a").await;
    let body: String = ["He", "l", "lo"]
        .iter()
        .map(|text| format!("{}\n", delta("s", text)))
        .collect();
    world.ask(events().lines(body)).await.expect(201);
    let folded = world
        .history("a", "?seriesFormat=accumulated&types=llm.*")
        .await;
    assert_eq!(folded[0]["data"]["delta"], "Hello");
}
