//! What is configured reaches the store: each setting is seen in what it does to a server behind.

use crate::support::{Process, Ran, Server, until};
use crate::{ask, get};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use taskcast_rig::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};

/// A server with these variables.
fn start(variables: &[(&str, &str)]) -> Server {
    Server::start_with(&[], variables, |_| {})
}

/// A server on this Redis, with an archive in a file.
fn with_archive(redis: &RedisServer, variables: &[(&str, &str)]) -> Server {
    let url = redis.url();
    let given = [
        ("TASKCAST_REDIS_URL", url.as_str()),
        ("TASKCAST_ADAPTERS_LONG_TERM_PATH", "archive.db"),
    ];
    start(&[&given, variables].concat())
}

/// A task with so many events.
fn fill(server: &Server, id: &str, events: usize) {
    server.taskcast(&["tasks", "create", "--id", id]).stdout();
    let event = json!({"type": "x", "data": null});
    let events = Value::from(vec![event; events]);
    let (status, said) = ask(server, "POST", &format!("/tasks/{id}/events"), &events);
    assert_eq!(status, 201, "{said}");
}

/// Ends a task.
fn end(server: &Server, id: &str) {
    for status in ["running", "completed"] {
        let ran = server.taskcast(&["tasks", "transition", id, status]);
        ran.stdout();
    }
}

/// The field of a hash in Redis whose key ends like this; none when there is no such key.
fn field(redis: &RedisServer, key_end: &str, field: &str) -> Option<u64> {
    let keys = redis.command(&["KEYS", &format!("*{key_end}")]);
    let key = keys.lines().find(|line| line.ends_with(key_end))?;
    let found = redis.command(&["HGET", key, field]);
    found.lines().last()?.trim().parse().ok()
}

/// Whether the short-term store has a task.
fn is_hot(redis: &RedisServer, id: &str) -> bool {
    field(redis, &format!(":k:{id}:m"), "tail").is_some()
}

#[test]
fn replicas_are_waited_for_when_they_are_asked_for() {
    let redis = RedisServer::start(&RedisOptions::default());
    let url = redis.url();
    let variables = [
        ("TASKCAST_REDIS_URL", url.as_str()),
        ("TASKCAST_ADAPTERS_REDIS_WAIT_REPLICAS", "1"),
    ];
    let server = start(&variables);
    let said = server.start_lines().join("\n");
    assert!(said.contains("1 of its replicas"), "{said}");
    // There is none.
    let (status, said) = ask(&server, "POST", "/tasks", &json!({}));
    assert_eq!(status, 503, "{said}");
    assert_eq!(said["code"], "store_unavailable", "{said}");
}

