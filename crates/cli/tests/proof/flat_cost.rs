//! A long text costs its readers what is new, not what was: what can be counted of it. (What takes
//! time is measured by the benchmark.)

use crate::http::Caller;
use crate::machine::{cpu, memory};
use crate::sse::Stream;
use crate::support::Server;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::block_in_place;

const TOKENS: usize = 20_000;
const TENTH: usize = TOKENS / 10;
const SUBSCRIBERS: u64 = 300;

/// What 300 subscribers of a long stream may take more than those of a short one. If each kept the
/// text, it would be 72 MB.
const CONSTANT: u64 = 12 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_late_reader_of_a_long_load_reads_heads_and_keeps_none_of_it() {
    for storage in ["memory", "sqlite"] {
        let server = block_in_place(|| Server::start(&["-s", storage]));
        let mut caller = Caller::new(server.port());
        caller.running_task("short").await;
        caller.running_task("long").await;
        publish(&mut caller, "short", 0..1).await;
        // A viewer of the deltas follows all the time.
        let mut viewer = open(&server, "long", "types=llm.*").await;
        let mut tenths = Vec::new();
        let mut seen = 0;
        for first in (0..TOKENS).step_by(TENTH) {
            let before = cpu(server.id());
            publish(&mut caller, "long", first..first + TENTH).await;
            while seen < first + TENTH {
                let block = viewer.next().await.unwrap().unwrap();
                seen += usize::from(block.envelope().is_some());
            }
            tenths.extend(before.and_then(|before| Some(cpu(server.id())? - before)));
        }
        show(storage, &tenths);
        late_join(&server).await;
        memory_of_subscribers(&server, storage).await;
    }
}

/// One snapshot for the whole text, whatever its length.
async fn late_join(server: &Server) {
    let mut stream = open(server, "long", "types=llm.*&control=true").await;
    let mut events: Vec<Value> = Vec::new();
    loop {
        let block = stream.next().await.unwrap().unwrap();
        events.extend(block.envelope().cloned());
        if block.named("taskcast.caughtup").is_some() {
            break;
        }
    }
    let [snapshot] = events.as_slice() else {
        panic!("{} frames instead of one head", events.len());
    };
    let text: String = (0..TOKENS).map(token).collect();
    assert_eq!(snapshot["data"]["delta"], text);
    assert_eq!(snapshot["seriesSnapshot"], true);
    // Replies to everything: the frame, its names, its escapes.
    assert!(stream.bytes < text.len() + 2_048, "{} bytes", stream.bytes);
}

/// Live subscribers of a long stream hold no more than those of a short one.
async fn memory_of_subscribers(server: &Server, storage: &str) {
    let mut kept = Vec::new();
    // The first round warms what is kept for connections.
    let mut grown = Vec::new();
    for task in ["short", "short", "long"] {
        let before = memory(server.id());
        for _ in 0..SUBSCRIBERS {
            let mut stream = open(server, task, "control=true").await;
            let caught_up = |block: &crate::sse::Block| block.named("taskcast.caughtup").is_some();
            stream.until(caught_up).await.unwrap();
            kept.push(stream);
        }
        let after = memory(server.id());
        grown.extend(
            before
                .zip(after)
                .map(|(before, after)| after.saturating_sub(before)),
        );
    }
    println!("{storage}: {SUBSCRIBERS} subscribers grew the server by {grown:?}");
    if let [_, short, long] = grown[..] {
        assert!(long < short + CONSTANT, "{storage}: {grown:?}");
    }
}

async fn open(server: &Server, task: &str, query: &str) -> Stream {
    let path = format!("/tasks/{task}/events?{query}");
    let stream = Stream::open(server.port().parse().unwrap(), &path, None).await;
    stream.unwrap().unwrap()
}

async fn publish(caller: &mut Caller, task: &str, tokens: std::ops::Range<usize>) {
    let event = |number| {
        json!({
            "type": "llm.delta",
            "data": { "delta": token(number) },
            "seriesId": "answer",
            "seriesMode": "accumulate",
        })
    };
    let events: Vec<Value> = tokens.map(event).collect();
    let path = format!("/tasks/{task}/events");
    for batch in events.chunks(200) {
        caller
            .post(&path, &Value::Array(batch.to_vec()))
            .await
            .unwrap()
            .success();
    }
}

fn token(number: usize) -> String {
    format!("token {number:05} ")
}

fn show(storage: &str, tenths: &[Duration]) {
    println!("{storage}: processor time of tenths: {tenths:?}");
    if let [first, .., last] = tenths {
        println!(
            "{storage}: last to first: {:.2}",
            last.as_secs_f64() / first.as_secs_f64()
        );
    }
}
