//! The writer: one thread that owns the writing connection and commits in groups.
//!
//! ```text
//!   jobs ──▶ bounded queue ──▶ BEGIN  job job job ...  COMMIT ──▶ answers, in the order of the jobs
//!                              what came while the last COMMIT was on its way
//! ```
//!
//! An idle writer begins at once; so one publisher waits for one sync, and many share one. When
//! the COMMIT fails, all of the group fail alike. When a job fails before it (its own rows are the
//! reason, or there is no room for it), the group is rolled back and each job is done alone.
//!
//! After an I/O error nothing that the connection remembers is trusted: it is opened anew, and all
//! is read again from the file. The jobs of that transaction are `Unavailable`; the next try tells
//! whether the cause has ended. A commit whose sync failed was not made visible, and its place in
//! the write-ahead log is written again by the next one, so a later sync vouches for it in full.

use crate::cache::Cache;
use crate::checkpoint::Checkpoints;
use crate::connect::Place;
use crate::error::Named;
use crate::job::Job;
use crate::schema;
use crate::sweep;
use crate::transaction::Transaction;
use rusqlite::Connection;
use std::fs::File;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Limits};
use taskcast_store::{Clock, StoreError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

/// Jobs that wait for the writer; whoever comes when it is full waits to get in.
pub(crate) const QUEUE: usize = 4_096;
/// The most jobs in one transaction.
const BATCH_JOBS: usize = 1_024;
/// Payload bytes after which a transaction takes no more jobs.
const BATCH_BYTES: usize = 8 << 20;

/// What the writer works with.
pub(crate) struct Writer {
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) checkpoints: Checkpoints,
    /// Keeps other servers off the file, as long as this thread lives.
    pub(crate) lock: File,
    /// None after an I/O error, until the file could be opened again.
    pub(crate) open: Option<Open>,
}

/// The writing connection, and what is known of the file.
pub(crate) struct Open {
    conn: Connection,
    newest: CommitNumber,
    cache: Cache,
    /// Whether there may be rows of deleted tasks.
    garbage: bool,
}

/// Why a transaction did not happen.
struct Failed {
    error: StoreError,
    /// Whether the jobs can be tried one by one.
    alone: bool,
}

impl Open {
    pub(crate) fn new(conn: Connection, what: &str) -> Result<Self, StoreError> {
        let newest = schema::newest(&conn).named(what)?;
        Ok(Self {
            conn,
            newest: CommitNumber(newest),
            cache: Cache::default(),
            garbage: true,
        })
    }
}

impl Writer {
    /// Works until the queue is closed and empty; then closes the file.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(first) = self.next(&mut queue) {
            self.group(gather(first, &mut queue));
            self.rest();
        }
        self.close();
    }

    /// The next job. While none comes there is time to sweep.
    fn next(&mut self, queue: &mut mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        while self.open.as_ref().is_some_and(|open| open.garbage) {
            match queue.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.rest(),
            }
        }
        queue.blocking_recv()
    }

    /// What is done beside the commits: a step of each.
    fn rest(&mut self) {
        let Some(open) = &mut self.open else {
            return;
        };
        self.checkpoints.after_commit(&open.conn);
        if open.garbage
            && let Err(error) = open.sweep()
        {
            tracing::warn!(%error, "deleted tasks could not be swept; the next delete tries again");
        }
    }

    /// Does jobs together, and answers them.
    fn group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.transaction(&mut jobs) {
            Ok(()) => answer(jobs, None),
            Err(failed) if failed.alone && jobs.len() > 1 => self.one_by_one(jobs),
            Err(failed) => answer(jobs, Some(&failed.error)),
        }
    }

    fn one_by_one(&mut self, jobs: Vec<Box<dyn Job>>) {
        for job in jobs {
            let mut alone = vec![job];
            let failed = self.transaction(&mut alone).err();
            answer(alone, failed.as_ref().map(|failed| &failed.error));
        }
    }

    /// Does jobs in one transaction: all of them, or none.
    fn transaction(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failed> {
        let what = self.place.what.clone();
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let reopened = self.place.writer().and_then(|conn| Open::new(conn, &what));
                closed.insert(reopened.map_err(Failed::whole)?)
            }
        };
        let done = open.transaction(jobs, &self.limits, &*self.clock, &what);
        if let Err(failed) = &done {
            tracing::warn!(error = %failed.error, jobs = jobs.len(), "a transaction failed");
            open.roll_back();
            if matches!(failed.error, StoreError::Unavailable { .. }) {
                self.open = None;
            }
        }
        done
    }

    /// Readers are gone by now, so that closing the last connection leaves one file.
    fn close(self) {
        let Self {
            checkpoints,
            open,
            lock,
            ..
        } = self;
        checkpoints.stop();
        drop(open);
        drop(lock);
    }
}

