//! Writing the rows of a log: appending and entombing.

use crate::rows;
use rusqlite::{Connection, params};
use taskcast_core::{Event, Index, Tombstone, TombstoneReason};

/// Appends the events of one commit.
pub(crate) fn append(conn: &Connection, log: i64, events: &[Event]) -> rusqlite::Result<()> {
    let Some(first) = events.first() else {
        return Ok(());
    };
    for event in events {
        insert(conn, log, event, rows::EVENT)?;
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

/// Writes the row of an event; another `state` than [`rows::EVENT`] says that it is not shown.
pub(crate) fn insert(
    conn: &Connection,
    log: i64,
    event: &Event,
    state: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO slots (log, idx, at, commit_no, type, level, state, delta, series, mode, \
               field, run, run_offset, text_start, text_end, foreign_id, data) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    write(conn, sql, log, event, state)
}

/// Writes the newest event of a series that its log let go of.
pub(crate) fn insert_head(conn: &Connection, series: i64, event: &Event) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO heads (series, idx, at, commit_no, type, level, state, name, \
               mode, field, run, run_offset, text_start, text_end, foreign_id, data) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    write(conn, sql, series, event, rows::EVENT)
}

fn write(
    conn: &Connection,
    sql: &str,
    place: i64,
    event: &Event,
    state: i64,
) -> rusqlite::Result<()> {
    let (run, offset, start, end) = rows::fold_columns(event.fold);
    let series = &event.series;
    let mut statement = conn.prepare_cached(sql)?;
    statement.execute(params![
        place,
        event.index.0.cast_signed(),
        event.at.0.cast_signed(),
        event.commit.0.cast_signed(),
        event.event_type.as_str(),
        rows::level_number(event.level),
        state,
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
    ])?;
    Ok(())
}

/// Writes the row of a tombstone.
pub(crate) fn insert_tombstone(
    conn: &Connection,
    log: i64,
    tombstone: &Tombstone,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO slots (log, idx, at, commit_no, type, level, state, delta, foreign_id)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)";
    let state = match tombstone.reason {
        TombstoneReason::Superseded => rows::SUPERSEDED,
        TombstoneReason::Cleaned => rows::CLEANED,
    };
    conn.prepare_cached(sql)?.execute((
        log,
        tombstone.index.0.cast_signed(),
        tombstone.at.0.cast_signed(),
        tombstone.commit.0.cast_signed(),
        tombstone.event_type.as_str(),
        rows::level_number(tombstone.level),
        state,
        &tombstone.foreign_id,
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
