//! The row of a log: where it stands, and the compare-and-set between tiers.

use crate::{cache, rows, sweep};
use rusqlite::{Connection, OptionalExtension, Row};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Revision, TaskId};
use taskcast_store::tier::{Kept, Watermark};
use taskcast_store::{Partition, TaskState};

/// A log as the writer finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    pub(super) number: i64,
    pub(super) trim: Index,
    /// The time of the last slot, or of the creation while there is none.
    pub(super) last_at: Millis,
    pub(super) watermark: Watermark,
    /// Slots were taken back: the next record is taken whatever its revision.
    pub(super) rewound: bool,
}

/// Looks for a log.
pub(super) fn find(conn: &Connection, id: &TaskId, epoch: Epoch) -> rusqlite::Result<Option<Log>> {
    let sql =
        "SELECT log, trim, last_at, tail, commit_no, revision, last_commit, rewound FROM tasks
               WHERE id = ?1 AND epoch = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((id.as_str(), epoch.0), |row| {
        let last_at = Millis(rows::number(row, 2)?);
        let last: Option<i64> = row.get(6)?;
        Ok(Log {
            number: row.get(0)?,
            trim: Index(rows::number(row, 1)?),
            last_at,
            watermark: Watermark {
                tail: Index(rows::number(row, 3)?),
                commit: CommitNumber(rows::number(row, 4)?),
                revision: Revision(rows::number(row, 5)?),
                last: last.map(|last| (last_at, CommitNumber(last.cast_unsigned()))),
            },
            rewound: row.get(7)?,
        })
    });
    found.optional()
}

/// Begins a log, with nothing in it yet, at an index.
pub(super) fn insert(conn: &Connection, state: &TaskState, from: Index) -> rusqlite::Result<Log> {
    let record = &state.record;
    let sql = "INSERT INTO tasks (id, epoch, revision, status, type, created_at, tail, trim, \
               last_at, commit_no, hot, version) \
               VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?6, ?7, 0, 1, 1)";
    let number = conn.prepare_cached(sql)?.insert((
        record.id.as_str(),
        state.epoch.0,
        record.status.as_str(),
        record.task_type.as_ref().map(|kind| kind.as_str()),
        rows::ordered(record.created_at.0),
        from.0.cast_signed(),
        record.created_at.0.cast_signed(),
    ))?;
    let sql = "INSERT INTO records (log, record) VALUES (?1, ?2)";
    conn.prepare_cached(sql)?
        .execute((number, cache::json(record)?))?;
    Ok(Log {
        number,
        trim: from,
        last_at: record.created_at,
        watermark: Watermark {
            tail: from,
            commit: CommitNumber(0),
            revision: Revision(0),
            last: None,
        },
        rewound: false,
    })
}

/// Writes where a log stands.
pub(super) fn update(conn: &Connection, log: &Log) -> rusqlite::Result<()> {
    let sql = "UPDATE tasks SET tail = ?2, trim = ?3, last_at = ?4, last_commit = ?5,
                                commit_no = ?6, revision = ?7, rewound = ?8
               WHERE log = ?1";
    let mark = &log.watermark;
    conn.prepare_cached(sql)?.execute((
        log.number,
        mark.tail.0.cast_signed(),
        log.trim.0.cast_signed(),
        log.last_at.0.cast_signed(),
        mark.last.map(|(_, commit)| commit.0.cast_signed()),
        mark.commit.0.cast_signed(),
        mark.revision.0.cast_signed(),
        log.rewound,
    ))?;
    Ok(())
}

/// Marks a log as hot: the short-term store has it.
pub(super) fn warm(conn: &Connection, log: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE tasks SET version = version + 1, hot = 1 WHERE log = ?1 AND hot = 0";
    conn.prepare_cached(sql)?.execute([log])?;
    Ok(())
}

