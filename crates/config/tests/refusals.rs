//! What refuses to start, and the words it is refused with.

mod common;

use common::{PEM, SECRET, Start};
use taskcast_config::Overrides;

/// YAML, and how the one refusal reads after the file's name.
#[rustfmt::skip]
const YAML: &[(&str, &str)] = &[
    // Unknown keys.
    ("prot: 1", "1:1: prot: unknown key; did you mean `port`?"),
    ("auth:\n  mdoe: jwt", "2:3: auth.mdoe: unknown key; did you mean `mode`?"),
    ("limits:\n  eventsPerbatch: 1", "2:3: limits.eventsPerbatch: unknown key; did you mean `eventsPerBatch`?"),
    ("webhok: 1", "1:1: webhok: unknown key; did you mean `webhook`?"),
    ("completelyElse: 1", "1:1: completelyElse: unknown key"),
    ("- port: 1", "1:1: expected keys with values, got a list"),
    ("just words", "1:1: expected keys with values, got text"),
    // Wrong types.
    ("port: lots", "1:7: port: expected a whole number from 0 to 65535, got \"lots\""),
    ("port: \"3721\"", "1:7: port: expected a whole number from 0 to 65535, got \"3721\"; remove the quotes"),
    ("port: 65536", "1:7: port: expected a whole number from 0 to 65535, got 65536"),
    ("port: -1", "1:7: port: expected a whole number from 0 to 65535, got -1"),
    ("port: 37.5", "1:7: port: expected a whole number from 0 to 65535, got 37.5"),
    ("port: 0x10", "1:7: port: expected a whole number from 0 to 65535, got 0x10"),
    ("port: 99999999999999999999999", "1:7: port: expected a whole number from 0 to 65535, got 99999999999999999999999"),
    ("port: [1]", "1:7: port: expected a whole number from 0 to 65535, got a list"),
    ("port:", "1:5: port: expected a whole number from 0 to 65535, got nothing; give it a value or remove the key"),
    ("adminApi: yes", "1:11: adminApi: expected true or false, got \"yes\"; write true or false, without quotes"),
    ("adminToken: 1234", "1:13: adminToken: expected text, got a number; put it in quotes"),
    ("host: ''", "1:7: host: expected text, got empty text"),
    ("auth: jwt", "1:7: auth: expected a section of keys, got text"),
    ("logLevel: INFO", "1:11: logLevel: expected debug, info, warn, or error, got \"INFO\"; did you mean `info`?"),
    ("logFormat: xml", "1:12: logFormat: expected text or json, got \"xml\""),
    ("trustedServices:\n  name: x", "2:3: trustedServices: expected a list of sections, got a section"),
    ("cors:\n  origins: https://a.b", "2:12: cors.origins: expected \"*\" or a list of text, got \"https://a.b\"; write it as a list, [\"…\"]"),
    ("cors:\n  origins: [1]", "2:12: cors.origins: expected \"*\" or a list of text, got a list with a number in it"),
    // Ranges.
    ("limits:\n  publishBodyBytes: 1", "2:21: limits.publishBodyBytes: expected a whole number from 1024 to 1073741824, got 1"),
    ("sse:\n  heartbeatMs: 0", "2:16: sse.heartbeatMs: expected a whole number from 100 to 300000, got 0"),
    // Authentication that would be open.
    ("auth:\n  mode: jtw", "2:9: auth.mode: expected none, jwt, or custom, got \"jtw\"; did you mean `jwt`?"),
    ("auth:\n  mode: JWT", "2:9: auth.mode: expected none, jwt, or custom, got \"JWT\"; did you mean `jwt`?"),
    ("auth:\n  mode: custom", "2:9: auth.mode: auth.mode custom needs a function, which only an embedding program has; use jwt or none"),
    ("auth:\n  mode: jwt", "2:9: auth.mode: auth.mode jwt with HS256 needs a key; set auth.jwt.secret or auth.jwt.secretFile"),
    ("auth:\n  mode: jwt\n  jwt:\n    algorithm: EdDSA", "2:9: auth.mode: auth.mode jwt with EdDSA needs a key; set auth.jwt.publicKey or auth.jwt.publicKeyFile"),
    ("auth:\n  jwt:\n    secret: abc", "3:13: auth.jwt.secret: it is set, but auth.mode is not; set auth.mode to jwt, or to none to leave the server open"),
    ("auth:\n  mode: jwt\n  jwt: {algorithm: hs256, secret: abc}", "3:20: auth.jwt.algorithm: expected HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, or EdDSA, got \"hs256\"; did you mean `HS256`?"),
    ("auth:\n  mode: jwt\n  jwt: {algorithm: none, secret: abc}", "3:20: auth.jwt.algorithm: expected HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, or EdDSA, got \"none\""),
    ("auth:\n  mode: jwt\n  jwt: {secret: abc, secretFile: abc}", "3:34: auth.jwt.secretFile: `secret` is given too; keep one of them"),
    ("auth:\n  mode: jwt\n  jwt: {secret: abc, publicKeyFile: abc}", "3:37: auth.jwt.publicKeyFile: HS256 does not use it; remove it, or set auth.jwt.algorithm to one with a public key, as RS256"),
    ("auth:\n  mode: jwt\n  jwt: {secretFile: gone.key}", "3:21: auth.jwt.secretFile: cannot use gone.key: no such file"),
    ("auth:\n  mode: jwt\n  jwt: {secretFile: keys}", "3:21: auth.jwt.secretFile: cannot use keys: it is a directory"),
    ("auth:\n  mode: jwt\n  jwt: {secretFile: empty.key}", "3:21: auth.jwt.secretFile: cannot use empty.key: it is empty"),
    ("auth:\n  mode: jwt\n  jwt: {algorithm: RS256, publicKeyFile: words.key}", "3:42: auth.jwt.publicKeyFile: expected a public key in PEM form; it begins with -----BEGIN PUBLIC KEY-----"),
    ("auth:\n  mode: jwt\n  jwt: {algorithm: RS256, publicKeyFile: private.key}", "3:42: auth.jwt.publicKeyFile: this is a private key; give the public key; `openssl pkey -pubout` makes it"),
    ("adminTokenFile: gone.key\nadminApi: true", "1:17: adminTokenFile: cannot use gone.key: no such file"),
    ("adminTokenFile: large.key\nadminApi: true", "1:17: adminTokenFile: cannot use large.key: it is larger than 65536 bytes"),
    ("adminTokenFile: binary.key\nadminApi: true", "1:17: adminTokenFile: cannot use binary.key: it is not UTF-8 text"),
    // Trusted services.
    ("trustedServices: [{name: a, key: k, scope: []}]", "1:26: trustedServices[0].name: the key has fewer than 16 bytes and can be guessed; make a new one, such as with `openssl rand -hex 32`"),
    ("trustedServices:\n  - name: a", "2:5: trustedServices[0]: `scope` is missing"),
    ("trustedServices:\n  - {name: a, scope: ['*']}", "2:12: trustedServices[0].name: the service has no key; set `key` or `keyFile`"),
    ("trustedServices:\n  - {name: a, key: k, scope: '*'}", "2:30: trustedServices[0].scope: expected a list of task:create, task:manage, task:resolve, task:signal, event:publish, event:subscribe, event:history, webhook:create, worker:connect, worker:manage, or *, got \"*\"; write it as a list, [\"…\"]"),
    ("trustedServices:\n  - {name: a, key: k, scope: [], taskIds: t1}", "2:43: trustedServices[0].taskIds: expected \"*\" or a list of text, got \"t1\"; write it as a list, [\"…\"]"),
    ("trustedServices:\n  - {name: a, key: a key of 16 bytes, scope: []}\n  - {name: b, key: a key of 16 bytes, scope: []}", "3:12: trustedServices[1].name: another service has the same key"),
    ("trustedServices:\n  - {name: a, key: a key of 16 bytes, scope: []}\n  - {name: a, key: a key of 17 bytes!, scope: []}", "3:12: trustedServices[1].name: another service has the same name"),
    ("trustedServices:\n  - {name: a, keys: k, key: l, scope: []}", "2:15: trustedServices[0].keys: unknown key; did you mean `key`?"),
    ("trustedServices: [x]", "1:19: trustedServices[0]: expected a section of keys, got text"),
    // Storage.
    ("adapters:\n  shortTerm: {provider: sqlit}", "2:25: adapters.shortTerm.provider: expected memory, sqlite, or redis, got \"sqlit\"; did you mean `sqlite`?"),
    ("adapters:\n  shortTerm: {provider: memory, path: x.db}", "2:39: adapters.shortTerm.path: storage memory does not use it; remove it, or choose the other storage"),
    ("adapters:\n  shortTerm: {maxBytes: 2000000}", "2:25: adapters.shortTerm.maxBytes: storage sqlite does not use it; remove it, or choose the other storage"),
    ("adapters:\n  shortTerm: {path: a.db}\n  shortTermStore: {path: b.db}", "3:3: adapters.shortTerm: `shortTermStore` is another name of `shortTerm`, which is given on line 2; keep one"),
    // Host and origins.
    ("host: 127.0.0.1:3721", "1:7: host: expected an IP address or a host name; give the port with `port`, and no scheme or path"),
    ("host: http://localhost", "1:7: host: expected an IP address or a host name; give the port with `port`, and no scheme or path"),
    ("host: 127.0.0.256", "1:7: host: expected an IP address or a host name; give the port with `port`, and no scheme or path"),
    ("cors:\n  origins: ['https://a.b/']", "2:12: cors.origins: number 1 of the list is not an origin; write it as https://app.example.com, without a path or a slash at the end"),
    ("cors:\n  origins: ['*']", "2:12: cors.origins: number 1 of the list is not an origin; write `origins: \"*\"` for any origin"),
    // Interpolation.
    ("host: ${GONE}", "1:7: host: variable GONE is not set; set it, or remove the key"),
    ("host: a.${EMPTY}", "1:7: host: variable EMPTY is empty; set it, or remove the key"),
    ("host: ${GONE:-localhost}", "1:7: host: variable GONE:-localhost is not set; `${NAME}` takes a name only: there are no defaults or other forms"),
    ("port: ${WORDS}", "1:7: port: expected a whole number from 0 to 65535, got something else from a variable"),
    ("port: 1${DIGIT}", "1:7: port: expected a whole number from 0 to 65535, got text"),
    // Features of later builds.
    ("webhook: {defaultRetry: {retries: 3}}", "1:1: webhook: not supported yet by this build (webhook delivery); remove the key"),
    ("cleanup: {rules: []}", "1:1: cleanup: not supported yet by this build (cleanup rules); remove the key"),
    ("workers: {enabled: false}", "1:1: workers: not supported yet by this build (worker assignment); remove the key"),
    ("metrics: {}", "1:1: metrics: not supported yet by this build (metrics); remove the key"),
    ("sentry:\n  dsn: https://x@y/1", "1:1: sentry: Sentry is not supported yet by this build; remove the section"),
    ("sentry:\n  captureTaskFailures: true", "1:1: sentry: Sentry is not supported yet by this build; remove the section"),
    ("sentry:\n  dsn: ${GONE}\n  captureTaskFailure: true", "3:3: sentry.captureTaskFailure: unknown key; did you mean `captureTaskFailures`?"),
    // Syntax.
    ("port: 1\nport: 2", "2:1: `port` is given twice; first on line 1"),
    ("port: 1\n---\nport: 2", "2:1: a second document; a configuration is one"),
    ("port: !!int 1", "1:7: YAML tags (`!…`) are not supported"),
];

