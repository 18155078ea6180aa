//! A log as it goes back into a short-term store.

use super::log;
use crate::read::{self, Log};
use crate::{once, rows};
use rusqlite::Connection;
use taskcast_core::{CommitNumber, EventType, Level};
use taskcast_store::tier::{LogImage, SeriesImage};

/// Everything of a log but its slots.
pub(super) fn image(conn: &Connection, log: Log) -> rusqlite::Result<LogImage> {
    let kept = log::kept(conn, log.number)?.ok_or_else(|| rows::missing("the record of a task"))?;
    Ok(LogImage {
        state: kept.state,
        series: series(conn, log)?,
        counts: counts(conn, log)?,
        once: once::since(conn, log.number, CommitNumber(0))?,
    })
}

fn series(conn: &Connection, log: Log) -> rusqlite::Result<Vec<SeriesImage>> {
    let sql = "SELECT series, name, mode, field, newest, run, run_offset, text_start, text_end
               FROM series WHERE log = ?1 ORDER BY name";
    let mut statement = conn.prepare_cached(sql)?;
    let mut found = statement.query([log.number])?;
    let mut images = Vec::new();
    while let Some(row) = found.next()? {
        let id = rows::series_id(row.get_ref(1)?.as_str()?, 1)?;
        let state = rows::series(row, 2)?;
        let newest = match state.fold {
            Some(_) => read::newest(conn, log.number, row.get(0)?, row.get(4)?)?,
            None => None,
        };
        let text = match state.fold {
            Some(fold) => read::text(conn, log, &id, fold.run, 0..fold.end())?,
            None => bytes::Bytes::new(),
        };
        if text.len() as u64 != state.fold.map_or(0, |fold| fold.end()) {
            return Err(rows::missing("a piece of a joined text"));
        }
        images.push(SeriesImage {
            id,
            state,
            newest,
            text,
        });
    }
    Ok(images)
}

/// How many slots below the watermark there are of each kind.
fn counts(conn: &Connection, log: Log) -> rusqlite::Result<Vec<(EventType, Level, u64)>> {
    let sql = "SELECT type, level, count FROM kinds WHERE log = ?1 AND count > 0";
    let mut statement = conn.prepare_cached(sql)?;
    let counts = statement.query_map([log.number], |row| {
        Ok((
            rows::event_type(row, 0)?,
            rows::level(row, 1)?,
            rows::number(row, 2)?,
        ))
    })?;
    counts.collect()
}
