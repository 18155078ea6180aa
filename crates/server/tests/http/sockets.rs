//! Peers that are slow, that stall, or that speak no HTTP.

use crate::support::sockets::{read_all, read_until, status, write};
use crate::support::*;
use std::time::Duration;
use taskcast_server::ConnectionSettings;
use tokio::time::Instant;

fn quick() -> ConnectionSettings {
    ConnectionSettings {
        header_timeout: Duration::from_millis(100),
        socket_stall: Duration::from_millis(150),
        grace: Duration::from_millis(200),
    }
}

#[tokio::test]
async fn headers_that_never_end_end_the_connection() {
    let world = world();
    let server = Server::with(&world, quick()).await;
    for beginning in [
        "",
        "GET /health",
        "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ",
    ] {
        let mut socket = server.socket().await;
        write(&mut socket, beginning).await;
        let answer = read_all(&mut socket).await;
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
    }
    // One byte now and then is no excuse.
    let mut socket = server.socket().await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        write(&mut socket, "x").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    read_all(&mut socket).await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let idle = Duration::from_millis(60);
    let world = given().settings(|s| s.body_idle = idle).world();
    world.running("a").await;
    let server = Server::of(&world).await;
    for (path, kind, begun) in [
        ("/tasks", "application/json", "{"),
        ("/tasks/a/events", "application/json", "{\"type\":"),
        ("/tasks/import", "application/json", "{"),
        (
            "/tasks/a/events",
            "application/x-ndjson",
            "{\"type\":\"x\"}\n{\"ty",
        ),
    ] {
        let mut socket = server.socket().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 500\r\n\r\n{begun}"
        );
        write(&mut socket, head).await;
        let answer = read_until(&mut socket, "\"code\":\"body_timeout\"").await;
        assert_eq!(status(&answer), 408, "{answer}");
    }
    // Lines that came before the silence stay.
    assert_eq!(world.history("a", "?types=x").await.len(), 1);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go() {
    let world = world();
    world.running("a").await;
    let event = json!({"type": "x", "data": "x".repeat(500_000)});
    for _ in 0..40 {
        world.publish("a", event.clone()).await;
    }
    let server = Server::with(&world, quick()).await;
    let mut socket = server.socket().await;
    write(
        &mut socket,
        "GET /tasks/a/events HTTP/1.1\r\nhost: x\r\n\r\n",
    )
    .await;
    world
        .until("somebody follows", || world.engine.subscribers() == 1)
        .await;
    world
        .until("nobody follows any more", || {
            world.engine.subscribers() == 0
        })
        .await;
}

#[tokio::test]
async fn a_reader_that_goes_away_frees_its_place() {
    let world = given()
        .settings(|s| s.heartbeat = Duration::from_millis(20))
        .world();
    world.running("a").await;
    let server = Server::of(&world).await;
    let mut socket = server.socket().await;
    write(
        &mut socket,
        "GET /tasks/a/events HTTP/1.1\r\nhost: x\r\n\r\n",
    )
    .await;
    read_until(&mut socket, ": open").await;
    assert_eq!(world.engine.subscribers(), 1);
    drop(socket);
    world
        .until("nobody follows", || world.engine.subscribers() == 0)
        .await;
}

#[tokio::test]
async fn headers_past_the_limit_are_refused() {
    let world = world();
    let server = Server::of(&world).await;
    let many = "x-many: 1\r\n".repeat(200);
    let large = format!("x-large: {}\r\n", "x".repeat(400_000));
    let long = "x".repeat(400_000);
    for (line, headers) in [
        ("GET /health", &*many),
        ("GET /health", &*large),
        (&*format!("GET /{long}"), ""),
    ] {
        let mut socket = server.socket().await;
        write(
            &mut socket,
            format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n"),
        )
        .await;
        let answer = read_all(&mut socket).await;
        assert!(
            answer.is_empty() || matches!(status(&answer), 414 | 431),
            "{answer}"
        );
    }
    // The server is as it was.
    let mut socket = server.socket().await;
    write(
        &mut socket,
        "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(status(&read_all(&mut socket).await), 200);
}

#[tokio::test]
async fn what_is_no_http_gets_no_further() {
    let world = world();
    let server = Server::with(&world, quick()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /tasks/a\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /tasks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"\r\n\r\n\r\n",
    ] {
        let mut socket = server.socket().await;
        write(&mut socket, bytes).await;
        let answer = read_all(&mut socket).await;
        let shown = String::from_utf8_lossy(bytes);
        assert!(answer.is_empty() || (200..500).contains(&status(&answer)), "{shown}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_and_the_answer_arrives() {
    let world = given().settings(|s| s.body_bytes = 1_000).world();
    let server = Server::of(&world).await;
    let mut socket = server.socket().await;
    let bytes = 4_000_000;
    write(
        &mut socket,
        format!("POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n"),
    )
    .await;
    write(&mut socket, vec![b' '; bytes]).await;
    let answer = read_until(&mut socket, "body_too_large").await;
    assert_eq!(status(&answer), 413);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = world();
    let server = Server::of(&world).await;
    let mut socket = server.socket().await;
    for _ in 0..3 {
        write(&mut socket, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
        read_until(&mut socket, "\"ok\":true").await;
    }
    write(&mut socket, "GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&read_all(&mut socket).await), 200);
}
