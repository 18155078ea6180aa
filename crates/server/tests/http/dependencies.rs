//! What the health routes tell of the servers behind the store, without asking them.

use crate::support::*;
use std::sync::Arc;
use taskcast_server::{ArchiveReport, ArchiveStatus, Backend, Layer};
use taskcast_store::{Dependency, FailureKind, ManualClock};

struct Behind;

impl ArchiveReport for Behind {
    fn archive(&self) -> ArchiveStatus {
        ArchiveStatus {
            backlog_bytes: 7,
            max_backlog_bytes: 100,
            partitions_behind: 3,
            ..ArchiveStatus::default()
        }
    }
}

fn dependency(name: &'static str) -> Arc<Dependency> {
    let dependency = Dependency::new(name, Arc::new(ManualClock::at(START)));
    dependency.answered();
    Arc::new(dependency)
}

#[tokio::test]
async fn each_dependency_is_told_and_one_that_is_away_is_enough_to_be_unready() {
    let [command, push, archive] = ["redisCommand", "redisPubSub", "postgres"].map(dependency);
    let mut given = given();
    given.backend = Backend {
        broadcast: Layer::new("redis", vec![push.clone()]),
        short_term: vec![command],
        long_term: Some(Layer::new("postgres", vec![archive.clone()])),
        archive: Some(Arc::new(Behind)),
        release: None,
    };
    let world = given.world();
    let healthy = json!({"state": "healthy"});
    let all = json!({"redisCommand": healthy, "redisPubSub": healthy, "postgres": healthy});
    let ready = world.ask(get("/health/ready")).await.expect(200).json();
    assert_eq!(ready, json!({"ok": true, "dependencies": all}));

    push.reconnecting(FailureKind::ConnectionReset);
    push.reconnecting(FailureKind::ConnectionRefused);
    archive.failed(FailureKind::Timeout);
    archive.answered();
    let ready = world.ask(get("/health/ready")).await.expect(503).json();
    let away = json!({"state": "unhealthy", "errorKind": "connection_refused"});
    assert_eq!(ready["dependencies"]["redisPubSub"], away);
    let detail = world.ask(get("/health/detail")).await.expect(200).json();
    assert_eq!(detail["ok"], false);
    let adapters = json!({
        "broadcast": {"provider": "redis", "status": "error"},
        "shortTermStore": {"provider": "memory", "status": "ok"},
        "longTermStore": {"provider": "postgres", "status": "ok"},
    });
    assert_eq!(detail["adapters"], adapters);
    assert_eq!(
        detail["dependencies"]["redisPubSub"],
        json!({"configured": true, "state": "reconnecting",
            "lastTransitionAt": "2023-11-14T22:13:20.000Z", "consecutiveFailures": 2,
            "lastErrorKind": "connection_refused", "reconnectAttempts": 2})
    );
    assert_eq!(
        detail["dependencies"]["postgres"],
        json!({"configured": true, "state": "healthy",
            "lastTransitionAt": "2023-11-14T22:13:20.000Z", "consecutiveFailures": 0,
            "lastErrorKind": "timeout"})
    );
    assert_eq!(
        detail["archive"],
        json!({"backlogBytes": 7, "maxBacklogBytes": 100, "partitionsBehind": 3, "full": false,
            "working": false})
    );
}

#[tokio::test]
async fn a_store_without_a_server_is_looked_at_itself() {
    let world = world();
    let detail = world.ask(get("/health/detail")).await.expect(200).json();
    assert_eq!(
        detail["dependencies"]["memory"],
        json!({"configured": true, "state": "healthy",
            "lastTransitionAt": "2023-11-14T22:13:20.000Z", "consecutiveFailures": 0})
    );
    assert!(detail.get("archive").is_none());
}
