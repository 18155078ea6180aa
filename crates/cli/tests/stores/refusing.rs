//! A server that cannot have what it depends on says so, without secrets, and ends.

use crate::free_port;
use crate::support::{Ran, program};
use taskcast_rig::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use tempfile::TempDir;

const PASSWORD: &str = "hunter2-hunter2";

/// What a server with these variables says when it refuses to start.
fn refused(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let mut command = program(folder.path());
    command
        .args(["start", "--port", "0"])
        .args(arguments)
        .envs(variables.iter().copied());
    let ran = Ran::of(&mut command);
    let said = ran.stderr();
    assert_eq!(ran.code(), 1, "{said}");
    assert_eq!(
        ran.any_stdout(),
        "",
        "it says that it listens only when it does"
    );
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_redis_that_is_not_there_or_does_not_let_us_in_is_named_without_its_password() {
    let port = free_port();
    let url = format!("redis://me:{PASSWORD}@127.0.0.1:{port}");
    let said = refused(&[("TASKCAST_REDIS_URL", &url)], &[]);
    let expected = format!("Redis at 127.0.0.1:{port} is unavailable: ");
    assert!(said.contains(&expected), "{said}");
    assert!(said.to_lowercase().contains("refused"), "{said}");
    assert!(
        said.contains("`taskcast config check` shows its URL"),
        "{said}"
    );

    let redis = RedisServer::start(&RedisOptions {
        password: Some("right".into()),
        ..RedisOptions::default()
    });
    let wrong = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port());
    let said = refused(&[("TASKCAST_REDIS_URL", &wrong)], &[]);
    let expected = format!("Redis at 127.0.0.1:{} is unavailable: ", redis.port());
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn a_redis_that_evicts_tasks_in_use_is_refused() {
    let redis = RedisServer::start(&RedisOptions {
        config: vec![
            "maxmemory 50mb".into(),
            "maxmemory-policy allkeys-lru".into(),
        ],
        password: None,
    });
    let said = refused(&[("TASKCAST_REDIS_URL", &redis.url())], &[]);
    assert!(said.contains("maxmemory-policy"), "{said}");
    assert!(said.contains("noeviction"), "{said}");
}

#[test]
fn a_postgres_that_is_not_there_or_not_migrated_or_does_not_let_us_in_is_named() {
    let port = free_port();
    let url = format!("postgres://me:{PASSWORD}@127.0.0.1:{port}/tasks");
    let said = refused(&[("TASKCAST_POSTGRES_URL", &url)], &["-s", "memory"]);
    let expected = format!("PostgreSQL at 127.0.0.1:{port}/tasks is unavailable: ");
    assert!(said.contains(&expected), "{said}");

    let postgres = PostgresServer::start(&PostgresOptions {
        password: Some("right".into()),
        ..PostgresOptions::default()
    });
    let wrong = format!(
        "postgres://taskcast:{PASSWORD}@127.0.0.1:{}/postgres",
        postgres.port()
    );
    let variables = [
        ("TASKCAST_POSTGRES_URL", wrong.as_str()),
        ("TASKCAST_AUTO_MIGRATE", "1"),
    ];
    let said = refused(&variables, &["-s", "memory"]);
    assert!(said.contains("Auto-migration failed: "), "{said}");
    assert!(
        said.contains("it refuses the user or the password"),
        "{said}"
    );

    let variables = [("TASKCAST_POSTGRES_URL", postgres.url())];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let said = refused(&variables, &["-s", "memory"]);
    assert!(
        said.contains("run `taskcast migrate`, or set TASKCAST_AUTO_MIGRATE=true"),
        "{said}"
    );
}
