//! The rig does what it says.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::Duration;
use taskcast_rig::{
    FaultProxy, PostgresOptions, PostgresServer, RedisCluster, RedisOptions, RedisServer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[test]
fn redis_keeps_its_data_across_a_kill_and_loses_what_is_cut_off() {
    let mut redis = RedisServer::start(&RedisOptions::with_aof("always"));
    redis.command(&["SET", "a", "1"]);
    redis.kill();
    redis.restart();
    assert_eq!(redis.command(&["GET", "a"]), "$1\r\n1\r\n");
    redis.command(&["SET", "b", "2"]);
    redis.kill();
    redis.cut_append_only_file(1);
    redis.restart();
    assert_eq!(redis.command(&["GET", "b"]), "$-1\r\n");
    redis.pause();
    redis.resume();
    redis.stop();
}

#[test]
fn a_cluster_of_three_shares_the_slots() {
    let cluster = RedisCluster::start();
    assert_eq!(cluster.urls().len(), 3);
    let moved = cluster
        .nodes()
        .iter()
        .filter(|node| node.command(&["GET", "a"]).starts_with("-MOVED"));
    assert_eq!(moved.count(), 2);
}

#[test]
fn postgres_keeps_its_data_across_a_kill() {
    let mut postgres = PostgresServer::start(&PostgresOptions {
        password: Some("secret".into()),
        ..PostgresOptions::default()
    });
    let database = postgres.new_database();
    postgres.psql(&database, "CREATE TABLE t AS SELECT 7 AS n");
    postgres.kill();
    postgres.restart();
    assert_eq!(postgres.psql(&database, "SELECT n FROM t"), "7");
}

#[tokio::test]
async fn a_proxy_cuts_stalls_refuses_and_drops_messages() {
    let redis = RedisServer::start(&RedisOptions::default());
    let proxy = FaultProxy::start(redis.port()).await;
    let mut listener = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    listener.write_all(b"SUBSCRIBE c\r\n").await.unwrap();
    assert!(read(&mut listener).await.unwrap().contains("subscribe"));
    redis.command(&["PUBLISH", "c", "heard"]);
    assert!(read(&mut listener).await.unwrap().contains("heard"));
    proxy.drop_messages(true);
    redis.command(&["PUBLISH", "c", "dropped"]);
    listener.write_all(b"PING\r\n").await.unwrap();
    let reply = read(&mut listener).await.unwrap();
    assert!(
        reply.contains("pong") && !reply.contains("dropped"),
        "{reply}"
    );
    assert_eq!(proxy.dropped(), 1);
    proxy.drop_messages(false);
    proxy.stall(true);
    listener.write_all(b"PING\r\n").await.unwrap();
    let silence = timeout(Duration::from_millis(50), read(&mut listener)).await;
    assert!(silence.is_err());
    proxy.stall(false);
    assert!(read(&mut listener).await.unwrap().contains("pong"));
    proxy.cut();
    assert_eq!(read(&mut listener).await, None);
    proxy.refuse(true);
    let mut refused = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    assert_eq!(read(&mut refused).await, None);
    assert_eq!(proxy.opened(), 1);
}

/// The next bytes; none when the connection has ended.
async fn read(from: &mut TcpStream) -> Option<String> {
    let mut piece = [0; 1024];
    let read = from.read(&mut piece).await.unwrap_or(0);
    (read > 0).then(|| String::from_utf8_lossy(&piece[..read]).into_owned())
}