#[test]
fn everything_in_redis_is_below_the_prefix() {
    let redis = RedisServer::start(&RedisOptions::default());
    let server = with_archive(&redis, &[("TASKCAST_REDIS_PREFIX", "app:t")]);
    fill(&server, "t", 2);
    let mut logs = server.command(&["logs", "t"]);
    let _reader = Process::spawn(logs.stdout(Stdio::null()));
    for command in [&["KEYS", "*"][..], &["PUBSUB", "CHANNELS"]] {
        let names = || {
            let names = redis.command(command);
            let names = names.lines().filter(|line| !line.starts_with(['*', '$']));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        until("there is something", || !names().is_empty());
        for name in names() {
            let below = name.trim_start_matches('{').starts_with("app:t:");
            assert!(below, "{command:?}: {name}");
        }
    }
}

#[test]
fn password_and_database_of_the_url_are_used() {
    let redis = RedisServer::start(&RedisOptions {
        password: Some("hunter@/2".into()),
        ..RedisOptions::default()
    });
    let url = format!("redis://default:hunter%40%2F2@127.0.0.1:{}/3", redis.port());
    let server = start(&[("TASKCAST_REDIS_URL", &url)]);
    fill(&server, "t", 1);
    let kept = redis.command(&["INFO", "keyspace"]);
    assert!(kept.contains("db3:") && !kept.contains("db0:"), "{kept}");
}

#[test]
fn the_lease_lasts_as_long_as_it_is_set_to() {
    let redis = RedisServer::start(&RedisOptions::default());
    let server = with_archive(&redis, &[("TASKCAST_STORAGE_LOCK_TTL_SECONDS", "1000")]);
    until("one archives", || {
        get(&server, "/health/detail")["archive"]["working"] == true
    });
    let lease = redis.command(&["HGET", "{taskcast:0}:w", "larchive"]);
    let until: u64 = lease.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let now = redis.command(&["TIME"]);
    let now: u64 = now.lines().nth(2).unwrap().parse().unwrap();
    let left = (until / 1_000).saturating_sub(now);
    assert!((500..=1_000).contains(&left), "{left} s of {lease:?}");
}

#[test]
fn ended_and_idle_tasks_leave_redis_each_in_its_time() {
    for (ended, idle) in [("1", "100000"), ("100000", "1")] {
        let redis = RedisServer::start(&RedisOptions::default());
        let variables = [
            ("TASKCAST_HOT_RETENTION_ENABLED", "true"),
            ("TASKCAST_HOT_RETENTION_TERMINAL_SECONDS", ended),
            ("TASKCAST_HOT_RETENTION_IDLE_SECONDS", idle),
        ];
        let server = with_archive(&redis, &variables);
        fill(&server, "idle", 3);
        fill(&server, "ended", 3);
        end(&server, "ended");
        let (leaves, stays) = match idle {
            "1" => ("idle", "ended"),
            _ => ("ended", "idle"),
        };
        until("a task leaves", || !is_hot(&redis, leaves));
        assert!(is_hot(&redis, stays), "{stays}");
        // It is there as before.
        let told = server.taskcast(&["logs", leaves, "--no-follow", "--json", "--types", "x"]);
        assert_eq!(told.stdout().lines().count(), 3);
    }
}

#[test]
fn a_long_log_keeps_its_newest_events_in_redis() {
    let redis = RedisServer::start(&RedisOptions::default());
    let variables = [
        ("TASKCAST_HOT_RETENTION_ENABLED", "true"),
        ("TASKCAST_REHYDRATE_REPLAY_EVENTS", "20"),
    ];
    let server = with_archive(&redis, &variables);
    fill(&server, "t", 200);
    let kept = || {
        let slots = redis.command(&["KEYS", "*:k:t:g"]);
        let key = slots.lines().last().unwrap().to_owned();
        redis
            .command(&["HLEN", &key])
            .trim_start_matches(':')
            .trim()
            .to_owned()
    };
    until("only the newest are kept", || kept() == "20");
    let told = server.taskcast(&["logs", "t", "--no-follow", "--json"]);
    assert_eq!(told.stdout().lines().count(), 200);
}

#[test]
fn half_of_what_the_short_term_store_may_hold_can_wait_unless_told_otherwise() {
    let redis = RedisServer::start(&RedisOptions {
        config: vec!["maxmemory 200mb".into()],
        ..RedisOptions::default()
    });
    let url = redis.url();
    let cases = [
        ("TASKCAST_REDIS_URL", url.as_str(), 100 << 20),
        ("TASKCAST_STORAGE", "memory", 256 << 20),
        ("TASKCAST_STORAGE", "sqlite", 4_u64 << 30),
    ];
    for (name, value, expected) in cases {
        let archive = ("TASKCAST_ADAPTERS_LONG_TERM_PATH", "archive.db");
        let server = start(&[(name, value), archive]);
        let may = || get(&server, "/health/detail")["archive"]["maxBacklogBytes"].clone();
        until(value, || may() == expected);
    }
}

#[test]
fn publishing_stops_when_too_much_waits_and_goes_on_when_the_archive_is_back() {
    let mut postgres = PostgresServer::start(&PostgresOptions::default());
    let url = postgres.url();
    let variables = [
        ("TASKCAST_POSTGRES_URL", url.as_str()),
        ("TASKCAST_AUTO_MIGRATE", "on"),
        ("TASKCAST_STORAGE", "memory"),
        ("TASKCAST_LONG_TERM_MAX_BACKLOG_BYTES", "1048576"),
    ];
    let server = start(&variables);
    server.taskcast(&["tasks", "create", "--id", "t"]).stdout();
    let archive = || get(&server, "/health/detail")["archive"].clone();
    until("the backlog was looked at", || {
        archive()["maxBacklogBytes"] == 1_048_576
    });
    postgres.stop();
    let event = json!({"type": "x", "data": "a".repeat(700_000)});
    let publish = || ask(&server, "POST", "/tasks/t/events", &event).0;
    assert_eq!((publish(), publish()), (201, 201));
    until("the backlog is full", || archive()["full"] == true);
    assert_eq!(publish(), 503);
    postgres.restart();
    until("there is room again", || publish() == 201);
}

#[test]
fn one_connection_to_postgres_is_enough_when_there_may_be_no_more() {
    let postgres = PostgresServer::start(&PostgresOptions::default());
    let secrets = |folder: &Path| {
        std::fs::write(folder.join("postgres.url"), postgres.url()).unwrap();
        let yaml =
            "adapters:\n  shortTerm: {provider: memory}\n  longTerm: {urlFile: postgres.url}";
        std::fs::write(folder.join("taskcast.config.yaml"), yaml).unwrap();
    };
    let variables = [
        ("TASKCAST_AUTO_MIGRATE", "1"),
        ("TASKCAST_POSTGRES_MAX_CONNECTIONS", "1"),
    ];
    let server = Server::start_with(&[], &variables, secrets);
    fill(&server, "t", 3);
    end(&server, "t");
    let asked = json!({"expectedLastEventIndex": 4, "inactiveSince": 9_000_000_000_000_000_u64});
    let release = || ask(&server, "POST", "/tasks/t/storage/release", &asked).1;
    until("released", || release()["storageState"] == "cold");
    assert_eq!(release()["archiveWatermark"], 4);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let path = "/tasks/t/events/history";
                let (status, told) = ask(&server, "GET", path, &Value::Null);
                assert_eq!(status, 200, "{told}");
                let missing = ask(&server, "GET", "/tasks/nobody", &Value::Null);
                assert_eq!(missing.0, 404);
            });
        }
    });
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'taskcast'";
    assert_eq!(postgres.psql("postgres", sql), "1");
}

