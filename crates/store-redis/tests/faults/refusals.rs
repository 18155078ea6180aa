//! Servers and settings that are refused, each with a sentence that tells why and no secret.

use crate::given::{options, refused};
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store_redis::RedisOptions as StoreOptions;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_eviction_policy_that_drops_tasks_is_refused() {
    let server = RedisServer::start(&RedisOptions::default());
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = refused(options(server.url())).await;
    assert!(
        said.contains("allkeys-lru") && said.contains("noeviction"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_and_not_shown() {
    let server = RedisServer::start(&RedisOptions {
        password: Some("correct-horse".into()),
        ..RedisOptions::default()
    });
    let port = server.port();
    for user in ["", "somebody"] {
        let url = format!("redis://{user}:battery-staple@127.0.0.1:{port}");
        let said = refused(options(url)).await;
        assert!(
            said.contains(&format!("Redis at 127.0.0.1:{port}")),
            "{said}"
        );
        assert!(said.to_lowercase().contains("password"), "{said}");
        assert!(
            !said.contains("horse") && !said.contains("staple"),
            "{said}"
        );
        assert!(!said.contains("somebody"), "{said}");
    }
    let said = refused(options(format!("redis://127.0.0.1:{port}"))).await;
    assert!(said.contains("Authentication required"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_server_is_said_and_not_shown() {
    let said = refused(options("http://somebody:battery-staple@localhost")).await;
    assert!(
        said.contains("redis://") && !said.contains("staple"),
        "{said}"
    );
    // Nobody listens there: the port was free a moment ago.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let said = refused(options(format!("redis://:battery-staple@127.0.0.1:{port}"))).await;
    assert!(
        said.contains(&port.to_string()) && !said.contains("staple"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_refused() {
    let server = RedisServer::start(&RedisOptions::default());
    let replica = RedisServer::start(&RedisOptions {
        config: vec![format!("replicaof 127.0.0.1 {}", server.port())],
        password: None,
    });
    let said = refused(options(replica.url())).await;
    assert!(said.contains("replica"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_with_braces_is_refused() {
    for prefix in ["", "a{b", "}"] {
        let options = StoreOptions {
            prefix: prefix.into(),
            ..options("redis://127.0.0.1:1")
        };
        let said = refused(options).await;
        assert!(said.contains("prefix"), "{said}");
    }
}
