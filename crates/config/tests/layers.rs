//! Every key through every layer: command line over environment over file over default.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{PEM, SECRET, Start};
use proptest::prelude::*;
use serde_json::{Value, json};
use taskcast_config::{KeyReference, LogLevel, Overrides, Settings, describe};

/// The keys that one variable can set.
fn keys() -> Vec<KeyReference> {
    describe()
        .into_iter()
        .filter(|key| !key.variables.is_empty())
        .collect()
}

/// A value of the key's type that is not its default, as a variable holds it.
fn another_value(key: &KeyReference) -> String {
    match (key.path.as_str(), &key.default) {
        ("host", _) => "10.0.0.1".into(),
        ("cors.origins", _) => "https://a.b".into(),
        ("auth.mode", _) => "jwt".into(),
        ("auth.jwt.publicKey", _) => PEM.into(),
        ("adminTokenFile" | "auth.jwt.secretFile", _) => "other.key".into(),
        ("auth.jwt.publicKeyFile", _) => "other.pem".into(),
        ("adapters.longTerm.url", _) => "postgres://other/tasks".into(),
        ("adapters.longTerm.urlFile", _) => "other.postgres".into(),
        ("adapters.redis.urlFile", _) => "other.redis".into(),
        ("adapters.longTerm.provider", _) => "sqlite".into(),
        ("adapters.shortTerm.provider" | "adapters.broadcast.provider", _) => "memory".into(),
        (path, _) if path.ends_with(".url") => "redis://other:6379".into(),
        (_, _) if key.secret => format!("another {SECRET}"),
        (_, Some(Value::Bool(value))) => (!value).to_string(),
        (_, Some(Value::Number(number))) => (number.as_u64().unwrap() + 1).to_string(),
        (_, Some(Value::String(word))) if !key.path.ends_with(".path") => key
            .takes
            .split([',', ' '])
            .find(|other| ![word.as_str(), "", "or"].contains(other))
            .unwrap()
            .into(),
        (_, None) if key.takes == "true or false" => "true".into(),
        ("longTerm.maxBacklogBytes", _) => "2097152".into(),
        (_, None) if key.takes.starts_with("a whole number") => "77".into(),
        _ => "something".into(),
    }
}

