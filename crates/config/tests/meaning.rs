//! What settings mean together: the guide's examples, binding, storage, warnings.

mod common;

use common::{SECRET, Start};
use taskcast_config::{Auth, Cors, Interface, Overrides, Selection, Storage};

#[test]
fn an_open_server_listens_on_loopback_unless_told_otherwise() {
    let interface = |yaml: &str| Start::new().yaml(yaml).loads().settings.bind.interface;
    let jwt = format!("auth: {{mode: jwt, jwt: {{secret: {SECRET}}}}}");
    let host = |host: &str| Interface::Host(host.to_owned());
    assert_eq!(interface(""), Interface::Loopback);
    assert_eq!(interface("auth: {mode: none}"), Interface::Loopback);
    assert_eq!(interface(&jwt), Interface::All);
    assert_eq!(interface("host: 0.0.0.0"), host("0.0.0.0"));
    assert_eq!(interface("host: '[::1]'"), host("::1"));
    assert_eq!(
        interface(&format!("{jwt}\nhost: taskcast.internal")),
        host("taskcast.internal")
    );
}

#[test]
fn an_open_server_on_a_reachable_host_is_warned_about() {
    let warnings = |yaml: &str| Start::new().yaml(yaml).loads().warnings;
    assert_eq!(
        warnings("host: 0.0.0.0"),
        ["auth.mode is none and host is 0.0.0.0: everyone who can reach it may do everything"]
    );
    assert_eq!(warnings("host: 127.0.0.1"), Vec::<String>::new());
    assert_eq!(warnings("host: localhost"), Vec::<String>::new());
}

#[test]
fn cors_follows_the_auth_mode_unless_origins_are_listed() {
    let cors = |yaml: &str| Start::new().yaml(yaml).loads().settings.cors;
    let jwt = format!("auth: {{mode: jwt, jwt: {{secret: {SECRET}}}}}");
    assert_eq!(cors(""), Cors::Loopback);
    assert_eq!(cors(&jwt), Cors::Any);
    assert_eq!(cors("cors: {origins: '*'}"), Cors::Any);
    assert_eq!(cors("cors: {origins: []}"), Cors::Origins(vec![]));
    let listed = Cors::Origins(vec!["https://app.example.com:8443".into()]);
    assert_eq!(
        cors("cors: {origins: ['https://App.example.com:8443']}"),
        listed
    );
}

#[test]
fn storage_is_chosen_by_flag_then_variable_then_file_then_default() {
    let is_sqlite =
        |start: &Start| matches!(start.loads().settings.storage, Storage::Sqlite { .. });
    let memory = "adapters: {shortTermStore: {provider: memory}, broadcast: {provider: memory}}";
    let flag = |storage: &str| Overrides {
        storage: Some(storage.into()),
        ..Overrides::default()
    };
    assert!(is_sqlite(&Start::new()));
    assert!(!is_sqlite(&Start::new().yaml(memory)));
    let start = Start::new().yaml(memory).var("TASKCAST_STORAGE", "sqlite");
    assert!(is_sqlite(&start));
    assert!(!is_sqlite(&start.flags(flag("memory"))));
}

#[test]
fn a_flag_or_variable_may_replace_a_store_that_the_file_describes() {
    let start = Start::new()
        .yaml("adapters: {shortTerm: {provider: sqlite, path: x.db, durability: process}}")
        .var("TASKCAST_STORAGE", "memory")
        .var("TASKCAST_SQLITE_PATH", "/data/taskcast.db");
    assert_eq!(
        start.loads().settings.storage,
        Storage::Memory {
            max_bytes: 512 << 20
        }
    );
}

#[test]
fn a_variable_replaces_a_key_file_of_the_file() {
    let start = Start::new()
        .yaml("auth: {mode: jwt, jwt: {secretFile: gone}}")
        .var("TASKCAST_JWT_SECRET", SECRET);
    assert!(matches!(start.loads().settings.auth, Auth::Jwt(_)));
}

#[test]
fn a_service_may_touch_every_task_unless_it_names_some() {
    let service = |extra: &str| {
        let yaml = format!("trustedServices: [{{name: a, key: {SECRET}, scope: ['*']{extra}}}]");
        Start::new()
            .yaml(&yaml)
            .loads()
            .settings
            .trusted_services
            .remove(0)
            .task_ids
    };
    assert_eq!(service(""), Selection::All);
    assert_eq!(service(", taskIds: '*'"), Selection::All);
    assert_eq!(
        service(", taskIds: [t1]"),
        Selection::These(vec!["t1".into()])
    );
    assert_eq!(service(", taskIds: []"), Selection::These(vec![]));
}

