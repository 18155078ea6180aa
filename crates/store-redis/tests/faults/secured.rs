//! TLS, and a user who may do no more than is needed.

use crate::given::{connect, events, new_task, number};
use std::process::Command;
use std::time::Duration;
use taskcast_core::Millis;
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::tier::HotStore;
use taskcast_store::{
    ListAsk, Partition, Positions, ShortTermStore, TaskFilter, TaskIndex, TaskLog,
};
use taskcast_store_redis::RedisStore;

/// Uses a store for a bit of everything.
async fn use_store(store: &RedisStore) {
    let state = store.create(new_task("a")).await.unwrap();
    store.commit(number("a", 1)).await.unwrap();
    assert_eq!(events(store, "a").await.len(), 1);
    let ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 10,
    };
    assert_eq!(store.list(ask).await.unwrap().tasks.len(), 1);
    store.due(Millis(0), 10).await.unwrap();
    let after = taskcast_core::CommitNumber(0);
    store.appended(Partition(0), after, 10).await.unwrap();
    store.notes(Partition(0), 10).await.unwrap();
    let ttl = Duration::from_secs(1);
    assert!(store.lease("work", 1, ttl).await.unwrap());
    assert!(store.delete(&state.record.id, state.epoch).await.unwrap());
}

/// As the documentation says it.
const USER: [&str; 13] = [
    "ACL",
    "SETUSER",
    "app",
    "on",
    ">battery-staple",
    "~taskcast:store",
    "~{taskcast:*",
    "&{taskcast:*",
    "+@all",
    "-@admin",
    "-@dangerous",
    "+info",
    "-config",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_the_keys_below_the_prefix_and_info() {
    let server = RedisServer::start(&RedisOptions::default());
    assert_eq!(server.command(&USER), "+OK\r\n");
    let port = server.port();
    let url = format!("redis://app:battery-staple@127.0.0.1:{port}");
    let store = connect(url).await;
    // CONFIG is denied, so nobody knows how durable the answer is.
    let said = store.info().acknowledgement;
    assert!(said.contains("unknown"), "{said}");
    use_store(&store).await;
    // A channel that may not be used costs the hint and not the commit.
    server.command(&["ACL", "SETUSER", "app", "resetchannels"]);
    use_store(&store).await;
}

/// Runs in a process of its own, which trusts the certificate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls() {
    let Ok(url) = std::env::var("TASKCAST_TEST_REDISS") else {
        return;
    };
    let store = connect(url).await;
    use_store(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_works_with_a_certificate_that_is_trusted_and_not_without() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let _server = RedisServer::start(&RedisOptions {
        config: vec![
            format!("tls-port {port}"),
            format!("tls-cert-file {}", certificate.display()),
            format!("tls-key-file {}", key.display()),
            "tls-auth-clients no".into(),
        ],
        password: None,
    });
    let url = format!("rediss://localhost:{port}");
    let said = crate::given::refused(crate::given::options(&url)).await;
    assert!(said.contains("certificate"), "{said}");
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secured::over_tls"])
        .env("TASKCAST_TEST_REDISS", &url)
        .env("SSL_CERT_FILE", &certificate)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}
