//! Deadlines that pass while the server is down: each fires once, at once after the restart.

use crate::http::Caller;
use crate::sse::Stream;
use crate::support::Server;
use serde_json::{Value, json};
use std::time::SystemTime;
use tokio::task::block_in_place;
use tokio::time::{Duration, sleep};

const TASKS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_that_passed_while_the_server_was_down_fire_once() {
    let mut server = block_in_place(|| Server::start(&["-s", "sqlite"]));
    let mut caller = Caller::new(server.port());
    let mut latest = 0;
    for number in 0..TASKS {
        latest = latest.max(task_with_ttl(&mut caller, number).await);
        latest = latest.max(blocked_task(&mut caller, number).await);
    }
    block_in_place(|| server.kill());
    while now() <= latest {
        sleep(Duration::from_millis(20)).await;
    }
    block_in_place(|| server.restart());
    // A second crash right after the deadlines fired, or while they fire, fires none again.
    for restart in 0..2 {
        let mut caller = Caller::new(server.port());
        for number in 0..TASKS {
            let ended = follow_to_the_end(&server, &format!("ttl-{number}")).await;
            assert_eq!(
                ended,
                ["running", "timeout", "done: timeout"],
                "restart {restart}"
            );
            wait_until_running(&mut caller, &format!("blocked-{number}")).await;
            let history = caller.history(&format!("blocked-{number}")).await;
            assert_eq!(
                statuses(&history),
                ["running", "blocked", "running"],
                "restart {restart}"
            );
        }
        block_in_place(|| {
            server.kill();
            server.restart();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_ahead_when_the_server_starts_again_fires_when_it_is_due() {
    let mut server = block_in_place(|| Server::start(&["-s", "sqlite"]));
    let mut caller = Caller::new(server.port());
    let due = task_with_ttl(&mut caller, 0).await;
    block_in_place(|| {
        server.kill();
        server.restart();
    });
    let ended = follow_to_the_end(&server, "ttl-0").await;
    assert_eq!(ended, ["running", "timeout", "done: timeout"]);
    let history = Caller::new(server.port()).history("ttl-0").await;
    let at = history.last().unwrap()["timestamp"].as_u64().unwrap();
    assert!(at >= due, "{} ms too early", due - at);
}

/// Creates a task that may take a second; gives its deadline.
async fn task_with_ttl(caller: &mut Caller, number: usize) -> u64 {
    let id = format!("ttl-{number}");
    let create = json!({ "id": id, "ttl": 1 });
    let task = caller.post("/tasks", &create).await.unwrap().success();
    caller.change(&id, "running").await.success();
    task["createdAt"].as_u64().unwrap() + 1_000
}

/// Creates a task that is blocked for half a second; gives the time at which it goes on.
async fn blocked_task(caller: &mut Caller, number: usize) -> u64 {
    let id = format!("blocked-{number}");
    caller.running_task(&id).await;
    let block = json!({ "status": "blocked", "reason": "waits", "resumeAfterMs": 500 });
    let path = format!("/tasks/{id}/status");
    let task = caller.patch(&path, &block).await.unwrap().success();
    task["resumeAt"].as_u64().unwrap()
}

async fn follow_to_the_end(server: &Server, task: &str) -> Vec<String> {
    let (port, path) = (
        server.port().parse().unwrap(),
        format!("/tasks/{task}/events"),
    );
    let mut stream = Stream::open(port, &path, None).await.unwrap().unwrap();
    let mut seen = Vec::new();
    while let Some(block) = stream.next().await.unwrap() {
        let status = block.envelope().map(|event| &event["data"]["status"]);
        seen.extend(status.map(|status| status.as_str().unwrap().to_owned()));
        seen.extend(block.done().map(|reason| format!("done: {reason}")));
    }
    seen
}

async fn wait_until_running(caller: &mut Caller, task: &str) {
    let path = format!("/tasks/{task}");
    while caller.get(&path).await.unwrap().success()["status"] != "running" {
        sleep(Duration::from_millis(20)).await;
    }
}

fn statuses(history: &[Value]) -> Vec<&str> {
    let status = history
        .iter()
        .filter(|event| event["type"] == "taskcast:status");
    status
        .map(|event| event["data"]["status"].as_str().unwrap())
        .collect()
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
