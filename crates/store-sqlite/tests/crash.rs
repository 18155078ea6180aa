//! What an acknowledgement is worth when the process is killed.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod given;

use given::{EPOCH, all, create, event, id, open, publish};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use taskcast_store::{LogReader, TaskLog};
use tempfile::TempDir;

/// Names the file for the process that is going to be killed.
const PATH: &str = "TASKCAST_TEST_DATABASE";

#[tokio::test]
async fn every_acknowledged_commit_survives_a_kill() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    // Far enough for checkpoints to be under way.
    for until in [50, 500, 3_000] {
        let acknowledged = publish_until_killed(&path, until);
        let store = open(&path).unwrap();
        let page = store.read(&id("a"), EPOCH, all()).await.unwrap();
        assert!(
            page.tail.0 >= acknowledged,
            "{acknowledged} of {} are left",
            page.tail
        );
        assert_eq!(page.slots.len() as u64, page.tail.0);
        let state = store.load(&id("a")).await.unwrap().unwrap();
        assert_eq!(
            state.commit.0,
            page.tail.0 + 1,
            "a commit for each event and the creation"
        );
        let conn = rusqlite::Connection::open(&path).unwrap();
        let sound: String = conn
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok");
    }
}

/// Runs [`the_process_that_is_killed`] until it has acknowledged as many more; gives the newest.
fn publish_until_killed(path: &Path, more: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_process_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let newest = read_acknowledged(&mut child, more);
    child.kill().unwrap();
    child.wait().unwrap();
    newest
}

fn read_acknowledged(child: &mut Child, more: usize) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers = lines.filter_map(|line| line.unwrap().strip_prefix("tail ")?.parse().ok());
    numbers.take(more).last().unwrap()
}

#[tokio::test]
#[ignore = "is run, and killed, by the test above"]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let store = open(Path::new(&path)).unwrap();
    if store.load(&id("a")).await.unwrap().is_none() {
        create(&store, "a").await;
    }
    loop {
        let committed = publish(&store, "a", event("{}")).await.unwrap();
        // Fails when the parent has read enough.
        if writeln!(std::io::stdout(), "\ntail {}", committed.tail).is_err() {
            std::thread::park();
        }
    }
}
