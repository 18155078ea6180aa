//! The production configurations of the guide start a server as they are printed.

use crate::support::{Ran, Server};
use crate::{SECRET, get};
use serde_json::Value;
use taskcast_rig::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};

const GUIDE: &str = include_str!("../../../../docs/guide/deployment.md");

/// A public key for RS256; nobody has the private one.
const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArTNq0/DNXwZrd6dQTXQG
ZDK4fy933dd1nIKGzBPXvwJGQ3Oar6CorQL2aF0/ukD1OuYEIRs2CAxbSBleMw8/
eQoYBWar3ThCftOlL4X4ZyNsSTzmTQvPf5as3n3e1AeXqLhe049LuXz/mwVbJGTg
zaKcJlSuRqvej+rFLtMTn3kIWhGkwX3wB7k/L3L/nHw7IleQsLpZYSpYyFg0jGCH
ceHl+y1tv/4+bYxFwR3jndqn6cPnem1UOqtDO4rJbfSx+/TFm83j9m65sNeAggmY
VeDZ6iARUqdQXoFy7RmkG0mONKI0jU3hEw7DO+uQqenCNm+qLmUW2Yy7h6ByNdCT
mQIDAQAB
-----END PUBLIC KEY-----
";

/// The YAML below a heading of the guide.
fn yaml(heading: &str) -> &'static str {
    let (_, below) = GUIDE.split_once(&format!("\n### {heading}\n")).unwrap();
    let (_, block) = below.split_once("```yaml\n").unwrap();
    block.split_once("```").unwrap().0
}

/// Without a section, which ends with the file or where the next one begins.
fn without(yaml: &str, section: &str) -> String {
    let (before, rest) = yaml.split_once(&format!("\n{section}:\n")).unwrap();
    let end = rest
        .match_indices('\n')
        .map(|(at, _)| at)
        .find(|at| rest[at + 1..].starts_with(|next: char| next.is_alphabetic()));
    format!("{before}\n{}", &rest[end.unwrap_or(rest.len())..])
}

fn start(yaml: &str, variables: &[(&str, &str)]) -> Server {
    Server::start_with(&["--port", "0"], variables, |folder| {
        std::fs::write(folder.join("taskcast.config.yaml"), yaml).unwrap();
        std::fs::write(folder.join("jwt.pub"), PUBLIC_KEY).unwrap();
    })
}

/// The dependencies in the order of their names, each with its state.
fn states(detail: &Value) -> Vec<String> {
    let all = detail["dependencies"].as_object().unwrap();
    let state = |(name, it): (&String, &Value)| format!("{name} {}", it["state"].as_str().unwrap());
    let mut states: Vec<String> = all.iter().map(state).collect();
    states.sort();
    states
}

#[test]
fn the_minimal_yaml_of_the_guide_starts_a_server_on_redis() {
    let redis = RedisServer::start(&RedisOptions::with_aof("always"));
    let variables = [("JWT_SECRET", SECRET), ("REDIS_URL", &redis.url())];
    let server = start(yaml("Minimal"), &variables);
    let said = server.start_lines().join("\n");
    let shown = format!("storage        redis, redis://127.0.0.1:{}", redis.port());
    for expected in [
        shown.as_str(),
        "long-term      (none)",
        "acknowledged   in Redis, synced to its append-only file before the answer",
    ] {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
    let detail = get(&server, "/health/detail");
    assert_eq!(detail["adapters"]["broadcast"]["provider"], "redis");
    assert_eq!(detail["adapters"]["shortTermStore"]["provider"], "redis");
    assert_eq!(
        states(&detail),
        ["redisCommand healthy", "redisPubSub healthy"]
    );
    let mut signing = server.command(&["token", "--scope", "*"]);
    let token = Ran::of(signing.envs(variables)).stdout();
    let id = server
        .taskcast(&["tasks", "create", "--token", &token])
        .stdout();
    let task = server.taskcast(&["tasks", "get", &id, "--token", &token, "--json"]);
    assert_eq!(task.json()["status"], "pending");
}

#[test]
fn the_full_yaml_of_the_guide_without_cleanup_starts_a_server_on_redis_and_postgres() {
    let redis = RedisServer::start(&RedisOptions::default());
    let postgres = PostgresServer::start(&PostgresOptions::default());
    let variables = [
        ("REDIS_URL", redis.url()),
        ("DATABASE_URL", postgres.url()),
        ("TASKCAST_AUTO_MIGRATE", "true".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let printed = yaml("Full").replace("/run/secrets/jwt.pub", "jwt.pub");
    let server = start(&without(&printed, "cleanup"), &variables);
    let said = server.start_lines().join("\n");
    let shown = format!(
        "long-term      postgres, postgres://[redacted]@127.0.0.1:{}/postgres",
        postgres.port()
    );
    assert!(said.contains(&shown), "{shown} in {said}");
    let log = server.log();
    for expected in [
        "Sentry is off: variable SENTRY_DSN in sentry.dsn is not set",
        "TASKCAST_AUTO_MIGRATE enabled — running Postgres migrations on postgres://[redacted]@",
        "new migration(s): 0001_archive",
    ] {
        assert!(log.contains(expected), "{expected:?} in {log}");
    }
    let detail = get(&server, "/health/detail");
    assert_eq!(detail["adapters"]["longTermStore"]["provider"], "postgres");
    assert_eq!(
        states(&detail),
        [
            "postgres healthy",
            "redisCommand healthy",
            "redisPubSub healthy"
        ]
    );
    assert_eq!(detail["archive"]["full"], false);
    assert_eq!(get(&server, "/health/ready")["ok"], true);
}
