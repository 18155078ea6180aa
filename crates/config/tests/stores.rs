//! Which stores a server runs with: the guide's files, the rules of selection, Redis and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{PEM, SECRET, Start};
use std::time::Duration;
use taskcast_config::{
    Auth, HotRetention, LongTermStorage, Overrides, RedisSettings, Settings, Storage,
};

/// As the guide prints it.
const GUIDE_MINIMAL: &str = "# taskcast.config.yaml
port: 3721

auth:
  mode: jwt
  jwt:
    algorithm: HS256
    secret: ${JWT_SECRET}

adapters:
  broadcast:
    provider: redis
    url: ${REDIS_URL}
  shortTerm:
    provider: redis
    url: ${REDIS_URL}
";

/// As the guide prints it, but for `sentry` and `cleanup`.
const GUIDE_FULL: &str = "# taskcast.config.yaml
port: 3721
logLevel: info

auth:
  mode: jwt
  jwt:
    algorithm: RS256
    publicKeyFile: jwt.pub

adapters:
  broadcast:
    provider: redis
    url: ${REDIS_URL}
  shortTerm:
    provider: redis
    url: ${REDIS_URL}
  longTerm:
    provider: postgres
    url: ${DATABASE_URL}
";

const REDIS: &str = "redis://me:PASSWORD@redis.example:6380/1";
const POSTGRES: &str = "postgres://me:PASSWORD@db.example:5433/tasks";

fn storage(storage: &str) -> Overrides {
    Overrides {
        storage: Some(storage.into()),
        ..Overrides::default()
    }
}

/// Short-term and long-term store in two words.
fn words(settings: &Settings) -> (&'static str, &'static str) {
    let long_term = match settings.long_term.as_ref().map(|it| &it.store) {
        None => "none",
        Some(LongTermStorage::Postgres(_)) => "postgres",
        Some(LongTermStorage::Sqlite { .. }) => "sqlite",
    };
    (settings.storage.provider(), long_term)
}

