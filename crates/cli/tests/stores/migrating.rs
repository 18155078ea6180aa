//! The schema of PostgreSQL: looked at, asked about, brought up to date; also by many at once.

use crate::support::{Ran, Server, path_text, program};
use serde_json::json;
use std::thread;
use taskcast_rig::{PostgresOptions, PostgresServer};
use tempfile::TempDir;

const PASSWORD: &str = "hunter2-hunter2";

fn server() -> PostgresServer {
    PostgresServer::start(&PostgresOptions {
        password: Some(PASSWORD.into()),
        ..PostgresOptions::default()
    })
}

/// `taskcast migrate`, in an empty folder or one with this configuration.
fn migrate(yaml: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    if !yaml.is_empty() {
        std::fs::write(folder.path().join("taskcast.config.yaml"), yaml).unwrap();
    }
    let mut command = program(folder.path());
    command
        .arg("migrate")
        .args(arguments)
        .envs(variables.iter().copied());
    let ran = Ran::of(&mut command);
    let said = format!("{}{}", ran.any_stdout(), ran.stderr());
    assert!(!said.contains("hunter2"), "{said}");
    ran
}

#[test]
fn a_database_is_looked_at_then_migrated_then_up_to_date() {
    let postgres = server();
    let url = postgres.url();
    let variable = [("TASKCAST_POSTGRES_URL", url.as_str())];

    let looked = migrate("", &variable, &["--dry-run"]).stdout();
    let port = postgres.port();
    let expected = format!(
        "[taskcast] Database: postgres://[redacted]@127.0.0.1:{port}/postgres\n\
         [taskcast] 1 pending migration(s):\n  0001_archive"
    );
    assert_eq!(looked, expected);
    let looked = migrate("", &variable, &["--dry-run", "--json"]).json();
    assert_eq!(looked["pending"][0], "0001_archive");

    // Nobody sits there to be asked.
    let ran = migrate("", &variable, &[]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("add --yes"), "{}", ran.stderr());

    // The flag wins over the variable, and the variable over the file.
    let elsewhere = [("TASKCAST_POSTGRES_URL", "postgres://127.0.0.1:1/x")];
    let said = migrate("", &elsewhere, &["--url", &url, "-y"]).stdout();
    assert_eq!(said, "[taskcast] Applied 1 migration(s) successfully.");
    let file = "adapters: {longTerm: {provider: postgres, url: 'postgres://127.0.0.1:1/x'}}";
    let said = migrate(file, &variable, &["--yes"]).stdout();
    assert_eq!(said, "[taskcast] Database is up to date.");
    let file = format!("adapters: {{longTerm: {{url: '{url}'}}}}");
    let said = migrate(&file, &[], &[]).stdout();
    assert_eq!(said, "[taskcast] Database is up to date.");
    let named = TempDir::new().unwrap();
    let path = path_text(named.path(), "other.yaml");
    std::fs::write(&path, file).unwrap();
    let told = migrate("", &[], &["-c", &path, "--json"]).json();
    let shown = format!("postgres://[redacted]@127.0.0.1:{port}/postgres");
    assert_eq!(told, json!({"database": shown, "applied": []}));
}

#[test]
fn a_database_that_is_not_named_or_not_there_is_told() {
    let ran = migrate("", &[], &["-y"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("give --url"), "{}", ran.stderr());
    let ran = migrate("", &[], &["-y", "--url", "mysql://me:hunter2@x/y"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("postgres://user"), "{}", ran.stderr());
    let ran = migrate(
        "",
        &[],
        &["-y", "--url", "postgres://me:hunter2@127.0.0.1:1/y"],
    );
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("127.0.0.1:1/y"), "{}", ran.stderr());
}

#[test]
fn many_servers_that_start_at_once_migrate_one_database_once() {
    let postgres = server();
    let url = postgres.url();
    let variables = [
        ("TASKCAST_POSTGRES_URL", url.as_str()),
        ("TASKCAST_AUTO_MIGRATE", "yes"),
    ];
    let start = || Server::start_with(&["-s", "memory"], &variables, |_| {});
    let logs: Vec<String> = thread::scope(|scope| {
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        let started = starting.into_iter().map(|it| it.join().unwrap());
        started.map(|server| server.log()).collect()
    });
    let applied = logs
        .iter()
        .filter(|log| log.contains("Applied 1 new migration(s)"));
    let found = logs
        .iter()
        .filter(|log| log.contains("Database schema up to date"));
    assert_eq!((applied.count(), found.count()), (1, 2), "{logs:#?}");
}
