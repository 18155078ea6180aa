//! The end of a server, in bounded time.

use crate::support::sockets::{read_all, read_until, write};
use crate::support::*;
use std::time::Duration;
use taskcast_server::ConnectionSettings;
use tokio::time::Instant;

fn grace(ms: u64) -> ConnectionSettings {
    ConnectionSettings {
        grace: Duration::from_millis(ms),
        ..ConnectionSettings::default()
    }
}

#[tokio::test]
async fn open_streams_are_told_when_to_come_back_and_end() {
    let world = world();
    world.running("a").await;
    let mut server = Server::with(&world, grace(5_000)).await;
    let mut streams = Vec::new();
    for n in 0..60 {
        let path = if n % 3 == 0 {
            "/events"
        } else {
            "/tasks/a/events"
        };
        let mut stream = server.stream(get(path)).await;
        stream.until(": open").await;
        streams.push(stream);
    }
    let begun = Instant::now();
    server.stop();
    server.stopped().await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "far below the grace"
    );
    let mut waits = std::collections::HashSet::new();
    for stream in streams {
        let text = stream.whole().await;
        let (_, end) = text
            .rsplit_once(": the server is stopping\n\n")
            .expect(&text);
        let wait = end
            .strip_prefix("retry: ")
            .and_then(|end| end.strip_suffix("\n\n"));
        waits.insert(wait.expect(&text).to_owned());
    }
    assert!(
        waits.len() > 5,
        "clients do not all come back at once: {waits:?}"
    );
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_request_in_flight_gets_the_grace_and_no_more() {
    let world = world();
    let mut server = Server::with(&world, grace(200)).await;
    let mut socket = server.socket().await;
    write(
        &mut socket,
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{",
    )
    .await;
    let mut stuck = server.socket().await;
    write(
        &mut stuck,
        "POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{",
    )
    .await;
    let mut idle = server.socket().await;
    write(&mut idle, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut idle, "\"ok\":true").await;
    server.stop();
    world
        .until("the engine stops", || {
            world.engine.stopping().is_cancelled()
        })
        .await;
    write(&mut socket, "}").await;
    // It came in time: it is answered, one way or the other.
    let answer = read_all(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert_eq!(read_all(&mut stuck).await, "");
    read_all(&mut idle).await;
    server.stopped().await;
}

#[tokio::test]
async fn after_the_end_streams_are_refused_with_a_time_to_come_back() {
    let world = world();
    world.running("a").await;
    world.engine.shutdown().await;
    for path in ["/tasks/a/events", "/events"] {
        let answer = world.ask(get(path)).await.expect(503);
        assert_eq!(
            (answer.code(), answer.header("retry-after")),
            ("shutting_down".into(), Some("1"))
        );
    }
}