fn redis(start: &Start) -> RedisSettings {
    match start.loads().settings.storage {
        Storage::Redis(redis) => redis,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_guides_minimal_configuration_is_redis_without_a_long_term_store() {
    let start = Start::new()
        .yaml(GUIDE_MINIMAL)
        .var("JWT_SECRET", SECRET)
        .var("REDIS_URL", REDIS);
    let loaded = start.loads();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert!(matches!(loaded.settings.auth, Auth::Jwt(_)));
    assert_eq!(words(&loaded.settings), ("redis", "none"));
    let redis = redis(&start);
    assert_eq!(redis.url.secret().expose(), REDIS);
    assert_eq!(
        (redis.prefix.as_str(), redis.wait_replicas),
        ("taskcast", 0)
    );
}

#[test]
fn the_guides_full_configuration_adds_postgres_and_older_names_of_the_keys_say_the_same() {
    let older = GUIDE_FULL
        .replace("shortTerm:", "shortTermStore:")
        .replace("longTerm:", "longTermStore:");
    for text in [GUIDE_FULL, &older] {
        let loaded = Start::new()
            .yaml(text)
            .file("jwt.pub", PEM)
            .var("REDIS_URL", REDIS)
            .var("DATABASE_URL", POSTGRES)
            .loads();
        assert_eq!(loaded.warnings, Vec::<String>::new());
        assert_eq!(words(&loaded.settings), ("redis", "postgres"));
        let long_term = loaded.settings.long_term.unwrap();
        assert_eq!(long_term.retention, None);
        let LongTermStorage::Postgres(postgres) = long_term.store else {
            panic!("{:?}", long_term.store);
        };
        assert_eq!(postgres.url.secret().expose(), POSTGRES);
        assert_eq!(
            (postgres.max_connections, postgres.auto_migrate),
            (10, false)
        );
    }
}

/// The file, the variables, the flag, and which stores it comes to.
type Choice = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
    (&'static str, &'static str),
);

#[rustfmt::skip]
const CHOICES: &[Choice] = &[
    ("", &[], None, ("sqlite", "none")),
    // Redis, when there is a URL and nothing else was chosen.
    ("", &[("TASKCAST_REDIS_URL", REDIS)], None, ("redis", "none")),
    ("adapters: {redis: {url: redis://a}}", &[], None, ("redis", "none")),
    ("adapters: {broadcast: {url: redis://a}}", &[], None, ("redis", "none")),
    ("adapters: {broadcast: {provider: redis, url: redis://a}}", &[], None, ("redis", "none")),
    ("adapters: {shortTerm: {provider: redis}}", &[("TASKCAST_REDIS_URL", REDIS)], None, ("redis", "none")),
    ("adapters: {shortTerm: {provider: memory}}", &[("TASKCAST_REDIS_URL", REDIS)], None, ("memory", "none")),
    ("adapters: {broadcast: {provider: memory}}", &[("TASKCAST_REDIS_URL", REDIS)], None, ("sqlite", "none")),
    ("", &[("TASKCAST_REDIS_URL", REDIS), ("TASKCAST_STORAGE", "sqlite")], None, ("sqlite", "none")),
    ("", &[("TASKCAST_REDIS_URL", REDIS)], Some("memory"), ("memory", "none")),
    // A mode chooses store and broadcast.
    ("adapters: {broadcast: {provider: redis, url: redis://a}, shortTerm: {provider: redis}}", &[], Some("memory"), ("memory", "none")),
    ("adapters: {broadcast: {provider: redis, url: redis://a}}", &[("TASKCAST_STORAGE", "sqlite")], None, ("sqlite", "none")),
    ("adapters: {broadcast: {provider: memory}, shortTerm: {provider: memory}}", &[("TASKCAST_REDIS_URL", REDIS)], Some("redis"), ("redis", "none")),
    ("", &[("TASKCAST_STORAGE", "memory"), ("TASKCAST_REDIS_URL", REDIS)], Some("redis"), ("redis", "none")),
    // Providers that match.
    ("adapters: {broadcast: {provider: memory}, shortTerm: {provider: sqlite}}", &[], None, ("sqlite", "none")),
    // The long-term store.
    ("", &[("TASKCAST_POSTGRES_URL", POSTGRES)], None, ("sqlite", "postgres")),
    ("", &[("TASKCAST_POSTGRES_URL", POSTGRES)], Some("memory"), ("memory", "postgres")),
    ("", &[("TASKCAST_POSTGRES_URL", POSTGRES), ("TASKCAST_REDIS_URL", REDIS)], None, ("redis", "postgres")),
    ("", &[("TASKCAST_POSTGRES_URL", POSTGRES)], Some("sqlite"), ("sqlite", "none")),
    ("adapters: {shortTerm: {provider: sqlite}}", &[("TASKCAST_POSTGRES_URL", POSTGRES)], None, ("sqlite", "none")),
    ("adapters: {longTerm: {provider: postgres}}", &[("TASKCAST_POSTGRES_URL", POSTGRES)], Some("sqlite"), ("sqlite", "postgres")),
    ("adapters: {shortTerm: {provider: sqlite}, longTerm: {url: postgres://a/b}}", &[], None, ("sqlite", "postgres")),
    ("adapters: {longTerm: {provider: sqlite, path: archive.db}}", &[], None, ("sqlite", "sqlite")),
    ("adapters: {longTerm: {path: archive.db}}", &[], Some("memory"), ("memory", "sqlite")),
    ("adapters: {longTerm: {provider: sqlite, path: archive.db}}", &[("TASKCAST_POSTGRES_URL", POSTGRES)], None, ("sqlite", "sqlite")),
    ("adapters: {longTerm: {provider: sqlite, path: archive.db}}", &[("TASKCAST_REDIS_URL", REDIS)], None, ("redis", "sqlite")),
];

#[test]
fn the_stores_follow_flag_variable_file_and_url() {
    for (yaml, variables, flag, expected) in CHOICES {
        let mut start = Start::new().yaml(yaml);
        for (name, value) in *variables {
            start = start.var(name, value);
        }
        if let Some(flag) = flag {
            start = start.flags(storage(flag));
        }
        let settings = start.loads().settings;
        assert_eq!(words(&settings), *expected, "{yaml} {variables:?} {flag:?}");
    }
}

#[test]
fn the_highest_layer_names_the_redis() {
    let yaml = "adapters: {broadcast: {url: redis://file}, shortTerm: {url: redis://file}}";
    let url = |start: &Start| redis(start).url.to_string();
    assert_eq!(url(&Start::new().yaml(yaml)), "redis://file");
    let start = Start::new()
        .yaml(yaml)
        .var("TASKCAST_REDIS_URL", "redis://var");
    assert_eq!(url(&start), "redis://var");
    let variable = "TASKCAST_ADAPTERS_BROADCAST_URL";
    let start = Start::new().yaml(yaml).var(variable, "redis://broadcast");
    assert_eq!(url(&start), "redis://broadcast");
    let file = "adapters: {redis: {urlFile: redis.url}, shortTerm: {url: redis://file}}";
    let start = Start::new().yaml(file).file("redis.url", "redis://file\n");
    assert_eq!(url(&start), "redis://file");
}

#[test]
fn redis_takes_tls_users_cluster_nodes_a_prefix_and_replicas() {
    let yaml = "adapters:\n  redis: {url: 'rediss://me:PASSWORD@a:7001,b:7002', prefix: 'app:t', waitReplicas: 2}";
    let redis = redis(&Start::new().yaml(yaml));
    assert_eq!((redis.prefix.as_str(), redis.wait_replicas), ("app:t", 2));
    let nodes: Vec<String> = redis
        .url
        .each_host()
        .iter()
        .map(|node| node.expose().to_owned())
        .collect();
    assert_eq!(
        nodes,
        ["rediss://me:PASSWORD@a:7001", "rediss://me:PASSWORD@b:7002"]
    );
}

#[test]
fn the_lifecycle_says_what_leaves_the_short_term_store() {
    let yaml = "adapters: {longTerm: {path: archive.db}}\n\
                longTerm: {maxBacklogBytes: 2097152}\n\
                storageLifecycle: {hotRetentionEnabled: true, hotRetentionIdleSeconds: 7}";
    let long_term = Start::new()
        .yaml(yaml)
        .var("TASKCAST_REHYDRATE_REPLAY_EVENTS", "50")
        .var("TASKCAST_STORAGE_LOCK_TTL_SECONDS", "3")
        .loads()
        .settings
        .long_term
        .unwrap();
    assert_eq!(long_term.max_backlog_bytes, Some(2 << 20));
    assert_eq!(long_term.lease_ttl, Duration::from_secs(3));
    let retention = HotRetention {
        terminal: Duration::from_secs(86_400),
        idle: Duration::from_secs(7),
        window_events: 50,
    };
    assert_eq!(long_term.retention, Some(retention));
}

#[test]
fn memory_lets_go_of_what_is_archived_unless_told_otherwise() {
    let lets_go = |flag: &str, yaml: &str| {
        let yaml = format!("adapters: {{longTerm: {{path: archive.db}}}}\n{yaml}");
        let loaded = Start::new().yaml(&yaml).flags(storage(flag)).loads();
        loaded.settings.long_term.unwrap().retention.is_some()
    };
    assert!(lets_go("memory", ""));
    assert!(!lets_go("sqlite", ""));
    assert!(!lets_go(
        "memory",
        "storageLifecycle: {hotRetentionEnabled: false}"
    ));
    assert!(lets_go(
        "sqlite",
        "storageLifecycle: {hotRetentionEnabled: true}"
    ));
}

/// YAML, and how the one refusal reads after the file's name.
#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("adapters:\n  shortTerm: {provider: redis}", "2:25: adapters.shortTerm.provider: storage mode redis requires TASKCAST_REDIS_URL or a configured Redis URL; set TASKCAST_REDIS_URL, or adapters.redis.url"),
    ("adapters:\n  broadcast: {provider: redis}", "2:25: adapters.broadcast.provider: storage mode redis requires TASKCAST_REDIS_URL or a configured Redis URL; set TASKCAST_REDIS_URL, or adapters.redis.url"),
    ("adapters:\n  broadcast: {provider: redis}\n  shortTerm: {provider: memory}", "2:25: adapters.broadcast.provider: configured short-term and broadcast providers must match; redis serves as both; with memory or sqlite as short-term store leave it out"),
    ("adapters:\n  broadcast: {provider: memory}\n  shortTerm: {provider: redis, url: redis://a}", "2:25: adapters.broadcast.provider: configured short-term and broadcast providers must match; redis serves as both; with memory or sqlite as short-term store leave it out"),
    ("adapters:\n  broadcast: {url: 'redis://:PASSWORD@a'}\n  shortTerm: {url: 'redis://:PASSWORD@b'}", "3:20: adapters.shortTerm.url: configured Redis broadcast and short-term URLs must match; one Redis carries both; adapters.broadcast.url names another one"),
    ("adapters:\n  redis: {url: 'http://:PASSWORD@a'}", "2:16: adapters.redis.url: this is no URL of a Redis: it has another scheme; write it as redis://[user:password@]host:6379[/0], with rediss:// for TLS, and nodes of a cluster with commas: redis://a:6379,b:6379"),
    ("adapters:\n  redis: {url: 'redis://:PASS/WORD@a'}", "2:16: adapters.redis.url: this is no URL of a Redis: its user or password has characters that have to be percent-encoded; write it as redis://[user:password@]host:6379[/0], with rediss:// for TLS, and nodes of a cluster with commas: redis://a:6379,b:6379"),
    ("adapters:\n  redis: {url: redis://a, prefix: 'a{b}'}", "2:35: adapters.redis.prefix: the prefix of keys has braces, white space, or more than 256 bytes; use a word like taskcast, or app:taskcast"),
    ("adapters:\n  redis: {url: redis://a, urlFile: x}", "2:36: adapters.redis.urlFile: `url` is given too; keep one of them"),
    ("adapters:\n  shortTerm: {provider: sqlite, url: redis://a}", "2:38: adapters.shortTerm.url: storage sqlite does not use it; remove it, or choose the other storage"),
    ("adapters:\n  shortTerm: {provider: redis, url: redis://a, path: x}", "2:54: adapters.shortTerm.path: storage redis does not use it; remove it, or choose the other storage"),
    ("adapters:\n  redis: {prefix: x}", "2:19: adapters.redis.prefix: storage sqlite does not use it; remove it, or choose the other storage"),
    ("adapters:\n  shortTerm: {provider: postgres}", "2:25: adapters.shortTerm.provider: expected memory, sqlite, or redis, got \"postgres\""),
    ("adapters:\n  longTerm: {provider: postgres}", "2:24: adapters.longTerm.provider: configured PostgreSQL long-term store requires TASKCAST_POSTGRES_URL or adapters.longTerm.url"),
    ("adapters:\n  longTermStore: {url: 'mysql://:PASSWORD@a'}", "2:24: adapters.longTerm.url: this is no URL of a PostgreSQL database: it has another scheme; write it as postgres://user:password@host:5432/database"),
    ("adapters:\n  longTerm: {provider: sqlite}", "2:24: adapters.longTerm.provider: the long-term store needs a file of its own; set adapters.longTerm.path"),
    ("adapters:\n  longTerm: {path: ./taskcast.db}", "2:20: adapters.longTerm.path: this is the file of the short-term store; give the archive a file of its own"),
    ("adapters:\n  longTerm: {path: x, url: postgres://a/b}", "2:20: adapters.longTerm.path: a path of SQLite and a URL of PostgreSQL are given, and no provider; set adapters.longTerm.provider"),
    ("adapters:\n  longTerm: {provider: postgres, url: postgres://a/b, path: x}", "2:61: adapters.longTerm.path: long-term store postgres does not use it; remove it, or choose the other storage"),
    ("storageLifecycle:\n  ttlSweepBatchSize: 100", "2:3: storageLifecycle.ttlSweepBatchSize: deadlines are kept in order and fire by themselves: there is no sweep to tune; remove the key"),
];

