//! Taking back the end of a log, because the short-term store has lost it.

use super::log::{self, Log};
use super::rewind_series;
use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, TaskId};

/// Each takes the log `?1` back to the index `?2`.
const STEPS: [&str; 4] = [
    "INSERT INTO kinds (log, type, level, count)
     SELECT log, type, level, -count(*) FROM slots WHERE log = ?1 AND idx >= ?2
     GROUP BY log, type, level
     ON CONFLICT DO UPDATE SET count = count + excluded.count",
    "DELETE FROM commits WHERE log = ?1 AND first >= ?2",
    "UPDATE commits SET count = ?2 - first WHERE log = ?1 AND first + count > ?2",
    "DELETE FROM slots WHERE log = ?1 AND idx >= ?2",
];

/// Each forgets what commits said that are taken back; what the short-term store still knows of it
/// comes again.
const ONCE: [&str; 2] = [
    "DELETE FROM producers WHERE log = ?1 AND max(idx + count, idx + 1) > ?2",
    "DELETE FROM keys WHERE log = ?1 AND max(idx + count, idx + 1) > ?2",
];

/// Takes back everything of a log from an index on.
pub(super) fn rewind(
    conn: &Connection,
    id: &TaskId,
    epoch: Epoch,
    to: Index,
) -> rusqlite::Result<()> {
    let Some(mut log) = log::find(conn, id, epoch)? else {
        return Ok(());
    };
    if to >= log.watermark.tail {
        let sql = "UPDATE tasks SET rewound = 1 WHERE log = ?1";
        conn.prepare_cached(sql)?.execute([log.number])?;
        return Ok(());
    }
    let place = (log.number, to.0.cast_signed());
    let whole = whole_commit(conn, log.number, to)?;
    log.watermark.commit = log.watermark.commit.min(whole);
    rewind_series::rewind(conn, log.number, to)?;
    for sql in STEPS {
        conn.prepare_cached(sql)?.execute(place)?;
    }
    for sql in ONCE {
        if conn.prepare_cached(sql)?.execute(place)? > 0 {
            // So that all that is remembered comes again with the next entry.
            log.watermark.commit = CommitNumber(0);
        }
    }
    set_back(conn, &log, to)
}

/// The newest commit that is whole below an index: not the one that goes on there.
fn whole_commit(conn: &Connection, log: i64, to: Index) -> rusqlite::Result<CommitNumber> {
    let sql = "SELECT commit_no FROM slots
               WHERE log = ?1 AND idx < ?2
                     AND commit_no IS NOT (SELECT commit_no FROM slots WHERE log = ?1 AND idx = ?2)
               ORDER BY idx DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let place = (log, to.0.cast_signed());
    let found = statement.query_row(place, |row| rows::number(row, 0));
    Ok(CommitNumber(found.optional()?.unwrap_or_default()))
}

/// Writes the watermark, with the time and commit of the slot before it.
fn set_back(conn: &Connection, log: &Log, to: Index) -> rusqlite::Result<()> {
    let sql = "SELECT at, commit_no FROM slots WHERE log = ?1 AND idx = ?2 - 1";
    let mut statement = conn.prepare_cached(sql)?;
    let last = statement.query_row((log.number, to.0.cast_signed()), |row| {
        let commit = CommitNumber(rows::number(row, 1)?);
        Ok((Millis(rows::number(row, 0)?), commit))
    });
    let last = last.optional()?;
    let sql =
        "UPDATE tasks SET tail = ?2, trim = min(trim, ?2), last_at = coalesce(?3, created_at),
                                last_commit = ?4, commit_no = ?5, rewound = 1
               WHERE log = ?1";
    conn.prepare_cached(sql)?.execute((
        log.number,
        to.0.cast_signed(),
        last.map(|(at, _)| at.0.cast_signed()),
        last.map(|(_, commit)| commit.0.cast_signed()),
        log.watermark.commit.0.cast_signed(),
    ))?;
    Ok(())
}
