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
use crate::schema::Counters;
use crate::sweep;
use crate::transaction::{Rules, Transaction};
use rusqlite::Connection;
use std::fs::File;
use taskcast_store::StoreError;
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
    pub(crate) rules: Rules,
    pub(crate) checkpoints: Checkpoints,
    /// Keeps other servers off the file, as long as this thread lives.
    pub(crate) lock: File,
    /// None after an I/O error, until the file could be opened again.
    pub(crate) open: Option<Open>,
}

/// The writing connection, and what is known of the file.
pub(crate) struct Open {
    conn: Connection,
    counters: Counters,
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
    pub(crate) fn new(conn: Connection, place: &Place) -> Result<Self, StoreError> {
        let counters = (place.schema.counters)(&conn).named(&place.what)?;
        Ok(Self {
            conn,
            counters,
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
                let place = &self.place;
                let reopened = place.writer().and_then(|conn| Open::new(conn, place));
                closed.insert(reopened.map_err(Failed::whole)?)
            }
        };
        let done = open.transaction(jobs, &self.rules, &what);
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
        rules: &Rules,
        what: &str,
    ) -> Result<(), Failed> {
        self.execute("BEGIN IMMEDIATE", what)
            .map_err(Failed::whole)?;
        let mut transaction = Transaction {
            conn: &self.conn,
            cache: &mut self.cache,
            counters: self.counters,
            discarded: false,
            rules,
            what,
        };
        for job in jobs {
            job.run(&mut transaction).map_err(Failed::within)?;
        }
        let (counters, discarded) = (transaction.counters, transaction.discarded);
        self.cache
            .flush(&self.conn, counters.written)
            .named(what)
            .map_err(Failed::within)?;
        self.execute("COMMIT", what).map_err(Failed::whole)?;
        self.counters = counters;
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
mod tests;
