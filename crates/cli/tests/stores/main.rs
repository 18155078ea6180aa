//! Servers over Redis and PostgreSQL: what starts, what refuses to, and what instances share.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "all of this is a test")]

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod guide;
mod migrating;
mod refusing;
mod several;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::Server;

/// A secret of HS256.
const SECRET: &str = "0123456789-0123456789-0123456789";

/// `GET` of something that needs no credentials, as JSON.
fn get(server: &Server, path: &str) -> Value {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", server.port())).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// The types of the events that `logs --json` printed, one event per line.
fn types(lines: &str) -> Vec<String> {
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let events = lines.lines().map(event);
    events
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}
