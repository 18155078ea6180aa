//! What an acknowledgement is worth when the process is killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

mod given;

use given::tier::{archive, follow};
use given::{EPOCH, all, create, event, id, open, publish};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use taskcast_store::tier::{HotStore, LongTermStore, NoteKind};
use taskcast_store::{LogReader, Partition, TaskLog};
use taskcast_store_sqlite::{SqliteArchive, SqliteStore};
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

/// Task `n` is released, or deleted when `n` is divisible by 3; the process is killed somewhere
/// between that and the end of telling the archive.
#[tokio::test]
async fn a_kill_between_letting_go_and_telling_the_archive_loses_nothing() {
    let directory = TempDir::new().unwrap();
    for (run, until) in [1, 2, 3, 4, 5, 12, 31].into_iter().enumerate() {
        let path = directory.path().join(format!("{run}.db"));
        let acknowledged = run_until_killed("the_process_that_is_killed_releasing", &path, until);
        let (hot, kept) = open_both(&path);
        let notes = hot.notes(Partition(0), 1_000).await.unwrap();
        for n in 0..=acknowledged {
            let id = id(&format!("t{n}"));
            let noted = |kind: fn(NoteKind) -> bool| {
                notes.iter().any(|note| note.id == id && kind(note.kind))
            };
            assert_eq!(hot.load(&id).await.unwrap(), None, "task {n} was let go of");
            let found = kept.find(&id).await.unwrap();
            if n % 3 == 0 {
                let noted = noted(|kind| kind == NoteKind::Deleted);
                assert!(found.is_none() || noted, "task {n} would come back");
                continue;
            }
            let noted = noted(|kind| matches!(kind, NoteKind::Released(_)));
            let found = found.unwrap();
            assert!(!found.hot || noted, "task {n} would count as lost");
            let page = kept.read(&id, EPOCH, all()).await.unwrap();
            assert_eq!(page.slots.len() as u64, n + 1);
        }
    }
}

fn open_both(path: &Path) -> (SqliteStore, SqliteArchive) {
    let mut options = given::options(path);
    options.archived = true;
    let hot = given::open_with(options).unwrap();
    (hot, archive(&path.with_extension("archive")).unwrap())
}

/// Runs [`the_process_that_is_killed`] until it has acknowledged as many more; gives the newest.
fn publish_until_killed(path: &Path, more: usize) -> u64 {
    run_until_killed("the_process_that_is_killed", path, more)
}

fn run_until_killed(name: &str, path: &Path, more: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
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
        say(committed.tail.0);
    }
}

#[tokio::test]
#[ignore = "is run, and killed, by the test above"]
async fn the_process_that_is_killed_releasing() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let (hot, kept) = open_both(Path::new(&path));
    for n in 0.. {
        let name = format!("t{n}");
        create(&hot, &name).await;
        let events = vec![event("{}"); n + 1];
        let commit = hot
            .commit(given::commit(&name, events))
            .await
            .unwrap()
            .commit;
        follow(&hot, &kept, 10).await;
        if n % 3 == 0 {
            assert!(hot.delete(&id(&name), EPOCH).await.unwrap());
            say(n as u64);
            assert!(kept.delete(&id(&name), EPOCH).await.unwrap());
        } else {
            assert!(hot.release(&id(&name), EPOCH, commit).await.unwrap());
            say(n as u64);
            assert!(kept.cool(&id(&name), EPOCH, commit).await.unwrap());
        }
        for note in hot.notes(Partition(0), 10).await.unwrap() {
            hot.settle(&note).await.unwrap();
        }
    }
}

/// Tells the parent how far it is. Fails when the parent has read enough.
fn say(number: u64) {
    if writeln!(std::io::stdout(), "\ntail {number}").is_err() {
        std::thread::park();
    }
}
