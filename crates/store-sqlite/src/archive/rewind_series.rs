//! Taking back series: each stands at its newest event that is left, with the text up to it.

use crate::rows::{self, FoldColumns};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashMap;
use taskcast_core::{Fold, Index};

/// A series whose newest event is taken back.
struct Lost {
    series: i64,
    /// Its newest event below the trim point.
    head: Option<Place>,
}

/// Where an event of a series stands.
struct Place {
    index: i64,
    fold: Option<Fold>,
}

/// Takes the series of a log back to an index, before its slots.
pub(super) fn rewind(conn: &Connection, log: i64, to: Index) -> rusqlite::Result<()> {
    let to = to.0.cast_signed();
    let mut lost = lost(conn, log, to)?;
    if lost.is_empty() {
        return Ok(());
    }
    // One pass, from the newest slot that is left, until every series is found.
    let sql = "SELECT idx, run, run_offset, text_start, text_end, series FROM slots
               WHERE log = ?1 AND idx < ?2 AND series IS NOT NULL AND mode IS NOT NULL
               ORDER BY idx DESC";
    let mut statement = conn.prepare_cached(sql)?;
    let mut slots = statement.query((log, to))?;
    while !lost.is_empty()
        && let Some(row) = slots.next()?
    {
        if let Some(found) = lost.remove(row.get_ref(5)?.as_str()?) {
            step_back(conn, log, found.series, Some(place(row)?), to)?;
        }
    }
    for left in lost.into_values() {
        step_back(conn, log, left.series, left.head, to)?;
    }
    Ok(())
}

fn lost(conn: &Connection, log: i64, to: i64) -> rusqlite::Result<HashMap<String, Lost>> {
    let sql = "SELECT series, name FROM series WHERE log = ?1 AND newest >= ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let mut found = statement.query((log, to))?;
    let mut lost = HashMap::new();
    while let Some(row) = found.next()? {
        let series = row.get(0)?;
        let head = head(conn, series, to)?;
        lost.insert(row.get(1)?, Lost { series, head });
    }
    Ok(lost)
}

fn head(conn: &Connection, series: i64, to: i64) -> rusqlite::Result<Option<Place>> {
    conn.prepare_cached("DELETE FROM heads WHERE series = ?1 AND idx >= ?2")?
        .execute((series, to))?;
    let sql = "SELECT idx, run, run_offset, text_start, text_end FROM heads WHERE series = ?1
               ORDER BY idx DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_row([series], place).optional()
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        index: row.get(0)?,
        fold: rows::fold(row, 1)?,
    })
}

/// Lets a series end at an event, or takes all of it back.
fn step_back(
    conn: &Connection,
    log: i64,
    series: i64,
    newest: Option<Place>,
    to: i64,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM chunks WHERE series = ?1 AND run >= ?2";
    conn.prepare_cached(sql)?.execute((series, to))?;
    let Some(newest) = newest else {
        for table in ["chunks", "heads", "series"] {
            let sql = format!("DELETE FROM {table} WHERE series = ?1");
            conn.prepare_cached(&sql)?.execute([series])?;
        }
        return Ok(());
    };
    if let Some(fold) = newest.fold {
        cut_text(conn, series, fold)?;
    }
    let sql = "UPDATE series SET newest = ?2, run = ?3, run_offset = ?4, text_start = ?5,
                                 text_end = ?6 WHERE series = ?1";
    let (run, offset, start, end): FoldColumns = rows::fold_columns(newest.fold);
    conn.prepare_cached(sql)?
        .execute((series, newest.index, run, offset, start, end))?;
    // What had replaced it is gone.
    let sql = "UPDATE slots SET state = ?4 WHERE log = ?1 AND idx = ?2 AND state = ?3";
    let mut statement = conn.prepare_cached(sql)?;
    for (replaced, before) in [
        (rows::SUPERSEDED, rows::EVENT),
        (rows::SUPERSEDED_CLEANED, rows::CLEANED),
    ] {
        statement.execute((log, newest.index, replaced, before))?;
    }
    Ok(())
}

/// Cuts the text of a run after a delta.
fn cut_text(conn: &Connection, series: i64, fold: Fold) -> rusqlite::Result<()> {
    let (run, end) = (fold.run.0.cast_signed(), fold.end());
    let sql = "DELETE FROM chunks WHERE series = ?1 AND run = ?2 AND start >= ?3";
    conn.prepare_cached(sql)?
        .execute((series, run, end.cast_signed()))?;
    let sql = "SELECT chunk, start, text FROM chunks WHERE series = ?1 AND run = ?2
               ORDER BY start DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let last = statement.query_row((series, run), |row| {
        Ok((
            row.get::<_, i64>(0)?,
            rows::number(row, 1)?,
            row.get::<_, String>(2)?,
        ))
    });
    let Some((chunk, start, text)) = last.optional()? else {
        return Ok(());
    };
    let within = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
    if let Some(left) = text.get(..within).filter(|left| left.len() < text.len()) {
        let sql = "UPDATE chunks SET text = ?2 WHERE chunk = ?1";
        conn.prepare_cached(sql)?.execute((chunk, left))?;
    }
    Ok(())
}