#[test]
fn every_refusal_of_stores_names_line_key_and_remedy_and_no_password() {
    for (text, expected) in REFUSED {
        let said = Start::new().yaml(text).refusal();
        assert_eq!(said, format!("taskcast.config.yaml:{expected}"), "{text}");
        assert!(!said.contains("PASS"), "{said}");
    }
    let said = Start::new().flags(storage("redis")).refusal();
    assert!(
        said.starts_with("--storage: adapters.shortTerm.provider: storage mode redis requires"),
        "{said}"
    );
}

#[test]
fn what_is_set_and_not_used_is_pointed_out() {
    let cases = [
        (
            Start::new()
                .var("TASKCAST_REDIS_URL", REDIS)
                .flags(storage("memory")),
            "TASKCAST_REDIS_URL is set, but storage memory does not use Redis",
        ),
        (
            Start::new()
                .var("TASKCAST_POSTGRES_URL", POSTGRES)
                .flags(storage("sqlite")),
            "TASKCAST_POSTGRES_URL is set, but storage sqlite does not use it unless \
             adapters.longTerm.provider is postgres",
        ),
        (
            Start::new().yaml("longTerm: {maxBacklogBytes: 1048576}"),
            "longTerm.maxBacklogBytes has no effect without a long-term store",
        ),
        (
            Start::new().yaml("storageLifecycle: {hotRetentionEnabled: true}"),
            "storageLifecycle.hotRetentionEnabled has no effect without a long-term store",
        ),
        (
            Start::new().yaml(
                "adapters: {longTerm: {path: a.db}}\nstorageLifecycle: {rehydrateReplayEvents: 5}",
            ),
            "storageLifecycle.rehydrateReplayEvents has no effect without \
             `storageLifecycle.hotRetentionEnabled: true`",
        ),
        (
            Start::new().yaml("adapters: {longTerm: {maxConnections: 5}}"),
            "adapters.longTerm.maxConnections has no effect without a long-term store",
        ),
    ];
    for (start, expected) in cases {
        assert_eq!(start.loads().warnings, [expected]);
    }
}

#[test]
fn no_password_is_in_anything_that_is_shown() {
    let loaded = Start::new()
        .var("TASKCAST_REDIS_URL", REDIS)
        .var("TASKCAST_POSTGRES_URL", POSTGRES)
        .loads();
    let shown = format!("{loaded:?} {}", serde_json::to_string(&loaded).unwrap());
    assert!(!shown.contains("PASSWORD"), "{shown}");
    assert!(
        shown.contains("redis://[redacted]@redis.example:6380/1"),
        "{shown}"
    );
    assert!(
        shown.contains("postgres://[redacted]@db.example:5433/tasks"),
        "{shown}"
    );
}
