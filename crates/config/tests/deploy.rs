//! The files in `deploy/` hang together: what the containers are given is what the server takes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{SECRET, Start};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};
use taskcast_config::{Auth, Interface, LongTermStorage, Storage};

const COMPOSE: &str = include_str!("../../../deploy/compose.yaml");
const CONFIG: &str = include_str!("../../../deploy/taskcast.config.yaml");
const CADDYFILE: &str = include_str!("../../../deploy/Caddyfile");
const DOCKERFILE: &str = include_str!("../../../deploy/Dockerfile");

/// Plain YAML as JSON; every scalar is text.
fn yaml(text: &str) -> Value {
    let mut events = Parser::new_from_str(text)
        .map(|event| event.unwrap().0)
        .filter(|event| {
            !matches!(
                event,
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing
            )
        });
    let first = events.next().unwrap();
    value(first, &mut events)
}

fn value<'a>(event: Event<'a>, rest: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match event {
        Event::Scalar(text, ..) => Value::from(text.to_string()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match rest.next().unwrap() {
                    Event::SequenceEnd => return Value::Array(items),
                    event => items.push(value(event, rest)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            loop {
                match rest.next().unwrap() {
                    Event::MappingEnd => return Value::Object(entries),
                    Event::Scalar(key, ..) => {
                        let next = rest.next().unwrap();
                        entries.insert(key.to_string(), value(next, rest));
                    }
                    other => panic!("a key that is no text: {other:?}"),
                }
            }
        }
        other => panic!("unexpected in YAML: {other:?}"),
    }
}

/// A server in its container: the configuration and the variables of the compose file.
fn in_its_container() -> Start {
    let compose = yaml(COMPOSE);
    let variables = compose["services"]["taskcast"]["environment"]
        .as_object()
        .unwrap();
    let start = Start::new().yaml(CONFIG);
    variables.iter().fold(start, |start, (name, value)| {
        let value = value.as_str().unwrap();
        let value = match name.as_str() {
            "JWT_SECRET" => SECRET.to_owned(),
            _ => value.replace("${POSTGRES_PASSWORD}", "PASSWORD"),
        };
        assert!(!value.contains("${"), "{name} is not known here");
        start.var(name, &value)
    })
}

#[test]
fn the_containers_run_redis_and_postgres_with_tokens_and_no_warning() {
    let loaded = in_its_container().loads();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let settings = loaded.settings;
    assert!(matches!(settings.auth, Auth::Jwt(_)));
    assert_eq!(settings.bind.interface, Interface::All);
    let Storage::Redis(redis) = settings.storage else {
        panic!("{:?}", settings.storage);
    };
    assert_eq!(redis.url.to_string(), "redis://redis:6379");
    let long_term = settings.long_term.unwrap();
    assert!(long_term.retention.is_some());
    let LongTermStorage::Postgres(postgres) = long_term.store else {
        panic!("{:?}", long_term.store);
    };
    assert!(postgres.auto_migrate, "many instances start at once");
    let url = postgres.url.to_string();
    assert_eq!(url, "postgres://[redacted]@postgres:5432/taskcast");
}

#[test]
fn the_hosts_users_and_ports_of_the_files_are_the_same() {
    let compose = yaml(COMPOSE);
    let services = compose["services"].as_object().unwrap();
    for name in ["proxy", "taskcast", "redis", "postgres"] {
        assert!(services.contains_key(name), "{name}");
    }
    let postgres = &services["postgres"]["environment"];
    assert_eq!(postgres["POSTGRES_USER"], "taskcast");
    assert_eq!(postgres["POSTGRES_DB"], "taskcast");
    assert_eq!(services["taskcast"]["deploy"]["replicas"], "3");
    let port = in_its_container().loads().settings.bind.port;
    for expected in ["name taskcast".to_owned(), format!("port {port}")] {
        assert!(CADDYFILE.contains(&expected), "{expected}");
    }
    assert!(
        CADDYFILE.contains("flush_interval -1"),
        "streams are not held back"
    );
}

#[test]
fn the_container_of_a_server_has_its_configuration_where_it_looks_for_it() {
    let compose = yaml(COMPOSE);
    let volume = "./taskcast.config.yaml:/etc/taskcast/taskcast.config.yaml:ro";
    assert_eq!(compose["services"]["taskcast"]["volumes"][0], volume);
    let command = r#"CMD ["start", "-c", "/etc/taskcast/taskcast.config.yaml"]"#;
    assert!(DOCKERFILE.contains(command));
    let build = &compose["services"]["taskcast"]["build"];
    assert_eq!(build["dockerfile"], "deploy/Dockerfile");
}

#[test]
fn redis_keeps_an_append_only_file_and_evicts_nothing() {
    let compose = yaml(COMPOSE);
    let command: Vec<&str> = compose["services"]["redis"]["command"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let given = |flag: &str| {
        let at = command.iter().position(|word| *word == flag)?;
        command.get(at + 1).copied()
    };
    assert_eq!(given("--appendonly"), Some("yes"));
    assert_eq!(given("--maxmemory-policy"), Some("noeviction"));
    assert!(
        given("--maxmemory").is_some(),
        "so that the backlog has a bound"
    );
}
