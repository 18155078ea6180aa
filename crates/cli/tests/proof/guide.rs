//! The lines of the README and of the REST guide work as they are printed.

use crate::support::{Ran, Server};
use std::process::Command;
use std::thread;

const README: &str = include_str!("../../../../README.md");

const REST: &str = include_str!("../../../../docs/api/rest.md");

/// Where they say the server is.
const PRINTED: &str = "localhost:3721";

#[test]
fn the_first_stream_of_the_readme_works_as_printed() {
    let server = Server::start(&[]);
    let lines = curl_lines();
    assert_eq!(lines.len(), 5, "{lines:?}");
    let (last, before) = lines.split_last().unwrap();
    for line in before {
        let answer = run(&server, line).json();
        assert!(answer.get("error").is_none(), "{line}\n{answer}");
    }
    // "Any number of times."
    for _ in 0..2 {
        let stream = run(&server, last).stdout();
        for expected in [
            "\"delta\":\"Hello!\"",
            "taskcast.done",
            "\"reason\":\"completed\"",
        ] {
            assert!(stream.contains(expected), "{last}\n{stream}");
        }
    }
}

#[test]
fn the_last_line_of_the_readme_can_run_before_the_others() {
    let server = Server::start(&[]);
    let lines = curl_lines();
    let (last, before) = lines.split_last().unwrap();
    let (first, between) = before.split_first().unwrap();
    run(&server, first).json();
    thread::scope(|scope| {
        let reader = scope.spawn(|| run(&server, last).stdout());
        for line in between {
            run(&server, line).json();
        }
        let stream = reader.join().unwrap();
        assert!(stream.contains("\"delta\":\"Hello!\""), "{stream}");
        assert!(stream.contains("\"reason\":\"completed\""), "{stream}");
    });
}

#[test]
fn the_command_of_the_readme_becomes_a_task_that_can_be_read() {
    let server = Server::start(&[]);
    assert!(README.contains("taskcast pipe --type build -- make -j2"));
    let ran = server.taskcast(&["pipe", "--type", "build", "--", "echo", "built"]);
    ran.stdout();
    let said = ran.stderr();
    let id = said.lines().next().unwrap().strip_prefix("task ").unwrap();
    let logs = server.taskcast(&["logs", id]).stdout();
    assert!(logs.contains("built"), "{logs}");
}

#[test]
fn the_examples_of_the_rest_guide_work_in_their_order() {
    let server = Server::start(&[]);
    let examples: Vec<&str> = REST
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() > 15, "{}", examples.len());
    for example in examples {
        let answer = run(&server, example).stdout();
        assert!(!answer.contains("\"error\":"), "{example}\n{answer}");
    }
}

/// The lines of the README that call the server, in their order.
fn curl_lines() -> Vec<&'static str> {
    let lines = README.lines();
    lines.filter(|line| line.starts_with("curl ")).collect()
}

/// Runs lines in a shell, in the server's folder and with its port.
fn run(server: &Server, line: &str) -> Ran {
    assert!(line.contains(PRINTED), "{line}");
    let line = line.replace(PRINTED, &format!("localhost:{}", server.port()));
    let ran = Ran::of(
        Command::new("sh")
            .args(["-c", &line])
            .current_dir(server.folder()),
    );
    assert_eq!(ran.code(), 0, "{line}\n{}", ran.stderr());
    ran
}
