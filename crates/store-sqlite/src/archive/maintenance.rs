//! Removing what no rule wants kept from an archive.

use super::{SqliteArchive, log};
use crate::error::Named;
use crate::rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use rusqlite::Connection;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::{Maintenance, ReadError};

/// Slots that one transaction removes at most.
const STEP: u64 = 2_000;

#[async_trait]
impl Maintenance for SqliteArchive {
    /// In steps, each of which is a trim for itself, so that archiving does not wait for long.
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        loop {
            let ask = (id.clone(), epoch, to);
            let step = self.database.write(ask, 0, |transaction, (id, epoch, to)| {
                transaction.trim_archive(id, *epoch, *to)
            });
            if step.await? {
                return Ok(());
            }
        }
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let ask = (id.clone(), epoch, indexes.to_vec());
        self.database
            .write(ask, 0, |transaction, (id, epoch, indexes)| {
                let (conn, what) = (transaction.conn, transaction.what);
                let log = log::find(conn, id, *epoch).named(what)?;
                let log = log.ok_or(ReadError::Gone)?;
                clean(conn, log.number, indexes).named(what)?;
                Ok(())
            })
            .await
    }
}

impl Transaction<'_> {
    /// Tells whether the trim point is where it was meant to be.
    fn trim_archive(&mut self, id: &TaskId, epoch: Epoch, to: Index) -> Result<bool, ReadError> {
        let (conn, what) = (self.conn, self.what);
        let log = log::find(conn, id, epoch).named(what)?;
        let log = log.ok_or(ReadError::Gone)?;
        let to = to.min(log.watermark.tail);
        if to <= log.trim {
            return Ok(true);
        }
        let step = to.min(log.trim.plus(STEP));
        trim(conn, log.number, log.trim, step).named(what)?;
        let sql = "UPDATE tasks SET trim = ?2 WHERE log = ?1";
        let moved = conn.prepare_cached(sql);
        let place = (log.number, step.0.cast_signed());
        moved
            .and_then(|mut statement| statement.execute(place))
            .named(what)?;
        Ok(step == to)
    }
}

/// Removes the slots of a log in a range, the first ones there are.
pub(super) fn trim(conn: &Connection, log: i64, from: Index, to: Index) -> rusqlite::Result<()> {
    keep_newest(conn, log, from, to)?;
    crate::maintenance::remove(conn, log, to)
}

/// Keeps of every series its newest event in the range that is going to be removed, which may be its
/// head or become it again.
fn keep_newest(conn: &Connection, log: i64, from: Index, to: Index) -> rusqlite::Result<()> {
    // Of the rows of a group, SQLite gives the one that has the maximum.
    let copy =
        "INSERT OR IGNORE INTO heads (series, idx, at, commit_no, type, level, state, name, \
                mode, field, run, run_offset, text_start, text_end, foreign_id, data)
         SELECT series.series, max(idx), at, commit_no, type, level, state, slots.series, \
                slots.mode, slots.field, slots.run, slots.run_offset, slots.text_start, \
                slots.text_end, foreign_id, CASE WHEN series.mode = 1 THEN data END
         FROM slots CROSS JOIN series ON series.log = slots.log AND series.name = slots.series
         WHERE slots.log = ?1 AND idx >= ?2 AND idx < ?3 AND slots.mode IS NOT NULL
         GROUP BY series.series";
    let (from, to) = (from.0.cast_signed(), to.0.cast_signed());
    conn.prepare_cached(copy)?.execute((log, from, to))?;
    let older = "DELETE FROM heads WHERE series IN (SELECT series FROM series WHERE log = ?1)
                 AND idx < (SELECT max(idx) FROM heads AS newer
                            WHERE newer.series = heads.series AND newer.idx < ?2)";
    conn.prepare_cached(older)?.execute((log, to))?;
    Ok(())
}

/// Takes the payloads of events. What was replaced by a newer event stays so, until a rewind takes
/// that one back.
fn clean(conn: &Connection, log: i64, indexes: &[Index]) -> rusqlite::Result<()> {
    let sql = "UPDATE slots SET state = CASE state WHEN ?3 THEN ?4 WHEN ?5 THEN ?6 ELSE state END,
                                data = NULL
               WHERE log = ?1 AND idx = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    for index in indexes {
        crate::maintenance::keep_head(conn, log, *index)?;
        statement.execute((
            log,
            index.0.cast_signed(),
            rows::EVENT,
            rows::CLEANED,
            rows::SUPERSEDED,
            rows::SUPERSEDED_CLEANED,
        ))?;
    }
    Ok(())
}
