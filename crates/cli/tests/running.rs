//! A server while it runs, and how it ends: told to, or not.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use support::{Server, read_all};
use taskcast_api::CreateTask;
use taskcast_client::{Client, HistoryOptions, Item, SubscribeOptions};
use taskcast_core::{EventType, NewEvent, RawJson, TaskId};

fn numbered(number: u32) -> NewEvent {
    let data = RawJson::from_value(&number).unwrap();
    NewEvent::new(EventType::new("test.number").unwrap(), Some(data))
}

async fn task(client: &Client) -> TaskId {
    let task = client.create_task(&CreateTask::default()).await.unwrap();
    client.start(&task.id).await.unwrap();
    task.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_created_published_to_followed_and_completed() {
    for storage in ["sqlite", "memory"] {
        let server = Server::start(&["-s", storage]);
        let client = Client::new(server.url()).unwrap();
        let task = task(&client).await;
        client.publish(&task, numbered(1)).await.unwrap();
        let mut follower = client.subscribe(&task, SubscribeOptions::default());
        let mut seen = Vec::new();
        let reason = loop {
            match follower.next().await.unwrap().unwrap() {
                Item::Event(event) => {
                    seen.push(event.event_type.to_string());
                    if event.raw_index.0 == 1 {
                        client.publish(&task, numbered(2)).await.unwrap();
                        client.complete(&task, None).await.unwrap();
                    }
                }
                Item::Done { reason } => break reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reason, "completed");
        let expected = [
            "taskcast:status",
            "test.number",
            "test.number",
            "taskcast:status",
        ];
        assert_eq!(seen, expected, "{storage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_kills() {
    let mut server = Server::start(&["-s", "sqlite"]);
    let client = Client::new(server.url()).unwrap();
    let task = task(&client).await;
    let mut number = 0;
    for _round in 0..3 {
        for _ in 0..10 {
            client.publish(&task, numbered(number)).await.unwrap();
            number += 1;
        }
        server.kill();
        server.restart();
        let options = HistoryOptions {
            types: Some(vec!["test.number".to_owned()]),
            ..HistoryOptions::default()
        };
        let events = client.history(&task, options).collect().await.unwrap();
        let data = |data: Option<RawJson>| data.unwrap().read::<u32>().unwrap();
        let stored: Vec<u32> = events.into_iter().map(|event| data(event.data)).collect();
        assert_eq!(stored, (0..number).collect::<Vec<u32>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_forgets_with_the_process() {
    let mut server = Server::start(&["-s", "memory"]);
    let client = Client::new(server.url()).unwrap();
    let task = task(&client).await;
    server.kill();
    server.restart();
    let error = client.get_task(&task).await.unwrap_err();
    assert_eq!(error.status(), Some(404));
}

#[test]
fn a_stop_ends_open_streams_with_the_time_to_come_back() {
    const STREAMS: usize = 300;
    let mut server = Server::start(&[]);
    server.taskcast(&["tasks", "create", "--id", "t"]).stdout();
    let streams: Vec<BufReader<TcpStream>> = (0..STREAMS).map(|_| follow(&server)).collect();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    for stream in streams {
        let rest = read_all(stream);
        let last = rest.lines().rfind(|line| line.starts_with("retry: "));
        assert!(last.is_some(), "{rest}");
        assert!(!rest.contains("taskcast.done"), "{rest}");
    }
    assert!(server.log().contains("stopped"), "{}", server.log());
    server.restart();
    assert_eq!(
        server.taskcast(&["tasks", "get", "t", "--json"]).json()["id"],
        "t"
    );
}

/// An open stream, of which the first lines were read.
fn follow(server: &Server) -> BufReader<TcpStream> {
    let port = server.port().parse().unwrap();
    let mut stream = TcpStream::connect(("localhost", port)).unwrap();
    write!(
        stream,
        "GET /tasks/t/events HTTP/1.1\r\nhost: localhost\r\n\r\n"
    )
    .unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while line.trim_end() != ": open" {
        line.clear();
        assert_ne!(
            stream.read_line(&mut line).unwrap(),
            0,
            "the stream ended early"
        );
    }
    stream
}

#[test]
fn an_interrupt_stops_a_server_too() {
    let mut server = Server::start(&[]);
    let id = server.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn both_addresses_of_localhost_are_served() {
    let server = Server::start(&[]);
    for host in ["127.0.0.1", "[::1]"] {
        if host == "[::1]" && std::net::TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let url = format!("http://{host}:{}", server.port());
        let ran = server.taskcast(&["ping", "--url", &url]);
        assert!(ran.stdout().starts_with("OK"), "{}", ran.stderr());
    }
}

#[test]
fn requests_are_logged_when_asked_and_without_their_query() {
    let server = Server::start(&["-v"]);
    server
        .taskcast(&["tasks", "list", "--tags", "s3cret"])
        .stdout();
    support::until("a line of the request", || server.log().contains("/tasks"));
    assert!(!server.log().contains("s3cret"), "{}", server.log());
}

#[test]
fn a_second_signal_does_not_wait_for_requests_in_flight() {
    let settings = "shutdown:\n  graceMs: 600000\n";
    let mut server = Server::start_with(&[], &[], |folder| {
        std::fs::write(folder.join("taskcast.config.yaml"), settings).unwrap();
    });
    // A request whose body never comes is in flight for as long as it is let.
    let mut request = TcpStream::connect(("localhost", server.port().parse().unwrap())).unwrap();
    let head = "POST /tasks HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: application/json\r\ncontent-length: 2\r\n\r\n";
    request.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(&request).read_line(&mut answer).unwrap();
    assert!(answer.contains("100"), "the body is waited for: {answer}");
    server.terminate();
    support::until("the server stops", || server.log().contains("stopping: "));
    server.terminate();
    assert_eq!(server.wait().code(), Some(1));
}
