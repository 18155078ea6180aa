//! Readers that stopped reading: they cost the server a small constant, and nobody else anything.

use crate::http::Caller;
use crate::machine::memory;
use crate::sse::Stream;
use crate::support::{Process, Server};
use serde_json::{Value, json};
use std::fs::File;
use std::process::Stdio;
use tokio::task::{JoinSet, block_in_place};

const TASK: &str = "stalled";
const BATCHES: usize = 110;
const EVENTS: usize = 16;
const EVENT_BYTES: usize = 62_000;

/// More than a server needs for this work, much less than what is published.
const CONSTANT: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_stalled_readers_do_not_take_costs_a_constant() {
    let server = block_in_place(|| Server::start(&["-s", "sqlite"]));
    let mut caller = Caller::new(server.port());
    caller.running_task(TASK).await;
    // One is a process that is stopped, the others never read their sockets.
    let (mut stopped, output) = block_in_place(|| follower(&server));
    let port: u16 = server.port().parse().unwrap();
    let path = format!("/tasks/{TASK}/events");
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(Stream::open(port, &path, None).await.unwrap());
    }
    let mut viewers = JoinSet::new();
    for _ in 0..2 {
        let stream = Stream::open(port, &path, None).await.unwrap().unwrap();
        viewers.spawn(read(stream));
    }
    // Caches are warm before memory is looked at.
    publish(&mut caller, 0..10).await;
    stopped.signal("STOP");
    let before = memory(server.id());
    let mut most = before;
    for batch in 10..BATCHES {
        publish(&mut caller, batch..batch + 1).await;
        most = most.max(memory(server.id()));
    }
    caller.change(TASK, "completed").await.success();
    let total = BATCHES * EVENTS;
    for events in viewers.join_all().await {
        assert_eq!(events, total, "a viewer that reads gets everything");
    }
    if let (Some(before), Some(most)) = (before, most) {
        let (grown, published) = (most - before, (BATCHES - 10) * EVENTS * EVENT_BYTES);
        println!("{published} bytes published, the server grew by {grown} from {before}");
        assert!(grown < CONSTANT, "the server grew by {grown} bytes");
    }
    // The stopped process goes on where it was, and misses nothing either.
    stopped.signal("CONT");
    block_in_place(|| stopped.wait());
    let lines = std::fs::read_to_string(output).unwrap();
    let numbers = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let numbers = numbers.filter_map(|event: Value| event["data"]["number"].as_u64());
    assert!(
        numbers.eq(0..total as u64),
        "the stopped process misses events"
    );
    drop(unread);
}

/// `taskcast logs`, into a file.
fn follower(server: &Server) -> (Process, std::path::PathBuf) {
    let output = server.folder().join("followed");
    let mut command = server.command(&["logs", TASK, "--json", "--types", "proof.large"]);
    command
        .stdin(Stdio::null())
        .stdout(File::create(&output).unwrap());
    (Process::spawn(&mut command), output)
}

async fn publish(caller: &mut Caller, batches: std::ops::Range<usize>) {
    let filler = "x".repeat(EVENT_BYTES);
    for batch in batches {
        let first = batch * EVENTS;
        let event = |number| json!({ "type": "proof.large", "data": { "number": number, "filler": filler } });
        let events: Vec<Value> = (first..first + EVENTS).map(event).collect();
        let path = format!("/tasks/{TASK}/events");
        caller
            .post(&path, &Value::Array(events))
            .await
            .unwrap()
            .success();
    }
}

/// Reads to the end and counts the events, which come in order.
async fn read(mut stream: Stream) -> usize {
    let mut events = 0;
    loop {
        let block = stream.next().await.unwrap().unwrap();
        if let Some(number) = block
            .envelope()
            .and_then(|it| it["data"]["number"].as_u64())
        {
            assert_eq!(number, events as u64);
            events += 1;
        }
        if block.done().is_some() {
            return events;
        }
    }
}
