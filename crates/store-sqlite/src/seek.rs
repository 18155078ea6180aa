//! Counting what a filter matches, and looking for positions.

use crate::read::Log;
use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use std::ops::ControlFlow;
use taskcast_core::{EventFilter, EventType, Index, Level, Millis};

/// How many slots below an index a filter matches, those that are not held among them.
pub(crate) fn count(
    conn: &Connection,
    log: Log,
    filter: &EventFilter,
    upto: Index,
) -> rusqlite::Result<u64> {
    if filter.is_all() {
        return Ok(upto.clamp(log.base, log.tail).0);
    }
    let mut found = gone(conn, log, filter)?;
    kinds(conn, log, Some(upto), |_, event_type, level| {
        found += u64::from(filter.matches(event_type, level));
        ControlFlow::<()>::Continue(())
    })?;
    Ok(found)
}

/// The position after the first `count` matches; [`Index::START`] when it is not held.
pub(crate) fn past(
    conn: &Connection,
    log: Log,
    filter: &EventFilter,
    count: u64,
) -> rusqlite::Result<Option<Index>> {
    let gone = gone(conn, log, filter)?;
    if count < gone || count == 0 {
        return Ok(Some(Index::START));
    }
    if count == gone {
        return Ok(Some(log.base));
    }
    let mut left = count - gone;
    kinds(conn, log, None, |index, event_type, level| {
        left -= u64::from(filter.matches(event_type, level));
        match left {
            0 => ControlFlow::Break(index.next()),
            _ => ControlFlow::Continue(()),
        }
    })
}

/// How many slots that are not held any more a filter matches.
fn gone(conn: &Connection, log: Log, filter: &EventFilter) -> rusqlite::Result<u64> {
    let sql = "SELECT type, level, count FROM trimmed WHERE log = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut kinds = statement.query([log.number])?;
    let mut found = 0;
    while let Some(row) = kinds.next()? {
        if filter.matches(&rows::event_type(row, 0)?, rows::level(row, 1)?) {
            found += rows::number(row, 2)?;
        }
    }
    Ok(found)
}

/// Shows the kinds of the slots in order, until `look` breaks off. Payloads are not read.
fn kinds<T>(
    conn: &Connection,
    log: Log,
    upto: Option<Index>,
    mut look: impl FnMut(Index, &EventType, Level) -> ControlFlow<T>,
) -> rusqlite::Result<Option<T>> {
    let sql = "SELECT idx, type, level FROM slots WHERE log = ?1 AND idx < ?2 ORDER BY idx";
    let mut statement = conn.prepare_cached(sql)?;
    let upto = upto.map_or(i64::MAX, |upto| rows::ordered(upto.0));
    let mut slots = statement.query((log.number, upto))?;
    // Neighbours are often of one type, which is then not made again.
    let mut last: Option<EventType> = None;
    while let Some(row) = slots.next()? {
        let text = row.get_ref(1)?.as_str()?;
        let event_type = match last.take().filter(|last| last.as_str() == text) {
            Some(last) => last,
            None => rows::event_type(row, 1)?,
        };
        let index = Index(rows::number(row, 0)?);
        if let ControlFlow::Break(found) = look(index, &event_type, rows::level(row, 2)?) {
            return Ok(Some(found));
        }
        last = Some(event_type);
    }
    Ok(None)
}

/// The first slot later than a time, by bisection: times never decrease along a log.
pub(crate) fn after(conn: &Connection, log: Log, at: Millis) -> rusqlite::Result<Index> {
    let sql = "SELECT at FROM slots WHERE log = ?1 AND idx = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let (mut low, mut high) = (log.base, log.tail);
    while low < high {
        let middle = Index(low.0 + (high.0 - low.0) / 2);
        let place = (log.number, middle.0.cast_signed());
        let then = statement.query_row(place, |row| rows::number(row, 0).map(Millis))?;
        if then <= at {
            low = middle.next();
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The newest event that an archive brought along under an id.
pub(crate) fn foreign(conn: &Connection, log: Log, id: &str) -> rusqlite::Result<Option<Index>> {
    let sql = "SELECT idx FROM slots WHERE log = ?1 AND foreign_id = ?2 ORDER BY idx DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log.number, id), |row| rows::number(row, 0).map(Index));
    found.optional()
}
