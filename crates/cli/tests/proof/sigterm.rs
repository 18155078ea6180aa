//! A stop under load: thousands of open streams and publishers in flight.

use crate::chance::Chance;
use crate::http::{Answer, Caller};
use crate::machine::allow_connections;
use crate::sse::Stream;
use crate::support::Server;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant};

/// What is promised: a stop takes no longer, whatever is open.
const BOUND: Duration = Duration::from_secs(5);
const STREAMS: usize = 2_000;
const PUBLISHERS: usize = 8;
const TASK: &str = "stopped";

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_is_quick_tells_every_stream_and_loses_nothing() {
    let mut chance = Chance::seeded();
    let streams = allow_connections(STREAMS);
    let mut server = block_in_place(|| Server::start(&["-s", "sqlite"]));
    Caller::new(server.port()).running_task(TASK).await;
    let mut readers = JoinSet::new();
    for stream in open(&server, streams).await {
        readers.spawn(read_to_the_end(stream));
    }
    let mut publishers = JoinSet::new();
    for name in 0..PUBLISHERS {
        publishers.spawn(publish(Caller::new(server.port()), name));
    }
    tokio::time::sleep(Duration::from_millis(chance.between(200, 600))).await;
    let told = Instant::now();
    server.terminate();
    let status = block_in_place(|| server.wait());
    let took = told.elapsed();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(took < BOUND, "the stop took {took:?}");
    for retry in readers.join_all().await {
        assert!(retry, "a stream ended without the time to come back");
    }
    let acknowledged = publishers.join_all().await.concat();
    block_in_place(|| server.restart());
    let history = Caller::new(server.port()).history(TASK).await;
    assert!(!acknowledged.is_empty());
    for (name, number, index) in &acknowledged {
        let stored = &history[*index];
        assert_eq!(stored["data"], json!([name, number]), "at {index}");
    }
    println!(
        "{streams} streams: stopped in {took:?}; {} acknowledged of {} stored",
        acknowledged.len(),
        history.len()
    );
}

/// Opens streams, some at a time.
async fn open(server: &Server, count: usize) -> Vec<Stream> {
    let (port, path) = (
        server.port().parse().unwrap(),
        format!("/tasks/{TASK}/events"),
    );
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let some = 50.min(count - streams.len());
        let opening = (0..some).map(|_| Stream::open(port, &path, None));
        let opened = try_join_all(opening).await.unwrap();
        streams.extend(opened.into_iter().flatten());
    }
    streams
}

/// Whether the last that a stream said was when to come back, without an end of the task.
async fn read_to_the_end(mut stream: Stream) -> bool {
    let mut last_is_retry = false;
    while let Some(block) = stream.next().await.unwrap() {
        assert!(block.done().is_none());
        last_is_retry = block.retry.is_some();
    }
    last_is_retry
}

/// Publishes one event after the other until the server is gone; what was acknowledged, and where.
async fn publish(mut caller: Caller, name: usize) -> Vec<(usize, usize, usize)> {
    let path = format!("/tasks/{TASK}/events");
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let event = json!({ "type": "proof.number", "data": [name, number] });
        match caller.post(&path, &event).await {
            Ok(
                answer @ Answer {
                    status: 200..300, ..
                },
            ) => {
                acknowledged.push((name, number, index(&answer.json())));
            }
            Ok(Answer { status: 503, .. }) => {}
            Ok(answer) => panic!("{} {}", answer.status, answer.json()),
            Err(_) => break,
        }
    }
    acknowledged
}

fn index(event: &Value) -> usize {
    usize::try_from(event["index"].as_u64().unwrap()).unwrap()
}
