//! Writing the rows of a log: appending and entombing.

use crate::rows;
use rusqlite::Connection;
use taskcast_core::{Event, Index};

/// Appends the events of one commit.
pub(crate) fn append(conn: &Connection, log: i64, events: &[Event]) -> rusqlite::Result<()> {
    let Some(first) = events.first() else {
        return Ok(());
    };
    for event in events {
        insert(conn, log, event)?;
    }
    let sql = "INSERT INTO commits (no, log, first, count) VALUES (?1, ?2, ?3, ?4)";
    conn.prepare_cached(sql)?.execute((
        first.commit.0.cast_signed(),
        log,
        first.index.0.cast_signed(),
        rows::ordered(events.len() as u64),
    ))?;
    Ok(())
}

fn insert(conn: &Connection, log: i64, event: &Event) -> rusqlite::Result<()> {
    let sql = "INSERT INTO slots (log, idx, at, commit_no, type, level, state, delta, series, mode, \
               field, run, run_offset, text_start, text_end, foreign_id, data) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let (run, offset, start, end) = rows::fold_columns(event.fold);
    let series = &event.series;
    conn.prepare_cached(sql)?.execute((
        log,
        event.index.0.cast_signed(),
        event.at.0.cast_signed(),
        event.commit.0.cast_signed(),
        event.event_type.as_str(),
        rows::level_number(event.level),
        event.fold.is_some(),
        series.id.as_ref().map(|id| id.as_str()),
        series.mode.map(rows::mode_number),
        &series.field,
        run,
        offset,
        start,
        end,
        &event.foreign_id,
        event.data.as_ref().map(|data| data.as_bytes()),
    ))?;
    Ok(())
}

/// Makes the event at an index a tombstone, if there is one.
pub(crate) fn entomb(
    conn: &Connection,
    log: i64,
    index: Index,
    state: i64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE slots SET state = ?3, series = NULL, mode = NULL, field = NULL, run = NULL, \
               run_offset = NULL, text_start = NULL, text_end = NULL, data = NULL
               WHERE log = ?1 AND idx = ?2 AND state = 0";
    conn.prepare_cached(sql)?
        .execute((log, index.0.cast_signed(), state))?;
    Ok(())
}
