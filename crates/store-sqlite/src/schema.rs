//! The tables, and how a file gets to have them.
//!
//! ```text
//!   meta      incarnation, newest (the commit number that deleted tasks had used up)
//!
//!   tasks     log ── id, epoch, revision, tail, trim, ...      small: rewritten by every commit
//!   records   log ── record (JSON)                             may be large: by changes only
//!
//!   slots     (log, idx) ── event or tombstone                 the log itself, as published
//!   trimmed   (log, type, level) ── count                      what slots below the trim point were
//!   commits   no ── log, first, count                          which slots a commit filled
//!
//!   series    series ── log, name, mode, newest, fold          where each series stands
//!   chunks    (series, run, start) ── text                     joined texts, in appended pieces
//!   heads     series ── slot                                   heads that their log let go of
//!
//!   producers (log, id)      keys (log, key)                   what happens at most once
//!   garbage   log                                              deleted; its rows are being removed
//!
//!   leases    name ── holder, until                            who does which work for all
//!   positions reader ── commit                                 how far it has got
//! ```
//!
//! `log` numbers the logs of this file and is never used twice: a deleted and recreated task id is
//! another `log`, which does not meet the rows of the old one. Slots lie in the order of the log, so a page is one stretch of the
//! file. A chunk is about 2 KiB and only grows, so joining a delta never costs the text so far.
//!
//! `user_version` is the version of the schema, `application_id` tells the file from other
//! people's databases. A migration is one file, run in one transaction.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as a Taskcast store (`tkcs`).
pub(crate) const APPLICATION_ID: i64 = 0x746b_6373;

/// What brings a file from schema `n` to `n + 1`.
const MIGRATIONS: [&str; 2] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
];

/// The schema that this version writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// What a file that can be opened turned out to be.
pub(crate) enum Found {
    /// Ours, or empty; its schema.
    Ours(i64),
    /// A database of another program.
    Foreign,
}

/// Looks at a file without changing it.
pub(crate) fn look(conn: &Connection) -> rusqlite::Result<Found> {
    let application: i64 = conn.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let version: i64 = conn.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let empty = application == 0 && version == 0 && tables == 0;
    Ok(if empty || application == APPLICATION_ID {
        Found::Ours(version)
    } else {
        Found::Foreign
    })
}

/// Brings a file from schema `from` to the newest. `incarnation` is written into a new file.
pub(crate) fn migrate(conn: &mut Connection, from: i64, incarnation: u64) -> rusqlite::Result<()> {
    if from == VERSION {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(from).unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if from == 0 {
        transaction.execute(
            "INSERT INTO meta (key, value) VALUES ('incarnation', ?1)",
            [incarnation.cast_signed()],
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// The incarnation of the data in the file.
pub(crate) fn incarnation(conn: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE key = 'incarnation'";
    conn.query_row(sql, (), |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

/// The newest commit: that of a task, or that of one which is deleted.
pub(crate) fn newest(conn: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT max(coalesce((SELECT max(commit_no) FROM tasks), 0),
                          coalesce((SELECT value FROM meta WHERE key = 'newest'), 0))";
    conn.prepare_cached(sql)?
        .query_row((), |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}
