//! The tables, and how a file gets to have them.
//!
//! ```text
//!   meta      incarnation; newest, written (what deleted tasks had used up, see [`Counters`]);
//!             released (the newest commit whose slots an archive has)
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
//!   notes     (id, epoch) ── released after                    what the archive was not told yet
//! ```
//!
//! `log` numbers the logs of this file and is never used twice: a deleted and recreated task id is
//! another `log`, which does not meet the rows of the old one. Slots lie in the order of the log, so
//! a page is one stretch of the file. Those below `base` of the task are in the archive only. A
//! chunk is about 2 KiB and only grows, so joining a delta never costs the text so far.
//!
//! `user_version` is the version of the schema, `application_id` tells the file from other
//! people's databases, and stores from archives. A migration is one file, run in one transaction.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use taskcast_core::CommitNumber;

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Marks the file.
    application_id: i64,
    /// What brings a file from schema `n` to `n + 1`.
    migrations: &'static [&'static str],
    /// What a file of the kind is, when another kind was meant.
    name: &'static str,
    /// What the writer begins with.
    pub(crate) counters: fn(&Connection) -> rusqlite::Result<Counters>,
}

/// The file of a short-term store (`tkcs`).
pub(crate) static STORE: Schema = Schema {
    application_id: 0x746b_6373,
    migrations: &[
        include_str!("migrations/0001.sql"),
        include_str!("migrations/0002.sql"),
    ],
    name: "a store of tasks",
    counters,
};

/// The file of an archive (`tkca`).
pub(crate) static ARCHIVE: Schema = Schema {
    application_id: 0x746b_6361,
    migrations: &[include_str!("archive/migrations/0001.sql")],
    name: "an archive",
    counters: |_| Ok(Counters::default()),
};

/// What a file that can be opened turned out to be.
pub(crate) enum Found {
    /// Of the kind, or empty; its schema.
    Ours(i64),
    /// Something else.
    Other(&'static str),
}

impl Schema {
    /// The version of the schema that this version of the program writes.
    pub(crate) fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    /// Looks at a file without changing it.
    pub(crate) fn look(&self, conn: &Connection) -> rusqlite::Result<Found> {
        let number = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, i64>(0));
        let application = number("PRAGMA application_id")?;
        let version = number("PRAGMA user_version")?;
        let tables = number("SELECT count(*) FROM sqlite_schema")?;
        let empty = application == 0 && version == 0 && tables == 0;
        if empty || application == self.application_id {
            return Ok(Found::Ours(version));
        }
        let known = [&STORE, &ARCHIVE].into_iter();
        let kind = known
            .into_iter()
            .find(|it| it.application_id == application);
        Ok(Found::Other(
            kind.map_or("a database of another program", |kind| kind.name),
        ))
    }

    /// Brings a file from schema `from` to the newest. `incarnation` is written into a new file.
    pub(crate) fn migrate(
        &self,
        conn: &mut Connection,
        from: i64,
        incarnation: u64,
    ) -> rusqlite::Result<()> {
        if from == self.version() {
            return Ok(());
        }
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = usize::try_from(from).unwrap_or_default();
        for migration in self.migrations.iter().skip(done) {
            transaction.execute_batch(migration)?;
        }
        if from == 0 {
            transaction.execute(
                "INSERT INTO meta (key, value) VALUES ('incarnation', ?1)",
                [incarnation.cast_signed()],
            )?;
            transaction.pragma_update(None, "application_id", self.application_id)?;
        }
        transaction.pragma_update(None, "user_version", self.version())?;
        transaction.commit()
    }
}

/// The incarnation of the data in the file.
pub(crate) fn incarnation(conn: &Connection) -> rusqlite::Result<u64> {
    meta(conn, "incarnation")
}

/// The newest commit of which slots were released.
pub(crate) fn released(conn: &Connection) -> rusqlite::Result<CommitNumber> {
    meta(conn, "released").map(CommitNumber)
}

fn meta(conn: &Connection, key: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce((SELECT value FROM meta WHERE key = ?1), 0)";
    conn.prepare_cached(sql)?
        .query_row([key], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

/// Numbers of a store that only grow. Each commit leaves them in the row of its task; what a task
/// had used up when it was removed stays in `meta`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The newest commit.
    pub(crate) newest: CommitNumber,
    /// Bytes that were ever appended, as [`taskcast_store::tier::Usage`] counts.
    pub(crate) written: u64,
}

/// The counters as the file has them.
pub(crate) fn counters(conn: &Connection) -> rusqlite::Result<Counters> {
    let sql = "SELECT commit_no, written FROM tasks ORDER BY commit_no DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let newest = conn.prepare_cached(sql)?.query_row((), row).optional()?;
    let (newest, written) = newest.unwrap_or_default();
    Ok(Counters {
        newest: CommitNumber(meta(conn, "newest")?.max(newest.cast_unsigned())),
        written: meta(conn, "written")?.max(written.cast_unsigned()),
    })
}

/// The newest commit: that of a task, or that of one which is deleted.
pub(crate) fn newest(conn: &Connection) -> rusqlite::Result<CommitNumber> {
    counters(conn).map(|counters| counters.newest)
}

/// Keeps the counters of a task that is removed.
pub(crate) fn keep(conn: &Connection, counters: Counters) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('newest', ?1), ('written', ?2)";
    let (newest, written) = (counters.newest.0, counters.written);
    conn.prepare_cached(sql)?
        .execute((newest.cast_signed(), written.cast_signed()))?;
    Ok(())
}

/// Keeps that slots up to a commit were released.
pub(crate) fn keep_released(conn: &Connection, upto: CommitNumber) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES ('released', ?1)
               ON CONFLICT DO UPDATE SET value = max(value, excluded.value)";
    conn.prepare_cached(sql)?.execute([upto.0.cast_signed()])?;
    Ok(())
}
