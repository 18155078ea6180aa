//! Notes of logs that are not here any more, until the archive knows.

use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use taskcast_core::{CommitNumber, Epoch, TaskId};
use taskcast_store::tier::{Note, NoteKind};

/// Notes that a log was deleted; that it was released before does not matter then.
pub(crate) fn deleted(conn: &Connection, id: &TaskId, epoch: Epoch) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO notes (id, epoch, released) VALUES (?1, ?2, NULL)";
    conn.prepare_cached(sql)?.execute((id.as_str(), epoch.0))?;
    Ok(())
}

/// Notes that a log was released after its last commit.
pub(super) fn released(
    conn: &Connection,
    id: &TaskId,
    epoch: Epoch,
    commit: CommitNumber,
) -> rusqlite::Result<()> {
    restored(conn, id)?;
    let sql = "INSERT OR REPLACE INTO notes (id, epoch, released) VALUES (?1, ?2, ?3)";
    let commit = commit.0.cast_signed();
    conn.prepare_cached(sql)?
        .execute((id.as_str(), epoch.0, commit))?;
    Ok(())
}

/// Forgets that a log of a task was released: it is here.
pub(super) fn restored(conn: &Connection, id: &TaskId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM notes WHERE id = ?1 AND released IS NOT NULL";
    conn.prepare_cached(sql)?.execute([id.as_str()])?;
    Ok(())
}

/// Forgets a note.
pub(super) fn settle(conn: &Connection, note: &Note) -> rusqlite::Result<()> {
    let released = match note.kind {
        NoteKind::Deleted => None,
        NoteKind::Released(commit) => Some(commit.0.cast_signed()),
    };
    let sql = "DELETE FROM notes WHERE id = ?1 AND epoch = ?2 AND released IS ?3";
    conn.prepare_cached(sql)?
        .execute((note.id.as_str(), note.epoch.0, released))?;
    Ok(())
}

/// Some of the notes.
pub(super) fn some(conn: &Connection, limit: usize) -> rusqlite::Result<Vec<Note>> {
    let sql = "SELECT id, epoch, released FROM notes LIMIT ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let limit = rows::ordered(limit as u64);
    let notes = statement.query_map([limit], |row| {
        let released: Option<i64> = row.get(2)?;
        Ok(Note {
            id: rows::task_id(row, 0)?,
            epoch: rows::epoch(row, 1)?,
            kind: released.map_or(NoteKind::Deleted, |commit| {
                NoteKind::Released(CommitNumber(commit.cast_unsigned()))
            }),
        })
    })?;
    notes.collect()
}

/// The logs of a task that were deleted.
pub(super) fn dead(conn: &Connection, id: &TaskId) -> rusqlite::Result<Vec<Epoch>> {
    let sql = "SELECT epoch FROM notes WHERE id = ?1 AND released IS NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let epochs = statement.query_map([id.as_str()], |row| rows::epoch(row, 0))?;
    epochs.collect()
}

/// The log of a task that was released.
pub(super) fn released_log(conn: &Connection, id: &TaskId) -> rusqlite::Result<Option<Epoch>> {
    let sql = "SELECT epoch FROM notes WHERE id = ?1 AND released IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let epoch = statement.query_row([id.as_str()], |row| rows::epoch(row, 0));
    epoch.optional()
}