#[test]
fn every_yaml_refusal_names_line_key_and_remedy() {
    let mut wrong = Vec::new();
    for (text, expected) in YAML {
        let start = with_keys(Start::new().yaml(text));
        let expected = [format!("taskcast.config.yaml:{expected}")];
        let found = start.refusals();
        if found != expected {
            wrong.push(format!("{text}\n  {found:#?}\n  {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// JSON, and how the one refusal reads after the file's name.
#[rustfmt::skip]
const JSON: &[(&str, &str)] = &[
    ("{\n \"prot\": 1}", "2:2: prot: unknown key; did you mean `port`?"),
    ("{\n \"port\": \"${WORDS}\"}", "2:10: port: expected a whole number from 0 to 65535, got something else from a variable"),
    ("{\"host\": null}", "1:10: host: expected text, got nothing; give it a value or remove the key"),
    ("{\"port\": 3721.0}", "1:10: port: expected a whole number from 0 to 65535, got 3721.0"),
    ("{\"port\": 1,\n\"port\": 2}", "2:1: `port` is given twice; first on line 1"),
    ("{\"port\": 1,}", "1:12: not valid JSON: trailing comma"),
    ("[]", "1:1: expected keys with values, got a list"),
    ("port: 1", "1:1: not valid JSON: expected value"),
];

#[test]
fn every_json_refusal_names_line_key_and_remedy() {
    for (text, expected) in JSON {
        let start = with_keys(Start::new().json(text));
        let expected = format!("taskcast.config.json:{expected}");
        assert_eq!(start.refusals(), [expected], "{text}");
    }
}

/// A variable, its value, and how the one refusal reads.
#[rustfmt::skip]
const VARIABLES: &[(&str, &str, &str)] = &[
    ("TASKCAST_PORT", "x", "TASKCAST_PORT: port: invalid TASKCAST_PORT \"x\"; expected a whole number from 0 to 65535"),
    ("TASKCAST_PORT", "70000", "TASKCAST_PORT: port: invalid TASKCAST_PORT \"70000\"; expected a whole number from 0 to 65535"),
    ("TASKCAST_LOG_LEVEL", "loud", "TASKCAST_LOG_LEVEL: logLevel: invalid TASKCAST_LOG_LEVEL \"loud\"; expected debug, info, warn, or error"),
    ("TASKCAST_AUTH_MODE", "jwt ", "TASKCAST_AUTH_MODE: auth.mode: invalid TASKCAST_AUTH_MODE \"jwt \"; expected none, jwt, or custom"),
    ("TASKCAST_AUTH_MODE", "custom", "TASKCAST_AUTH_MODE: auth.mode: auth.mode custom needs a function, which only an embedding program has; use jwt or none"),
    ("TASKCAST_ADMIN_API", "1", "TASKCAST_ADMIN_API: adminApi: invalid TASKCAST_ADMIN_API \"1\"; expected true or false"),
    ("TASKCAST_JWT_SECRET", SECRET, "TASKCAST_JWT_SECRET: auth.jwt.secret: it is set, but auth.mode is not; set auth.mode to jwt, or to none to leave the server open"),
    ("TASKCAST_STORAGE", "disk", "TASKCAST_STORAGE: adapters.shortTerm.provider: invalid storage mode \"disk\"; expected memory, redis, or sqlite"),
    ("TASKCAST_ADMIN_TOKEN_FILE", "gone.key", "TASKCAST_ADMIN_TOKEN_FILE: adminTokenFile: cannot use gone.key: no such file"),
];

#[test]
fn every_variable_refusal_names_the_variable() {
    for (name, value, expected) in VARIABLES {
        assert_eq!(
            Start::new().var(name, value).refusals(),
            [*expected],
            "{name}={value}"
        );
    }
}

#[test]
fn two_variables_of_one_key_that_disagree_are_refused_without_their_values() {
    let start = Start::new()
        .var("TASKCAST_AUTH_MODE", "jwt")
        .var("TASKCAST_JWT_SECRET", SECRET)
        .var("TASKCAST_AUTH_JWT_SECRET", "other");
    assert_eq!(
        start.refusal(),
        "TASKCAST_JWT_SECRET: auth.jwt.secret: TASKCAST_JWT_SECRET and TASKCAST_AUTH_JWT_SECRET \
         both set it, to different values; keep one"
    );
    let start = start.var("TASKCAST_AUTH_JWT_SECRET", SECRET);
    start.loads();
}

#[test]
fn flags_are_refused_by_name() {
    let storage = |storage: &str, path: Option<&str>| {
        let overrides = Overrides {
            storage: Some(storage.into()),
            db_path: path.map(Into::into),
            ..Overrides::default()
        };
        Start::new().flags(overrides).refusal()
    };
    assert_eq!(
        storage("disk", None),
        "--storage: adapters.shortTerm.provider: invalid storage mode \"disk\"; \
         expected memory, redis, or sqlite"
    );
    assert_eq!(
        storage("memory", Some("x.db")),
        "--db-path: adapters.shortTerm.path: storage memory does not use it; remove it, or choose \
         the other storage"
    );
    let overrides = Overrides {
        host: Some("a b".into()),
        ..Overrides::default()
    };
    assert!(
        Start::new()
            .flags(overrides)
            .refusal()
            .starts_with("--host: host: expected an IP")
    );
}

#[test]
fn all_faults_of_all_sources_are_told_at_once() {
    let overrides = Overrides {
        storage: Some("disk".into()),
        ..Overrides::default()
    };
    let start = Start::new()
        .yaml(
            "prot: 1\nlogLevel: loud\nauth:\n  mode: jwt\n  jwt: {secretFile: gone}\nhost: ${GONE}",
        )
        .var("TASKCAST_SSE_RETRY_MS", "soon")
        .flags(overrides);
    let all = start.refusals();
    for part in [
        "prot",
        "logLevel",
        "GONE",
        "TASKCAST_SSE_RETRY_MS",
        "--storage",
        "secretFile",
    ] {
        assert_eq!(
            all.iter().filter(|one| one.contains(part)).count(),
            1,
            "{part}: {all:#?}"
        );
    }
    assert_eq!(all.len(), 6, "{all:#?}");
}

#[test]
fn no_refusal_warning_or_dump_shows_a_secret() {
    let secret_texts = [
        format!("adminToken: [{SECRET}]"),
        format!("adminToken: {{a: {SECRET}}}"),
        format!("auth:\n  mode: jwt\n  jwt: {{algorithm: RS256, publicKey: '{SECRET}'}}"),
        format!("auth:\n  mode: jwt\n  jwt: {{algorithm: RS256, secret: '{SECRET}'}}"),
        "port: ${TOKEN}\nlogLevel: x${TOKEN}\ncors: {origins: ['${TOKEN}/']}".to_owned(),
        format!("trustedServices:\n  - {{name: a, key: '{SECRET}', scope: [x]}}"),
    ];
    for text in secret_texts {
        let said = Start::new()
            .yaml(&text)
            .var("TOKEN", SECRET)
            .refusals()
            .join("\n");
        assert!(!said.contains("SECRET-0"), "{text}:\n{said}");
    }
    let start = Start::new()
        .yaml(
            "adminApi: true\nadminToken: ${TOKEN}\nauth: {mode: jwt, jwt: {secret: '${TOKEN}'}}\n\
             trustedServices:\n  - {name: a, key: '${TOKEN}', scope: ['*']}\n",
        )
        .var("TOKEN", SECRET);
    let loaded = start.loads();
    let dump = format!("{loaded:?}{}", serde_json::to_string(&loaded).unwrap());
    assert!(!dump.contains("SECRET-0"), "{dump}");
    assert!(dump.contains("[redacted]"));
}

fn with_keys(start: Start) -> Start {
    start
        .file("keys/x", "")
        .file("empty.key", "\n")
        .file("words.key", "not a key")
        .file("private.key", PEM.replace("PUBLIC", "EC PRIVATE"))
        .file("large.key", vec![b'x'; 70_000])
        .file("binary.key", [0xff, 0xfe])
        .var("EMPTY", "")
        .var("WORDS", "words")
        .var("DIGIT", "1")
}
