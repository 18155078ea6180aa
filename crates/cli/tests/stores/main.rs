//! Servers over Redis and PostgreSQL: what starts, what refuses to, and what instances share.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod guide;
mod migrating;
mod options;
mod refusing;
mod several;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use support::Server;

/// A secret of HS256.
const SECRET: &str = "0123456789-0123456789-0123456789";

/// `GET` of something that needs no credentials, as JSON.
fn get(server: &Server, path: &str) -> Value {
    ask(server, "GET", path, &Value::Null).1
}

/// The status and the JSON that a request is answered with; HTTP/1.0, so that it comes in one piece.
fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", server.port())).unwrap();
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The types of the events that `logs --json` printed, one event per line.
fn types(lines: &str) -> Vec<String> {
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let events = lines.lines().map(event);
    events
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}
