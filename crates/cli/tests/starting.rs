//! How a server starts: what it says, what it refuses, and what wins.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod support;

use std::process::Stdio;
use support::{Process, Ran, Server, path_text, program};
use tempfile::TempDir;

/// What `taskcast start` says when it is asked wrongly.
fn refused(file: &str, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    if !file.is_empty() {
        std::fs::write(folder.path().join("taskcast.config.yaml"), file).unwrap();
    }
    let mut command = program(folder.path());
    command
        .arg("start")
        .args(arguments)
        .envs(variables.iter().copied());
    let ran = Ran::of(&mut command);
    assert_eq!(
        ran.code(),
        2,
        "{file} {variables:?} {arguments:?}: {}",
        ran.stderr()
    );
    assert_eq!(ran.any_stdout(), "", "nothing was started");
    assert!(!folder.path().join("taskcast.db").exists());
    ran.stderr()
}

#[test]
fn a_wrong_configuration_is_refused_with_place_and_remedy() {
    for (file, expected) in [
        (
            "prot: 1",
            "taskcast.config.yaml:1:1: prot: unknown key; did you mean `port`?",
        ),
        (
            "port: lots",
            "taskcast.config.yaml:1:7: port: expected a whole number",
        ),
        (
            "auth:\n  mode: jwt",
            "needs a key; set auth.jwt.secret or auth.jwt.secretFile",
        ),
        ("auth:\n  mode: jtw", "did you mean `jwt`?"),
        ("port: ${NOT_SET}", "NOT_SET"),
        ("port: [", "taskcast.config.yaml:"),
        (
            "auth:\n  mode: jwt\n  jwt:\n    algorithm: ES256\n    publicKey: |\n      \
             -----BEGIN PUBLIC KEY-----\n      AAAA\n      -----END PUBLIC KEY-----\n",
            "auth.jwt: the PEM text holds no valid public key",
        ),
        (
            "trustedServices:\n  - {name: a, key: short, scope: ['*']}",
            "trustedServices[0].name: the key has fewer than 16 bytes",
        ),
    ] {
        let said = refused(file, &[], &[]);
        assert!(said.contains(expected), "{file}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn wrong_variables_and_flags_are_refused() {
    let said = refused("", &[("TASKCAST_PORT", "many")], &[]);
    assert!(
        said.starts_with("TASKCAST_PORT: port: invalid TASKCAST_PORT \"many\""),
        "{said}"
    );
    let said = refused("", &[], &["-s", "cloud"]);
    assert!(said.contains("invalid storage mode \"cloud\""), "{said}");
    let said = refused("", &[], &["-p", "70000"]);
    assert!(said.contains("70000"), "{said}");
    let said = refused("", &[], &["-c", "gone.yaml"]);
    assert!(
        said.contains("gone.yaml: cannot read the configuration: no such file"),
        "{said}"
    );
    let said = refused("", &[], &["--no-such-flag"]);
    assert!(said.contains("--no-such-flag"), "{said}");
}

#[test]
fn every_problem_is_told_at_once_and_no_secret_is() {
    let file = "prot: 1\nlogLevel: loud\nauth:\n  mode: none\n  jwt: {secret: s3cret-s3cret}";
    let said = refused(file, &[("TASKCAST_STORAGE", "cloud")], &[]);
    assert!(said.lines().count() >= 3, "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_server_says_what_it_is() {
    let server = Server::start(&[]);
    let said = server.start_lines().join("\n");
    for expected in [
        "configuration  (none)",
        "storage        sqlite, ",
        "acknowledged   on disk",
        "auth           none",
        "this machine only",
    ] {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
    assert!(server.folder().join("taskcast.db").exists());
}

#[test]
fn the_memory_store_leaves_no_file_and_says_what_is_lost() {
    let server = Server::start(&["-s", "memory"]);
    let said = server.start_lines().join("\n");
    assert!(said.contains("lost when it ends"), "{said}");
    assert!(!server.folder().join("taskcast.db").exists());
}

#[test]
fn the_database_lies_where_the_flag_says() {
    let server = Server::start(&["--db-path", "here.db"]);
    assert!(server.folder().join("here.db").exists());
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("taskcast.config.yaml"), "port: 1111\n").unwrap();
    let port = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = program(folder.path());
        command.args(["config", "check", "--json"]).args(arguments);
        let ran = Ran::of(command.envs(variables.iter().copied()));
        ran.json()["settings"]["bind"]["port"].as_u64().unwrap()
    };
    assert_eq!(port(&[], &[]), 1111);
    assert_eq!(port(&[("TASKCAST_PORT", "2222")], &[]), 2222);
    assert_eq!(port(&[("TASKCAST_PORT", "2222")], &["-p", "3333"]), 3333);
    assert_eq!(port(&[], &["-p", "3333"]), 3333);
}

#[test]
fn a_port_and_a_database_belong_to_one_server() {
    let server = Server::start(&["--db-path", "a.db"]);
    let again = |arguments: &[&str]| {
        let mut command = program(server.folder());
        Ran::of(command.arg("start").args(arguments))
    };
    let ran = again(&["-s", "memory", "-p", server.port()]);
    assert_eq!(ran.code(), 1);
    let expected = format!("port {} of localhost is in use", server.port());
    assert!(ran.stderr().contains(&expected), "{}", ran.stderr());
    let ran = again(&["-p", "0", "--db-path", "a.db"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("a.db"), "{}", ran.stderr());
}

#[test]
fn config_check_shows_everything_but_secrets() {
    let folder = TempDir::new().unwrap();
    let file = "auth:\n  mode: jwt\n  jwt:\n    secret: s3cret-s3cret-s3cret-s3cret-s3cret\n";
    std::fs::write(folder.path().join("c.yaml"), file).unwrap();
    let path = path_text(folder.path(), "c.yaml");
    for form in [
        &["config", "check", "-c", &path][..],
        &["config", "check", "-c", &path, "--json"],
    ] {
        let shown = Ran::of(program(folder.path()).args(form)).stdout();
        assert!(
            shown.contains("[redacted]") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
    std::fs::write(folder.path().join("c.yaml"), "prot: 1\nlogLevel: loud\n").unwrap();
    let ran = Ran::of(program(folder.path()).args(["config", "check", "-c", &path]));
    assert_eq!(
        (ran.code(), ran.stderr().lines().count()),
        (2, 2),
        "{}",
        ran.stderr()
    );
    let reference = Ran::of(program(folder.path()).args(["config", "reference"])).stdout();
    assert!(
        reference.contains("| `limits.publishBodyBytes` |"),
        "{reference}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let folder = TempDir::new().unwrap();
    let mut command = program(folder.path());
    command
        .args(["config", "reference"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command);
    drop(process.stdout());
    let said: Vec<String> = process.error_lines().collect();
    assert!(process.wait().success());
    assert_eq!(said, [""; 0]);
}

#[test]
fn a_drawn_admin_token_is_told_once_and_works() {
    let server = Server::start_with(&["-v"], &[("TASKCAST_ADMIN_API", "true")], |_| {});
    let line = server
        .start_lines()
        .iter()
        .find(|line| line.contains("admin token"));
    let token = line.unwrap().split_whitespace().nth(2).unwrap().to_owned();
    assert_eq!(token.len(), 64);
    let asked = admin(&server, &token);
    assert!(asked.contains("\"expiresAt\""), "{asked}");
    assert!(admin(&server, "guessed").contains("Invalid admin token"));
    assert!(!server.log().contains(&token));
}

fn admin(server: &Server, token: &str) -> String {
    use std::io::Write;
    let body = format!("{{\"adminToken\":\"{token}\"}}");
    let mut connection =
        std::net::TcpStream::connect(("localhost", server.port().parse().unwrap())).unwrap();
    write!(
        connection,
        "POST /admin/token HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    support::read_all(connection)
}
