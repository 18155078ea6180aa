//! Several servers over one Redis, and tasks that outlive the short-term store.

use crate::support::{Server, until};
use crate::{get, types};
use std::process::Stdio;
use taskcast_rig::{RedisOptions, RedisServer};

fn on(redis: &RedisServer) -> Server {
    Server::start_with(&[], &[("TASKCAST_REDIS_URL", &redis.url())], |_| {})
}

#[test]
fn what_is_published_on_one_server_is_followed_on_the_other() {
    let redis = RedisServer::start(&RedisOptions::default());
    let (one, other) = (on(&redis), on(&redis));
    one.taskcast(&["tasks", "create", "--id", "t"]).stdout();
    let mut reader = other.command(&["logs", "t", "--json"]);
    let reader = reader.stdout(Stdio::piped()).spawn().unwrap();
    for (number, server) in [&one, &other, &one, &other].into_iter().enumerate() {
        let event = format!("event.{number}");
        server
            .taskcast(&["publish", "t", "--type", &event])
            .stdout();
    }
    one.taskcast(&["tasks", "transition", "t", "running"])
        .stdout();
    other
        .taskcast(&["tasks", "transition", "t", "completed"])
        .stdout();
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success());
    let read = types(&String::from_utf8(read.stdout).unwrap());
    let events: Vec<&str> = read.iter().map(String::as_str).take(4).collect();
    assert_eq!(events, ["event.0", "event.1", "event.2", "event.3"]);
}

#[test]
fn prefixes_keep_servers_in_one_redis_apart() {
    let redis = RedisServer::start(&RedisOptions::default());
    let url = redis.url();
    let variables = [
        ("TASKCAST_REDIS_URL", url.as_str()),
        ("TASKCAST_REDIS_PREFIX", "other"),
    ];
    let (one, other) = (on(&redis), Server::start_with(&[], &variables, |_| {}));
    one.taskcast(&["tasks", "create", "--id", "t"]).stdout();
    assert_eq!(one.taskcast(&["tasks", "get", "t"]).code(), 0);
    assert_eq!(other.taskcast(&["tasks", "get", "t"]).code(), 1);
}

#[test]
fn a_task_in_memory_outlives_its_server_in_a_file() {
    let start = |folder: &std::path::Path| {
        let file = folder.join("taskcast.config.yaml");
        let yaml = "adapters:\n  longTerm: {provider: sqlite, path: archive.db}\n";
        std::fs::write(file, yaml).unwrap();
    };
    let mut server = Server::start_with(&["-s", "memory"], &[], start);
    server.taskcast(&["tasks", "create", "--id", "t"]).stdout();
    server.taskcast(&["publish", "t", "--type", "x"]).stdout();
    until("archived", || {
        let archive = &get(&server, "/health/detail")["archive"];
        archive["partitionsBehind"] == 0 && archive["working"] == true
    });
    server.kill();
    server.restart();
    let task = server.taskcast(&["tasks", "get", "t", "--json"]).json();
    assert_eq!(task["id"], "t");
    let told = server.taskcast(&["logs", "t", "--no-follow", "--json"]);
    assert_eq!(types(&told.stdout()), ["x"]);
    // It goes on where it was.
    server.taskcast(&["publish", "t", "--type", "y"]).stdout();
    let told = server.taskcast(&["logs", "t", "--no-follow", "--json"]);
    assert_eq!(types(&told.stdout()), ["x", "y"]);
}
