//! Databases get their schema once, however many instances start, and wrong ones are told plainly.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use std::sync::Arc;
use support::server;
use taskcast_rig::{PostgresOptions as ServerOptions, PostgresServer};
use taskcast_store::ManualClock;
use taskcast_store_postgres::{PostgresError, PostgresOptions, PostgresStore, migrations};

async fn connect(url: &str) -> Result<PostgresStore, PostgresError> {
    PostgresStore::connect(PostgresOptions::new(url), Arc::new(ManualClock::default())).await
}

fn fresh() -> (Arc<PostgresServer>, String, String) {
    let server = server();
    let database = server.new_database();
    let url = server.url_of(&database, server.port());
    (server, database, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_migrate_at_once_and_each_migration_runs_once() {
    let (_server, _, url) = fresh();
    let pending = migrations::pending(&url).await.unwrap();
    assert!(!pending.is_empty());
    let mut instances = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        instances.spawn(async move {
            let applied = migrations::run(&url).await.unwrap();
            connect(&url).await.unwrap();
            applied
        });
    }
    let applied = instances.join_all().await;
    let names: Vec<String> = applied.iter().flat_map(|one| one.names.clone()).collect();
    assert_eq!(names, pending);
    assert!(applied.iter().all(|one| one.count == one.names.len()));
    assert!(migrations::pending(&url).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let (server, database, url) = fresh();
    migrations::pending(&url).await.unwrap();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'taskcast'";
    assert_eq!(server.psql(&database, schemas), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_behind_says_what_to_run() {
    let (_server, _, url) = fresh();
    let error = connect(&url).await.err().unwrap();
    assert!(matches!(error, PostgresError::Behind { .. }));
    let text = error.to_string();
    assert!(
        text.contains("taskcast migrate") && text.contains("TASKCAST_AUTO_MIGRATE"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_ahead_or_changed_is_refused() {
    let (server, database, url) = fresh();
    migrations::run(&url).await.unwrap();
    server.psql(
        &database,
        "INSERT INTO taskcast.migrations (number, name, sha256) VALUES (99, '0099_later', '')",
    );
    let error = connect(&url).await.err().unwrap();
    assert!(
        matches!(&error, PostgresError::Ahead { migration, .. } if migration == "0099_later"),
        "{error}"
    );
    assert!(matches!(
        migrations::run(&url).await,
        Err(PostgresError::Ahead { .. })
    ));
    server.psql(
        &database,
        "DELETE FROM taskcast.migrations WHERE number = 99;
                            UPDATE taskcast.migrations SET sha256 = 'another'",
    );
    let error = connect(&url).await.err().unwrap();
    assert!(matches!(error, PostgresError::Changed { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_utf_8_is_refused() {
    let server = server();
    server.psql(
        "postgres",
        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0",
    );
    let error = migrations::run(&server.url_of("ascii", server.port()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, PostgresError::Encoding { encoding, .. } if encoding == "SQL_ASCII"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_the_password_or_the_user() {
    let password = Some("correct horse".into());
    let server = PostgresServer::start(&ServerOptions {
        password,
        ..ServerOptions::default()
    });
    let url = format!(
        "postgres://someuser:hunter2@127.0.0.1:{}/postgres",
        server.port()
    );
    let text = connect(&url).await.err().unwrap().to_string();
    let place = format!(
        "PostgreSQL at 127.0.0.1:{}/postgres is unavailable",
        server.port()
    );
    assert!(text.starts_with(&place), "{text}");
    assert!(
        !text.contains("hunter2") && !text.contains("someuser"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_no_such_database_are_told_apart() {
    let server = server();
    let text = connect(&server.url_of("nowhere", server.port()))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(text.ends_with("there is no such database"), "{text}");
    let text = connect("postgres://me:hunter2@127.0.0.1:1/x")
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.contains("refused") && !text.contains("hunter2"),
        "{text}"
    );
}
