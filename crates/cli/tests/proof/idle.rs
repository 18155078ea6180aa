//! Thousands of idle subscribers with the default limits: the server raises its limit of open files
//! by itself, and says so.

use crate::http::Caller;
use crate::machine::{allow_connections, memory};
use crate::sse::Stream;
use crate::support::{Process, TASKCAST};
use futures_util::future::try_join_all;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tokio::task::{JoinSet, block_in_place};

const SUBSCRIBERS: usize = 5_000;
const TASK: &str = "idle";

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_idle_subscribers_works_with_the_default_limits() {
    let subscribers = allow_connections(SUBSCRIBERS);
    let folder = TempDir::new().unwrap();
    let (process, port) = block_in_place(|| start_with_few_files(&folder));
    let mut caller = Caller::new(&port);
    caller.running_task(TASK).await;
    let before = memory(process.id());
    let mut streams = Vec::new();
    while streams.len() < subscribers {
        let path = format!("/tasks/{TASK}/events");
        let some = 50.min(subscribers - streams.len());
        let opening = (0..some).map(|_| Stream::open(port.parse().unwrap(), &path, None));
        streams.extend(try_join_all(opening).await.unwrap().into_iter().flatten());
    }
    if let (Some(before), Some(after)) = (before, memory(process.id())) {
        println!(
            "{} bytes for a subscriber",
            after.saturating_sub(before) / subscribers as u64
        );
    }
    // The first connection was idle meanwhile, perhaps for longer than the server keeps one.
    let mut caller = Caller::new(&port);
    let event = json!({ "type": "proof.wake", "data": "all" });
    caller
        .post(&format!("/tasks/{TASK}/events"), &event)
        .await
        .unwrap()
        .success();
    caller.change(TASK, "completed").await.success();
    let mut readers = JoinSet::new();
    for mut stream in streams {
        readers.spawn(async move {
            let mut woken = 0;
            loop {
                let block = stream.next().await.unwrap().unwrap();
                let wakes = block
                    .envelope()
                    .is_some_and(|it| it["type"] == "proof.wake");
                woken += usize::from(wakes);
                if block.done().is_some() {
                    return woken;
                }
            }
        });
    }
    let woken = readers.join_all().await;
    assert_eq!(woken, vec![1; subscribers]);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("raised the limit of open files"), "{log}");
}

/// A server that is given the limit of open files that many systems give.
fn start_with_few_files(folder: &TempDir) -> (Process, String) {
    let script = "ulimit -S -n 1024 && exec \"$0\" start --port 0";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, TASKCAST])
        .current_dir(folder)
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(folder.path().join("log")).unwrap());
    let mut process = Process::spawn(&mut command);
    let lines = BufReader::new(process.stdout()).lines();
    let mut lines = lines.map(|line| line.unwrap());
    let line = lines.find(|line| line.contains("listening on")).unwrap();
    let port = line.rsplit(':').next().unwrap().to_owned();
    (process, port)
}