/// Writes the record of a log.
pub(super) fn write_record(conn: &Connection, log: i64, state: &TaskState) -> rusqlite::Result<()> {
    let record = &state.record;
    let sql = "UPDATE tasks SET status = ?2, type = ?3, created_at = ?4 WHERE log = ?1";
    conn.prepare_cached(sql)?.execute((
        log,
        record.status.as_str(),
        record.task_type.as_ref().map(|kind| kind.as_str()),
        rows::ordered(record.created_at.0),
    ))?;
    let sql = "UPDATE records SET record = ?2 WHERE log = ?1";
    conn.prepare_cached(sql)?
        .execute((log, cache::json(record)?))?;
    Ok(())
}

/// Notes the slots that a commit filled; they may follow others of it.
pub(super) fn note_commit(
    conn: &Connection,
    log: i64,
    partition: Partition,
    commit: CommitNumber,
    (first, count): (Index, u64),
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO commits (log, no, partition, first, count) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET count = count + excluded.count";
    let (no, first) = (commit.0.cast_signed(), first.0.cast_signed());
    conn.prepare_cached(sql)?
        .execute((log, no, partition.0, first, rows::ordered(count)))?;
    Ok(())
}

/// The newest log of a task.
pub(super) fn newest(conn: &Connection, id: &TaskId) -> rusqlite::Result<Option<Kept>> {
    let sql = "SELECT log FROM tasks WHERE id = ?1 ORDER BY log DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let log = statement.query_row([id.as_str()], |row| row.get(0));
    match log.optional()? {
        Some(log) => kept(conn, log),
        None => Ok(None),
    }
}

/// A log as the archive keeps it.
pub(super) fn kept(conn: &Connection, log: i64) -> rusqlite::Result<Option<Kept>> {
    let columns = rows::TASK;
    let sql = format!(
        "SELECT {columns}, hot, version FROM tasks JOIN records USING (log) WHERE tasks.log = ?1"
    );
    let kept = |row: &Row<'_>| {
        Ok(Kept {
            state: rows::task(row)?.1,
            hot: row.get(8)?,
            version: rows::number(row, 9)?,
        })
    };
    conn.prepare_cached(&sql)?.query_row([log], kept).optional()
}

/// Marks a log as released, if it is kept up to this commit. A later one tells that the log was
/// taken back since.
pub(super) fn cool(
    conn: &Connection,
    id: &TaskId,
    epoch: Epoch,
    commit: CommitNumber,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE tasks SET version = version + hot, hot = 0
               WHERE id = ?1 AND epoch = ?2 AND commit_no = ?3";
    let commit = commit.0.cast_signed();
    let changed = conn
        .prepare_cached(sql)?
        .execute((id.as_str(), epoch.0, commit))?;
    Ok(changed == 1)
}

/// Gives a log a new epoch, if it still is as it was found and no other log of the task has it.
pub(super) fn revive(conn: &Connection, found: &Kept, epoch: Epoch) -> rusqlite::Result<bool> {
    let sql = "UPDATE OR IGNORE tasks SET epoch = ?4, hot = 0, version = version + 1
               WHERE id = ?1 AND epoch = ?2 AND version = ?3";
    let state = &found.state;
    let version = found.version.cast_signed();
    let changed = conn.prepare_cached(sql)?.execute((
        state.record.id.as_str(),
        state.epoch.0,
        version,
        epoch.0,
    ))?;
    Ok(changed == 1)
}

/// Deletes a log, and the older ones of its task: whoever deleted this one had deleted those. At once
/// for readers, bit by bit for the tables.
pub(super) fn delete(conn: &Connection, id: &TaskId, epoch: Epoch) -> rusqlite::Result<bool> {
    let Some(newest) = find(conn, id, epoch)? else {
        return Ok(false);
    };
    let sql = "SELECT log FROM tasks WHERE id = ?1 AND log <= ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let logs = statement.query_map((id.as_str(), newest.number), |row| row.get(0))?;
    for log in logs.collect::<rusqlite::Result<Vec<i64>>>()? {
        conn.prepare_cached("DELETE FROM kinds WHERE log = ?1")?
            .execute([log])?;
        sweep::discard(conn, log)?;
    }
    Ok(true)
}
