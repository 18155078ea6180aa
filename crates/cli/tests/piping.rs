//! `taskcast pipe`: what goes in is what viewers read.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use support::{Process, Ran, Server};

/// The id of the task, from the first line that `pipe` says.
fn task_of(lines: &mut impl Iterator<Item = String>) -> String {
    lines
        .next()
        .unwrap()
        .strip_prefix("task ")
        .unwrap()
        .to_owned()
}

/// The joined text of a task's output.
fn text(server: &Server, task: &str) -> String {
    events(server, task)
        .iter()
        .map(|event| event["data"]["delta"].as_str().unwrap())
        .collect()
}

fn events(server: &Server, task: &str) -> Vec<Value> {
    let arguments = [
        "logs",
        task,
        "--no-follow",
        "--json",
        "--types",
        "llm.delta",
    ];
    let lines = server.taskcast(&arguments).stdout();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn task(server: &Server, id: &str) -> Value {
    server.taskcast(&["tasks", "get", id, "--json"]).json()
}

#[test]
fn the_input_becomes_the_text_of_a_completed_task() {
    let server = Server::start(&[]);
    let mut pipe = server.pipe(&["--type", "chat"]);
    let mut said = pipe.error_lines();
    let mut input = pipe.stdin();
    let id = task_of(&mut said);
    assert!(
        said.next()
            .unwrap()
            .contains(&format!("/tasks/{id}/events"))
    );
    let bytes = "naïve \u{1f980} 日本\u{0} \"q\"\\\r\n"
        .repeat(50)
        .into_bytes();
    for piece in bytes.chunks(7) {
        input.write_all(piece).unwrap();
    }
    // Bytes that are no text, and a character that never ends.
    input.write_all(b"\xff<\xe6\x97").unwrap();
    drop(input);
    assert!(pipe.wait().success());
    let mut expected = String::from_utf8(bytes).unwrap();
    expected += "\u{fffd}<\u{fffd}";
    assert_eq!(text(&server, &id), expected);
    let task = task(&server, &id);
    assert_eq!(
        (&task["status"], &task["type"]),
        (&json!("completed"), &json!("chat"))
    );
    let last = said.last().unwrap();
    assert!(
        last.starts_with("completed: ") && !last.contains('\r'),
        "{last:?}"
    );
}

#[test]
fn pieces_arrive_while_the_input_goes_on() {
    let server = Server::start(&["-s", "memory"]);
    let mut pipe = server.pipe(&[]);
    let (mut said, mut input) = (pipe.error_lines(), pipe.stdin());
    let id = task_of(&mut said);
    for (piece, so_far) in [("one ", "one "), ("two", "one two")] {
        input.write_all(piece.as_bytes()).unwrap();
        support::until("the piece arrives", || text(&server, &id) == so_far);
    }
    assert_eq!(task(&server, &id)["status"], "running");
}

#[test]
fn a_command_ends_its_task_by_its_exit_status() {
    let server = Server::start(&["-s", "memory"]);
    for (command, code, status) in [
        ("printf 'a\\nb\\n'", 0, "completed"),
        ("printf 'a\\nb\\n'; exit 3", 3, "failed"),
        ("printf 'a\\nb\\n'; kill -KILL $$", 137, "failed"),
    ] {
        let ran = server.taskcast(&["pipe", "--lines", "--", "sh", "-c", command]);
        assert_eq!(ran.code(), code, "{command}: {}", ran.stderr());
        let id = task_of(&mut ran.stderr().lines().map(str::to_owned));
        let task = task(&server, &id);
        assert_eq!(task["status"], status, "{command}");
        let lines = events(&server, &id);
        let lines: Vec<&str> = lines
            .iter()
            .map(|it| it["data"]["delta"].as_str().unwrap())
            .collect();
        assert_eq!(lines, ["a\n", "b\n"], "{command}");
        match code {
            0 => assert_eq!(task["result"], json!({ "exitCode": 0 })),
            _ => assert_eq!(task["error"]["code"], "exit_status", "{command}"),
        }
    }
    let ran = server.taskcast(&["pipe", "--task", "n", "--", "no-such-program"]);
    assert_eq!(
        (ran.code(), &task(&server, "n")["status"]),
        (127, &json!("failed"))
    );
}

#[test]
fn an_interrupt_cancels_the_task_and_ends_the_command() {
    let server = Server::start(&["-s", "memory"]);
    let mut command = server.command(&["pipe", "--", "sh", "-c", "echo $$; exec sleep 1000"]);
    command.stderr(Stdio::piped()).stdin(Stdio::null());
    let mut pipe = Process::spawn(&mut command);
    let id = task_of(&mut pipe.error_lines());
    support::until("the command says its id", || !text(&server, &id).is_empty());
    let process = text(&server, &id).trim().to_owned();
    pipe.signal("INT");
    assert_eq!(pipe.wait().code(), Some(130));
    assert_eq!(task(&server, &id)["status"], "cancelled");
    let mut probe = std::process::Command::new("kill");
    let lives = probe
        .args(["-0", &process])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success();
    assert!(!lives, "the command lives on");
}

#[test]
fn a_task_that_was_ended_by_others_ends_the_pipe() {
    let server = Server::start(&["-s", "memory"]);
    let mut pipe = server.pipe(&[
        "--task",
        "t",
        "--",
        "sh",
        "-c",
        "while echo x; do sleep 0.05; done",
    ]);
    let mut said = pipe.error_lines();
    task_of(&mut said);
    support::until("the first piece arrives", || !text(&server, "t").is_empty());
    server
        .taskcast(&["tasks", "transition", "t", "cancelled"])
        .stdout();
    assert_eq!(pipe.wait().code(), Some(1));
    assert!(said.any(|line| line.contains("terminal status: cancelled")));
}

#[test]
fn nothing_is_lost_or_doubled_when_the_server_is_killed() {
    let mut server = Server::start(&[]);
    let mut pipe = server.pipe(&["--task", "t"]);
    let (mut said, mut input) = (pipe.error_lines(), pipe.stdin());
    task_of(&mut said);
    let mut expected = String::new();
    for round in 0..3 {
        for number in 0..50 {
            let piece = format!("{round}.{number} é🦀 ");
            input.write_all(piece.as_bytes()).unwrap();
            expected += &piece;
        }
        server.kill();
        server.restart();
    }
    drop(input);
    assert!(pipe.wait().success(), "{:?}", said.collect::<Vec<String>>());
    assert_eq!(text(&server, "t"), expected);
    assert_eq!(task(&server, "t")["status"], "completed");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let mut server = Server::start(&["-s", "memory"]);
    server.kill();
    for arguments in [&["pipe"][..], &["logs", "t"], &["tail"], &["tasks", "list"]] {
        let ran = Ran::of(&mut server.command(arguments));
        assert_eq!(ran.code(), 1, "{arguments:?}");
        assert!(ran.stderr().contains("cannot reach"), "{}", ran.stderr());
    }
}
