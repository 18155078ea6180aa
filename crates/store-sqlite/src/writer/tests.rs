//! What becomes of a group when a job, or the COMMIT, fails.

use super::*;
use crate::job::Asked;
use crate::{Durability, SqliteOptions};
use std::sync::Arc;
use taskcast_core::{Epoch, EventType, Limits, Millis, NewEvent, NewTask, RawJson, TaskId};
use taskcast_store::{Commit, CommitError, Committed, Create, CreateError, ManualClock};
use tempfile::TempDir;
use tokio::sync::oneshot::Receiver;

type Answer = Receiver<Result<Committed, CommitError>>;

/// A writer on this thread, with the task `t`.
struct Given {
    writer: Writer,
    _directory: TempDir,
}

fn given() -> Given {
    let directory = TempDir::new().unwrap();
    let place = Place::new(&SqliteOptions {
        path: directory.path().join("tasks.db"),
        durability: Durability::Process,
        limits: Limits::default(),
        incarnation: 1,
        vfs: None,
        readers: 1,
        archived: false,
    });
    let conn = place.open(1).unwrap();
    let mut writer = Writer {
        open: Some(Open::new(conn, &place).unwrap()),
        checkpoints: Checkpoints::start(&place).unwrap(),
        rules: Rules {
            limits: Limits::default(),
            clock: Arc::new(ManualClock::at(Millis(5))),
            archived: false,
        },
        lock: place.lock().unwrap(),
        place,
    };
    let create = Create {
        record: NewTask::default().into_record(task(), Millis(5)),
        epoch: Epoch(1),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    };
    let (job, answer) = Asked::<_, _, CreateError>::job(create, 0, |t, c| t.create(c));
    writer.group(vec![job]);
    answer.blocking_recv().unwrap().unwrap();
    Given {
        writer,
        _directory: directory,
    }
}

impl Given {
    fn sql(&self, sql: &str) {
        let open = self.writer.open.as_ref().unwrap();
        open.conn.execute_batch(sql).unwrap();
    }

    /// Publishes events of these sizes in one group; gives the tail after each.
    fn publish(&mut self, sizes: &[usize]) -> Vec<Result<u64, CommitError>> {
        let (jobs, answers): (Vec<_>, Vec<Answer>) = sizes.iter().map(|size| job(*size)).unzip();
        self.writer.group(jobs);
        let tail = |answer: Answer| Ok(answer.blocking_recv().unwrap()?.tail.0);
        answers.into_iter().map(tail).collect()
    }
}

fn task() -> TaskId {
    TaskId::new("t").unwrap()
}

fn job(size: usize) -> (Box<dyn Job>, Answer) {
    let data = RawJson::from_value(&"x".repeat(size)).unwrap();
    let commit = Commit {
        task: task(),
        epoch: None,
        change: None,
        events: vec![NewEvent::new(EventType::new("note").unwrap(), Some(data))],
        once: None,
    };
    Asked::job(commit, 0, |transaction, commit| transaction.commit(commit))
}

#[test]
fn what_does_not_fit_a_full_disk_is_refused_and_the_rest_of_its_group_is_not() {
    let mut given = given();
    // As if the disk held some 64 KiB more than the tables take.
    given.sql("PRAGMA max_page_count = 64");
    let done = given.publish(&[10, 1 << 20, 10]);
    assert!(
        matches!(done[0], Ok(1)) && matches!(done[2], Ok(2)),
        "{done:?}"
    );
    let full = done[1].as_ref().unwrap_err().to_string();
    assert!(
        full.contains("tasks.db is full: no space is left on its disk"),
        "{full}"
    );
    given.sql("PRAGMA max_page_count = 100000");
    assert!(matches!(given.publish(&[1 << 20])[0], Ok(3)));
}

#[test]
fn a_group_whose_commit_fails_fails_alike_and_leaves_nothing() {
    let mut given = given();
    // A deferred constraint is looked at by COMMIT alone.
    given.sql(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE gate (id INTEGER PRIMARY KEY);
         CREATE TABLE through (id INTEGER REFERENCES gate DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER shut AFTER INSERT ON slots BEGIN INSERT INTO through VALUES (1); END;",
    );
    let done = given.publish(&[1, 1, 1]);
    assert!(
        done.iter()
            .all(|done| matches!(done, Err(CommitError::Store(_)))),
        "{done:?}"
    );
    given.sql("DROP TRIGGER shut");
    let done = given.publish(&[1, 1]);
    assert!(matches!(done[..], [Ok(1), Ok(2)]), "{done:?}");
}

#[test]
fn a_connection_that_was_given_up_is_opened_anew() {
    let mut given = given();
    assert!(matches!(given.publish(&[1])[0], Ok(1)));
    given.writer.open = None;
    assert!(matches!(given.publish(&[1])[0], Ok(2)));
}
