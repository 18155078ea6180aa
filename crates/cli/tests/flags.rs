//! Flags that no other story needs: each does what its help says.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod support;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::Server;

/// The status that a request under another name is answered with.
fn status_for_host(server: &Server, host: &str) -> u16 {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", server.port())).unwrap();
    let request = format!("GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_server_that_was_given_a_host_listens_there_and_answers_to_any_name() {
    let closed = Server::start(&["-s", "memory"]);
    assert_eq!(status_for_host(&closed, "taskcast.example"), 403);
    let open = Server::start(&["-s", "memory", "--host", "127.0.0.1"]);
    assert_eq!(status_for_host(&open, "taskcast.example"), 200);
    let said = open.start_lines().join("\n");
    assert!(said.contains("http://127.0.0.1:"), "{said}");
}

#[test]
fn logs_go_on_after_an_event_or_a_time() {
    let server = Server::start(&["-s", "memory"]);
    let run = |arguments: &[&str]| server.taskcast(arguments).stdout();
    run(&["tasks", "create", "--id", "t"]);
    for event in ["first", "second", "third"] {
        run(&["publish", "t", "--type", event]);
    }
    let told = |arguments: &[&str]| -> Vec<Value> {
        let base = ["logs", "t", "--no-follow", "--json"];
        let lines = run(&[&base[..], arguments].concat());
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let types = |events: &[Value]| -> Vec<String> {
        events
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = told(&[]);
    assert_eq!(types(&all), ["first", "second", "third"]);
    let id = all[0]["eventId"]
        .as_str()
        .or(all[0]["id"].as_str())
        .unwrap();
    assert_eq!(types(&told(&["--since-id", id])), ["second", "third"]);
    let time = &all[0]["timestamp"];
    let later = |event: &&Value| event["timestamp"].as_u64() > time.as_u64();
    let expected: Vec<Value> = all.iter().filter(later).cloned().collect();
    let after = told(&["--since-timestamp", &time.to_string()]);
    assert_eq!(types(&after), types(&expected));
}

#[test]
fn a_pause_has_its_reason_and_piped_events_their_type() {
    let server = Server::start(&["-s", "memory"]);
    let run = |arguments: &[&str]| server.taskcast(arguments);
    run(&["tasks", "create", "--id", "t"]).stdout();
    run(&["tasks", "transition", "t", "paused", "--reason", "lunch"]).stdout();
    assert_eq!(
        run(&["tasks", "get", "t", "--json"]).json()["reason"],
        "lunch"
    );
    let piped = [
        "pipe",
        "--task",
        "p",
        "--event-type",
        "my.word",
        "--",
        "echo",
        "hi",
    ];
    assert_eq!(run(&piped).code(), 0);
    let told = run(&["logs", "p", "--no-follow", "--types", "my.word"]).stdout();
    assert!(told.contains(r#"{"delta":"hi\n"}"#), "{told}");
}