impl Open {
    fn transaction(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        limits: &Limits,
        clock: &dyn Clock,
        what: &str,
    ) -> Result<(), Failed> {
        self.execute("BEGIN IMMEDIATE", what)
            .map_err(Failed::whole)?;
        let mut transaction = Transaction {
            conn: &self.conn,
            cache: &mut self.cache,
            newest: self.newest,
            discarded: false,
            limits,
            clock,
            what,
        };
        for job in jobs {
            job.run(&mut transaction).map_err(Failed::within)?;
        }
        let (newest, discarded) = (transaction.newest, transaction.discarded);
        self.cache
            .flush(&self.conn)
            .named(what)
            .map_err(Failed::within)?;
        self.execute("COMMIT", what).map_err(Failed::whole)?;
        self.newest = newest;
        self.garbage |= discarded;
        self.cache.settle();
        Ok(())
    }

    fn sweep(&mut self) -> rusqlite::Result<()> {
        // Not tried again at once when it fails.
        self.garbage = false;
        self.garbage = sweep::step(&mut self.conn)?;
        Ok(())
    }

    /// Undoes what was begun, in the file and in memory.
    fn roll_back(&mut self) {
        self.cache = Cache::default();
        // Some errors roll back by themselves.
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    fn execute(&self, sql: &str, what: &str) -> Result<(), StoreError> {
        let run = || self.conn.prepare_cached(sql)?.execute(()).map(|_| ());
        run().named(what)
    }
}

impl Failed {
    /// All of the transaction failed together.
    fn whole(error: StoreError) -> Self {
        Self {
            error,
            alone: false,
        }
    }

    /// One job failed; others may not, unless the file cannot be reached.
    fn within(error: StoreError) -> Self {
        Self {
            alone: !matches!(error, StoreError::Unavailable { .. }),
            error,
        }
    }
}

/// The first job, and what came while the writer was busy.
fn gather(first: Box<dyn Job>, queue: &mut mpsc::Receiver<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut bytes = first.bytes();
    let mut jobs = vec![first];
    while jobs.len() < BATCH_JOBS
        && bytes < BATCH_BYTES
        && let Ok(job) = queue.try_recv()
    {
        bytes += job.bytes();
        jobs.push(job);
    }
    jobs
}

fn answer(jobs: Vec<Box<dyn Job>>, failed: Option<&StoreError>) {
    for job in jobs {
        job.answer(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Asked;
    use crate::{Durability, SqliteOptions};
    use taskcast_core::{Epoch, EventType, Millis, NewEvent, NewTask, RawJson, TaskId};
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
        });
        let conn = place.open(1).unwrap();
        let mut writer = Writer {
            open: Some(Open::new(conn, &place.what).unwrap()),
            checkpoints: Checkpoints::start(&place).unwrap(),
            limits: Limits::default(),
            clock: Arc::new(ManualClock::at(Millis(5))),
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
            let (jobs, answers): (Vec<_>, Vec<Answer>) =
                sizes.iter().map(|size| job(*size)).unzip();
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
}
