//! A long text costs its readers what is new, not what was: what can be counted of it. (What takes
//! time is measured by the benchmark.)

use crate::counts::{count, full};
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
        publish(&mut caller, "short", 0..1).await;
        let mut ratios = Vec::new();
        for round in 0..count(1, 6) {
            let task = format!("long-{round}");
            caller.running_task(&task).await;
            let tenths = stream(&server, &mut caller, &task).await;
            println!("{storage}: processor time of tenths: {tenths:?}");
            if let [first, .., last] = tenths[..] {
                ratios.push(last.as_secs_f64() / first.as_secs_f64());
            }
            late_join(&server, &task).await;
        }
        show(storage, ratios);
        memory_of_subscribers(&server, storage).await;
    }
}

/// Publishes a long text while a viewer follows its deltas; what each tenth cost the server.
async fn stream(server: &Server, caller: &mut Caller, task: &str) -> Vec<Duration> {
    let mut viewer = open(server, task, "types=llm.*").await;
    let mut tenths = Vec::new();
    let mut seen = 0;
    for first in (0..TOKENS).step_by(TENTH) {
        let before = cpu(server.id());
        publish(caller, task, first..first + TENTH).await;
        while seen < first + TENTH {
            let block = viewer.next().await.unwrap().unwrap();
            seen += usize::from(block.envelope().is_some());
        }
        tenths.extend(before.and_then(|before| Some(cpu(server.id())? - before)));
    }
    tenths
}

/// One snapshot for the whole text, whatever its length.
async fn late_join(server: &Server, task: &str) {
    let mut stream = open(server, task, "types=llm.*&control=true").await;
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
    for task in ["short", "short", "long-0"] {
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

/// One by one where the cost is looked at, in batches where only the outcome counts.
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
    for batch in events.chunks(if full() { 1 } else { 200 }) {
        let batch = Value::Array(batch.to_vec());
        caller.post(&path, &batch).await.unwrap().success();
    }
}

fn token(number: usize) -> String {
    format!("token {number:05} ")
}

/// Shows the median, without the first stream where there are more: it warms up.
fn show(storage: &str, mut ratios: Vec<f64>) {
    if ratios.len() > 1 {
        ratios.remove(0);
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("{storage}: last tenth to first, median of {ratios:.2?}: {median:.2}");
    }
}
