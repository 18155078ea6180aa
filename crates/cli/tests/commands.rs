//! The commands, as people and scripts see them.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod support;

use serde_json::{Value, json};
use support::{Ran, Server, program};

#[test]
fn a_task_is_created_shown_changed_and_deleted() {
    let server = Server::start(&["-s", "memory"]);
    let run = |arguments: &[&str]| server.taskcast(arguments);
    let created = run(&[
        "tasks",
        "create",
        "--id",
        "t",
        "--type",
        "a.b",
        "--tags",
        "x,y",
        "--params",
        "{\"n\": 1.0}",
    ]);
    assert_eq!(created.stdout(), "t");
    assert_eq!(
        run(&["tasks", "transition", "t", "running"]).stdout(),
        "t is running"
    );
    let ended = run(&[
        "tasks",
        "transition",
        "t",
        "failed",
        "--error",
        "no luck",
        "--json",
    ])
    .json();
    assert_eq!(
        (&ended["status"], &ended["error"]["message"]),
        (&json!("failed"), &json!("no luck"))
    );

    let shown = run(&["tasks", "get", "t"]).stdout();
    for line in [
        "id         t",
        "type       a.b",
        "status     failed",
        "params     {\"n\": 1.0}",
    ] {
        assert!(shown.contains(line), "{line:?} in {shown}");
    }
    run(&["tasks", "delete", "t"]).stdout();
    let gone = run(&["tasks", "get", "t"]);
    assert_eq!(
        (gone.code(), gone.stderr()),
        (1, "Task not found: t (HTTP 404)\n".to_owned())
    );
}

#[test]
fn tasks_are_listed_newest_first_and_by_what_they_are() {
    let server = Server::start(&["-s", "memory"]);
    let run = |arguments: &[&str]| server.taskcast(arguments);
    run(&["tasks", "create", "--id", "t", "--tags", "x,y"]).stdout();
    run(&["tasks", "transition", "t", "cancelled"]).stdout();
    let other = run(&["tasks", "create", "--json"]).json();
    let ids = |ran: Ran| -> Vec<Value> {
        let lines = ran.stdout();
        let tasks = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        tasks.map(|task| task["id"].clone()).collect()
    };
    assert_eq!(
        ids(run(&["tasks", "list", "--json"])),
        [other["id"].clone(), json!("t")]
    );
    assert_eq!(
        ids(run(&["tasks", "list", "--json", "--limit", "1"])),
        [other["id"].clone()]
    );
    assert_eq!(
        ids(run(&["tasks", "list", "--json", "--status", "cancelled"])),
        [json!("t")]
    );
    assert_eq!(
        ids(run(&["tasks", "list", "--json", "--tags", "x"])),
        [json!("t")]
    );
    assert!(
        run(&["tasks", "list"])
            .stdout()
            .contains("t                           cancelled")
    );
}

#[test]
fn events_are_published_and_shown_as_lines_or_json() {
    let server = Server::start(&["-s", "memory"]);
    let run = |arguments: &[&str]| server.taskcast(arguments);
    run(&["tasks", "create", "--id", "t"]).stdout();
    run(&["tasks", "transition", "t", "running"]).stdout();
    let published = run(&[
        "publish",
        "t",
        "--type",
        "a.b",
        "--data",
        "{\"x\":1}",
        "--json",
    ])
    .json();
    assert_eq!(
        (&published["index"], &published["data"]),
        (&json!(1), &json!({ "x": 1 }))
    );
    run(&[
        "publish",
        "t",
        "--type",
        "c",
        "--level",
        "warn",
        "--data",
        "\"\\u001b[2J\\n\"",
    ])
    .stdout();
    for text in ["Hel", "lo"] {
        let data = json!({ "delta": text }).to_string();
        let arguments = [
            "publish", "t", "--type", "d", "--data", &data, "--series", "s",
        ];
        run(&[&arguments[..], &["--series-mode", "accumulate"]].concat()).stdout();
    }
    let past = run(&["logs", "t", "--no-follow", "--types", "a.*,c,d"]).stdout();
    let past: Vec<&str> = past
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    let expected = [
        "a.b              info  {\"x\":1}",
        "c                warn  \"\\u001b[2J\\n\"",
        "d                info  {\"delta\":\"Hel\"}",
        "d                info  {\"delta\":\"lo\"}",
    ];
    assert_eq!(past, expected);

    run(&["tasks", "transition", "t", "completed"]).stdout();
    let all = run(&["logs", "t", "--types", "d"]).stdout();
    let all: Vec<&str> = all.lines().collect();
    assert!(
        all[0].ends_with("d                info  {\"delta\":\"Hello\"}"),
        "{all:?}"
    );
    assert_eq!(*all.last().unwrap(), "[DONE] completed");
    let each = run(&["logs", "t", "--types", "d", "--since-index", "-1"]).stdout();
    assert_eq!(each.lines().count(), 3, "{each}");
    let json = run(&["logs", "t", "--levels", "warn", "--json"]).stdout();
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["rawIndex"], 2);
    assert_eq!(lines[1], json!({ "done": "completed" }));
    assert_eq!(run(&["publish", "t", "--type", "x"]).code(), 1);
}

