//! Short tasks that begin and end while the server is killed: the last events and the end of a task
//! are there together or not at all.

use crate::http::{Answer, Caller};
use crate::support::Server;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Duration, sleep};

/// The ids of tasks, with whether their end was acknowledged.
type Tasks = Vec<(String, bool)>;

/// Creates and ends tasks, one after the other, until it is told to stop.
pub(super) async fn finish(port: String, name: usize, stop: Arc<AtomicBool>) -> Tasks {
    let mut caller = Caller::new(&port);
    let mut tasks = Tasks::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("short-{name}-{number}");
        let create = json!({ "id": id });
        if !acknowledged(&mut caller, "POST", "/tasks", &create).await {
            continue;
        }
        let path = format!("/tasks/{id}");
        let running = json!({ "status": "running" });
        let end = json!({
            "events": [{ "type": "proof.last", "data": 1 }, { "type": "proof.last", "data": 2 }],
            "transition": { "status": "completed", "result": { "by": name } },
        });
        let ended = acknowledged(&mut caller, "PATCH", &format!("{path}/status"), &running).await
            && acknowledged(&mut caller, "POST", &format!("{path}/events"), &end).await;
        tasks.push((id, ended));
    }
    tasks
}

/// Whether a request was answered with success. Otherwise its outcome is unknown.
async fn acknowledged(caller: &mut Caller, method: &str, path: &str, body: &Value) -> bool {
    match caller.send(method, path, &[], &body.to_string()).await {
        Ok(Answer {
            status: 200..300, ..
        }) => true,
        Ok(Answer { status: 503, .. }) | Err(_) => {
            sleep(Duration::from_millis(5)).await;
            false
        }
        Ok(answer) => panic!("{} {}", answer.status, answer.json()),
    }
}

/// Checks every task whose creation was acknowledged; gives how many ended.
pub(super) async fn check(server: &Server, tasks: &Tasks) -> usize {
    let mut caller = Caller::new(server.port());
    let mut ends = 0;
    for (id, acknowledged) in tasks {
        let task = caller.get(&format!("/tasks/{id}")).await.unwrap();
        let task = task.success();
        let history = caller.history(id).await;
        let types = history.iter().map(|event| event["type"].as_str().unwrap());
        let types: Vec<&str> = types.collect();
        let ended = task["status"] == "completed";
        assert!(ended || !acknowledged, "{id}: the end is lost");
        let whole = [
            "taskcast:status",
            "proof.last",
            "proof.last",
            "taskcast:status",
        ];
        match task["status"].as_str().unwrap() {
            "pending" => assert!(types.is_empty(), "{id}: {types:?}"),
            "running" => assert_eq!(types, ["taskcast:status"], "{id}"),
            "completed" => assert_eq!(types, whole, "{id}"),
            other => panic!("{id} is {other}"),
        }
        ends += usize::from(ended);
    }
    ends
}