#[test]
fn an_absent_sentry_dsn_only_turns_sentry_off() {
    let yaml = "sentry:\n  dsn: ${SENTRY_DSN}\n  captureTaskFailures: true\n";
    for start in [Start::new(), Start::new().var("SENTRY_DSN", "")] {
        let state = if start.request.env.is_empty() {
            "not set"
        } else {
            "empty"
        };
        assert_eq!(
            start.yaml(yaml).loads().warnings,
            [format!(
                "Sentry is off: variable SENTRY_DSN in sentry.dsn is {state}"
            )]
        );
    }
    let set = Start::new().yaml(yaml).var("SENTRY_DSN", "https://x@y/1");
    assert!(set.refusal().contains("Sentry is not supported yet"));
}

#[test]
fn what_is_only_unwise_or_idle_is_warned_about() {
    let short = "auth: {mode: jwt, jwt: {secret: short}}";
    let cases: [(Start, &str); 9] = [
        (
            Start::new().yaml(short),
            "the JWT secret has fewer than 32 bytes",
        ),
        (
            Start::new().yaml("adminToken: x"),
            "the admin token has no effect",
        ),
        (
            Start::new().yaml("auth: {mode: none, jwt: {issuer: x}}"),
            "auth.jwt has no effect",
        ),
        (
            Start::new().var("SENTRY_DSN", "https://x@y/1"),
            "SENTRY_DSN is set, but Sentry is not",
        ),
        (
            Start::new().var("TASKCAST_PORT", "tcp://10.0.0.1:3721"),
            "TASKCAST_PORT is an address",
        ),
        (
            Start::new().var("TASKCAST_PROT", "1"),
            "did you mean TASKCAST_PORT?",
        ),
        (
            Start::new().var("TASKCAST_AUTO_MIGRATE", "Yes"),
            "TASKCAST_AUTO_MIGRATE is set but no Postgres configured — skipping",
        ),
        (
            Start::new().var("TASKCAST_SENTRY_DSN", "1"),
            "TASKCAST_SENTRY_DSN is ignored: not supported yet",
        ),
        (
            Start::new().var("TASKCAST_TTL_SWEEP_BATCH_SIZE", "7"),
            "TASKCAST_TTL_SWEEP_BATCH_SIZE is ignored: deadlines",
        ),
    ];
    for (start, expected) in cases {
        let warnings = start.loads().warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(expected), "{warnings:?}");
    }
}

#[test]
fn what_kubernetes_and_clients_set_is_nobodys_business() {
    let start = Start::new()
        .var("TASKCAST_SERVICE_HOST", "10.0.0.1")
        .var("TASKCAST_SERVICE_PORT", "3721")
        .var("TASKCAST_PORT_3721_TCP", "tcp://10.0.0.1:3721")
        .var("TASKCAST_PORT_3721_TCP_ADDR", "10.0.0.1")
        .var("TASKCAST_PORT_3721_TCP_PORT", "3721")
        .var("TASKCAST_PORT_3721_TCP_PROTO", "tcp")
        .var("TASKCAST_TOKEN", "x")
        .var("TASKCAST_URL", "http://x")
        .var("TASKCAST_CONFIG_DIR", "/x");
    assert_eq!(start.loads().warnings, Vec::<String>::new());
}

#[test]
fn a_variable_takes_the_type_its_key_needs() {
    let start = Start::new()
        .yaml(
            "port: ${PORT}\nadminApi: \"${ON}\"\nhost: \"${HOST}\"\ncors: {origins: '${ORIGINS}'}",
        )
        .var("PORT", "80")
        .var("ON", "true")
        .var("HOST", "10.1")
        .var("ORIGINS", "https://a.b, https://c.d");
    let start = start.var("HOST", "10.0.0.1");
    let settings = start.loads().settings;
    assert_eq!(settings.bind.port, 80);
    assert!(settings.admin.is_some());
    assert_eq!(settings.bind.interface, Interface::Host("10.0.0.1".into()));
    assert_eq!(
        settings.cors,
        Cors::Origins(vec!["https://a.b".into(), "https://c.d".into()])
    );
}