#[test]
fn tail_shows_the_events_of_all_tasks() {
    let server = Server::start(&["-s", "memory"]);
    let mut command = server.command(&["tail", "--types", "seen"]);
    command.stdout(std::process::Stdio::piped());
    let mut tail = support::Process::spawn(&mut command);
    let output = std::io::BufReader::new(tail.stdout());
    server
        .taskcast(&["tasks", "create", "--id", "a-long-name"])
        .stdout();
    // Events before the tail connects are not its business: publish until one is seen.
    let mut lines = std::io::BufRead::lines(output);
    let line = std::thread::scope(|scope| {
        let first = scope.spawn(|| lines.next().unwrap().unwrap());
        support::until("the tail shows an event", || {
            server
                .taskcast(&["publish", "a-long-name", "--type", "seen"])
                .stdout();
            first.is_finished()
        });
        first.join().unwrap()
    });
    assert!(
        line.contains("] a-long-.. seen             info  null"),
        "{line}"
    );
}

#[test]
fn wrong_arguments_are_told_before_anything_is_sent() {
    let server = Server::start(&["-s", "memory"]);
    for (arguments, said) in [
        (
            &["tasks", "transition", "t", "flying"][..],
            "\"flying\" is no status",
        ),
        (
            &["tasks", "create", "--params", "[1]"],
            "--params: expected a JSON object",
        ),
        (
            &["tasks", "create", "--params", "{"],
            "--params: expected JSON",
        ),
        (&["tasks", "get", ""], "a task id must not be empty"),
        (
            &["publish", "t", "--type", "x", "--level", "loud"],
            "--level",
        ),
        (
            &["publish", "t", "--type", "x", "--series", "s"],
            "--series-mode",
        ),
        (
            &["logs", "t", "--levels", "loud"],
            "--levels: expected debug, info, warn or error",
        ),
        (&["ping", "--url", "localhost"], "http://"),
        (&["nonsense"], "nonsense"),
    ] {
        let ran = server.taskcast(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}: {}", ran.stderr());
        assert!(
            ran.stderr().contains(said),
            "{arguments:?}: {}",
            ran.stderr()
        );
    }
    let invalid = server.taskcast(&["tasks", "create", "--ttl", "0"]);
    assert_eq!(invalid.code(), 1);
    assert!(
        invalid.stderr().contains("\n  ttl: "),
        "{}",
        invalid.stderr()
    );
}

#[test]
fn ping_tells_whether_a_server_is_there() {
    let mut server = Server::start(&["-s", "memory"]);
    let said = server.taskcast(&["ping"]).stdout();
    assert!(
        said.starts_with(&format!("OK — taskcast at {} (", server.url())),
        "{said}"
    );
    assert_eq!(server.taskcast(&["ping", "--json"]).json()["ok"], true);
    server.kill();
    let ran = server.taskcast(&["ping"]);
    assert_eq!(ran.code(), 1);
    assert!(
        ran.stderr()
            .starts_with(&format!("FAIL — cannot reach {}", server.url()))
    );
    let ran = server.taskcast(&["ping", "--json"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.any_stdout().contains("\"ok\":false"));
}

const JWT: &str = "auth:\n  mode: jwt\n  jwt:\n    secret: s3cret-s3cret-s3cret-s3cret-s3cret\n    \
                   issuer: us\n    audience: tests\nhost: 127.0.0.1\n";

#[test]
fn a_signed_token_opens_what_it_names_and_nothing_else() {
    let write = |folder: &std::path::Path| {
        std::fs::write(folder.join("taskcast.config.yaml"), JWT).unwrap();
    };
    let server = Server::start_with(&["-s", "memory"], &[], write);
    let token = |arguments: &[&str]| server.taskcast(&[&["token"], arguments].concat()).stdout();
    let run = |token: &str, arguments: &[&str]| {
        Ran::of(server.command(arguments).env("TASKCAST_TOKEN", token))
    };
    let all = token(&["--scope", "*", "--sub", "ann"]);
    assert_eq!(run(&all, &["tasks", "create", "--id", "t"]).stdout(), "t");
    assert_eq!(run(&all, &["tasks", "create", "--id", "u"]).stdout(), "u");
    let one = token(&["--scope", "event:subscribe,event:history", "--task-id", "t"]);
    assert_eq!(
        run(&one, &["tasks", "get", "t", "--json"]).json()["id"],
        "t"
    );
    for forbidden in [&["tasks", "get", "u"][..], &["publish", "t", "--type", "x"]] {
        let ran = run(&one, forbidden);
        assert!(
            ran.stderr().contains("403"),
            "{forbidden:?}: {}",
            ran.stderr()
        );
    }
    let none = run("", &["tasks", "list"]);
    assert_eq!(none.code(), 1);
    assert!(
        none.stderr().contains("TASKCAST_TOKEN"),
        "{}",
        none.stderr()
    );
    let seconds = server
        .taskcast(&["token", "--scope", "*", "--expires-in", "2m", "--json"])
        .json();
    assert!(seconds["expiresAt"].is_u64() && seconds["token"].is_string());
    assert!(!server.log().contains(&all) && !server.log().contains("s3cret"));
}

#[test]
fn a_token_needs_a_secret_and_scopes_that_exist() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |arguments: &[&str]| Ran::of(program(folder.path()).args(arguments));
    let ran = run(&["token", "--scope", "*"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("auth.jwt.secret"), "{}", ran.stderr());
    std::fs::write(folder.path().join("taskcast.config.yaml"), JWT).unwrap();
    let ran = run(&["token", "--scope", "event:everything"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr().contains("is no scope; expected task:create"),
        "{}",
        ran.stderr()
    );
}