#[test]
fn no_password_is_told_by_a_running_server() {
    const PASSWORD: &str = "hunter2-hunter2";
    let redis = RedisServer::start(&RedisOptions {
        password: Some(PASSWORD.into()),
        ..RedisOptions::default()
    });
    let mut postgres = PostgresServer::start(&PostgresOptions {
        password: Some(PASSWORD.into()),
        ..PostgresOptions::default()
    });
    let (redis_url, url) = (redis.url(), postgres.url());
    let variables = [
        ("TASKCAST_REDIS_URL", redis_url.as_str()),
        ("TASKCAST_POSTGRES_URL", url.as_str()),
        ("TASKCAST_AUTO_MIGRATE", "1"),
        ("TASKCAST_LOG_LEVEL", "debug"),
    ];
    let server = start(&variables);
    fill(&server, "t", 1);
    postgres.stop();
    redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    until("the outage is told", || {
        get(&server, "/health/ready")["ok"] == false
    });
    let mut check = server.command(&["config", "check", "--storage", "redis"]);
    let checked = Ran::of(check.envs(variables)).stdout();
    let detail = get(&server, "/health/detail").to_string();
    let said = [
        server.log(),
        server.start_lines().join("\n"),
        checked,
        detail,
    ]
    .join("\n");
    assert!(said.contains("[redacted]"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
