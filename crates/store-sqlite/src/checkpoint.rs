//! Checkpoints: moving what was committed from the write-ahead log into the database file.
//!
//! A thread with a connection of its own does it beside the commits
//! (<https://www.sqlite.org/wal.html#ckpt>, passive: waits for nobody, makes nobody wait), so no
//! commit waits for the syncs of the database file. The log begins anew only when all of it was
//! moved, which does not happen beside a writer that never rests. So when the log has become
//! long, the writer itself moves the short rest.

use crate::connect::Place;
use rusqlite::Connection;
use std::thread::JoinHandle;
use taskcast_store::StoreError;
use tokio::sync::mpsc;

/// Frames (pages of 4 KiB) in the log, not moved yet, that wake the thread.
const SOFT: i64 = 1_000;
/// Frames in the log at which the writer moves the rest.
const HARD: i64 = 8_000;

/// The thread that makes checkpoints.
pub(crate) struct Checkpoints {
    wake: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(crate) fn start(place: &Place) -> Result<Self, StoreError> {
        let conn = place.writer()?;
        // One signal that waits is as good as many.
        let (wake, mut woken) = mpsc::channel(1);
        let thread = crate::thread::spawn(&place.what, "taskcast-checkpoint", move || {
            while let Some(()) = woken.blocking_recv() {
                checkpoint(&conn);
            }
        })?;
        Ok(Self { wake, thread })
    }

    /// Looks how long the log has become. Called by the writer between two transactions.
    pub(crate) fn after_commit(&self, conn: &Connection) {
        let Ok((frames, moved)) = frames(conn) else {
            return;
        };
        if frames >= HARD {
            checkpoint(conn);
        } else if frames - moved >= SOFT {
            let _ = self.wake.try_send(());
        }
    }

    /// Lets the thread finish what it is at.
    pub(crate) fn stop(self) {
        drop(self.wake);
        let _ = self.thread.join();
    }
}

/// Frames in the log, and how many of them were moved. Does nothing else.
fn frames(conn: &Connection) -> rusqlite::Result<(i64, i64)> {
    conn.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
        .query_row((), |row| Ok((row.get(1)?, row.get(2)?)))
}

/// What fails stays in the log, from where everything is read, and is moved by the next one.
fn checkpoint(conn: &Connection) {
    let moved = conn
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| statement.query_row((), |_| Ok(())));
    if let Err(error) = moved {
        tracing::warn!(%error, "a checkpoint of the database failed; the next one will try again");
    }
}