/// Surroundings in which keys matter: each key has an effect in at least one of them.
fn surroundings() -> [(&'static str, Start); 8] {
    let start = |yaml: &str| {
        Start::new()
            .yaml(yaml)
            .file("other.key", format!("other {SECRET}"))
            .file("other.redis", "redis://other:6379")
            .file("other.postgres", "postgres://other/tasks")
            .file("other.pem", PEM.replace("MCow", "Other"))
            .file("jwt.pem", PEM.replace("MCow", "First"))
    };
    [
        ("an open server", start("adminApi: false")),
        (
            "with an admin",
            start(&format!("adminApi: true\nadminToken: {SECRET}")),
        ),
        (
            "in memory",
            start("adapters: {shortTerm: {provider: memory}}"),
        ),
        (
            "with secrets",
            start(&format!("auth: {{mode: jwt, jwt: {{secret: {SECRET}}}}}")),
        ),
        (
            "with two tiers",
            start(
                "adapters: {redis: {url: redis://a}, longTerm: {url: postgres://a/b}}\n\
                 storageLifecycle: {hotRetentionEnabled: true}",
            ),
        ),
        (
            "with a file for good",
            start("adapters: {longTerm: {path: archive.db}}"),
        ),
        (
            "with a choice to make",
            start("adapters: {longTerm: {path: archive.db, url: postgres://a/b}}"),
        ),
        (
            "with public keys",
            start("auth: {mode: jwt, jwt: {algorithm: RS256, publicKeyFile: jwt.pem}}"),
        ),
    ]
}

fn settings(start: &Start, variables: &[(&str, &str)]) -> Option<Settings> {
    let mut request = start.request.clone();
    request.env.extend(
        variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    );
    taskcast_config::load(&request)
        .ok()
        .map(|loaded| loaded.settings)
}

#[test]
fn every_variable_of_every_key_has_its_effect() {
    let surroundings = surroundings();
    for key in keys() {
        let value = another_value(&key);
        for name in &key.variables {
            let mut variables = vec![(name.as_str(), value.as_str())];
            if key.path == "auth.mode" {
                variables.push(("TASKCAST_JWT_SECRET", SECRET));
            }
            let changed = surroundings.iter().any(|(_, start)| {
                let with = settings(start, &variables);
                with.is_some() && with != settings(start, &[])
            });
            assert!(changed, "{name}={value} changes nothing");
        }
    }
}

#[test]
fn every_variable_refuses_what_its_key_does_not_take_and_ignores_emptiness() {
    for key in keys() {
        for name in &key.variables {
            assert!(
                Start::new().var(name, "").loads().given.is_empty(),
                "{name}"
            );
            let typed = !["text", "\"*\" or a list of text"].contains(&key.takes.as_str());
            if typed {
                let said = Start::new().var(name, "no such thing").refusal();
                assert!(
                    said.starts_with(&format!("{name}: {}: invalid", key.path)),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn writing_a_default_changes_nothing() {
    for key in describe() {
        let Some(default) = &key.default else {
            continue;
        };
        let text = yaml(&key.path, &default.to_string());
        let storage = if key.path.ends_with(".maxBytes") {
            "memory"
        } else {
            "sqlite"
        };
        let flags = || Overrides {
            storage: Some(storage.into()),
            ..Overrides::default()
        };
        let mode = ("TASKCAST_AUTH_MODE", "none");
        let (plain, written) = (Start::new(), Start::new().yaml(&text));
        let settings = |start: Start| {
            let folder = start.folder.path().display().to_string();
            let start = start.var(mode.0, mode.1).flags(flags());
            format!("{:?}", start.loads().settings).replace(&folder, "")
        };
        assert_eq!(settings(written), settings(plain), "{text}");
    }
}

#[test]
fn the_schema_is_closed_and_stands_alone() {
    let text = taskcast_config::json_schema().to_string();
    assert!(!text.contains("$ref"), "{text}");
    let sections = text.matches("\"properties\":").count();
    assert_eq!(
        text.matches("\"additionalProperties\":false").count(),
        sections
    );
}

/// Writes `value` at `path` as YAML that nests.
fn yaml(path: &str, value: &str) -> String {
    let steps: Vec<&str> = path.split('.').collect();
    let open: String = steps.iter().map(|step| format!("{{{step}: ")).collect();
    format!("{open}{value}{}", "}".repeat(steps.len()))
}

/// Keys with a range, and a way to read what arrived.
fn numbers() -> Vec<(KeyReference, u64, u64)> {
    let bounds = |key: &KeyReference| {
        let range = key
            .takes
            .strip_prefix("a whole number from ")?
            .split_once(" to ")?;
        Some((range.0.parse().ok()?, range.1.parse().ok()?))
    };
    keys()
        .into_iter()
        .filter_map(|key| bounds(&key).map(|(min, max)| (key, min, max)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_highest_layer_that_gives_a_number_wins(
        which in any::<prop::sample::Index>(),
        shares in prop::array::uniform2(prop::option::of(0.0..=1.0_f64)),
        empty in any::<bool>(),
    ) {
        let numbers = numbers();
        let (key, min, max) = which.get(&numbers);
        let value = |share: f64| min + ((max - min) as f64 * share) as u64;
        let [file, variable] = shares.map(|share| share.map(value));
        // A flag chooses a store, so that the keys of others are idle and not refused.
        let storage = Some(if key.path.ends_with("maxBytes") { "memory" } else { "sqlite" }.into());
        let mut start = Start::new().flags(Overrides { storage, ..Overrides::default() });
        if let Some(value) = file {
            start = start.yaml(&yaml(&key.path, &value.to_string()));
        }
        if key.path.starts_with("auth.jwt") {
            start = start.var("TASKCAST_AUTH_MODE", "none");
        }
        match variable {
            Some(value) => start = start.var(&key.variables[0], &value.to_string()),
            None if empty => start = start.var(&key.variables[0], ""),
            None => {}
        }
        let loaded = start.loads();
        let given = loaded.given.iter().find(|given| given.path == key.path);
        prop_assert_eq!(given.map(|given| given.value.clone()), variable.or(file).map(|v| json!(v)));
    }

    #[test]
    fn the_port_and_level_follow_flag_variable_file_default(
        file in prop::option::of(any::<u16>()),
        variable in prop::option::of(any::<u16>()),
        flag in prop::option::of(any::<u16>()),
        verbose in any::<bool>(),
    ) {
        let mut start = Start::new().var("TASKCAST_LOG_LEVEL", "warn").flags(Overrides {
            port: flag,
            log_level: verbose.then_some(LogLevel::Debug),
            ..Overrides::default()
        });
        if let Some(port) = file {
            start = start.yaml(&format!("port: {port}\nlogLevel: error"));
        }
        if let Some(port) = variable {
            start = start.var("TASKCAST_PORT", &port.to_string());
        }
        let settings = start.loads().settings;
        prop_assert_eq!(settings.bind.port, flag.or(variable).or(file).unwrap_or(3721));
        let level = if verbose { LogLevel::Debug } else { LogLevel::Warn };
        prop_assert_eq!(settings.log.level, level);
    }

    #[test]
    fn numbers_outside_their_range_are_refused_in_every_layer(
        which in any::<prop::sample::Index>(),
        above in 1..1_000_000_u64,
    ) {
        let numbers = numbers();
        let (key, min, max) = which.get(&numbers);
        let mut outside = vec![(max + above).to_string(), "-1".into()];
        if *min > 0 {
            outside.push((min - 1).to_string());
        }
        for value in outside {
            let said = Start::new().yaml(&yaml(&key.path, &value)).refusal();
            prop_assert!(said.contains(&format!("{}: expected a whole number", key.path)), "{}", said);
            let said = Start::new().var(&key.variables[0], &value).refusal();
            prop_assert!(said.contains(": invalid TASKCAST_"), "{}", said);
        }
    }

    #[test]
    fn no_text_makes_loading_panic(text in ".{0,200}|([a-z:{}\\[\\]&*!|>'\"#,?\\- \n\t$]|port|auth){0,60}") {
        for name in ["x.yaml", "x.json"] {
            let start = Start::new().file(name, &text).explicit(name);
            let _ = taskcast_config::load(&start.request);
        }
    }
}
