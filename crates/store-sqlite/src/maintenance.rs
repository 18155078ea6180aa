//! Removing what no rule wants kept: trim points and tombstones.

use crate::SqliteStore;
use crate::cache::{Hot, Unwritten};
use crate::error::Named;
use crate::transaction::Transaction;
use crate::{rows, slots};
use async_trait::async_trait;
use rusqlite::{Connection, Params};
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::{Maintenance, ReadError};

/// Slots that one transaction removes at most.
const TRIM_STEP: u64 = 2_000;

#[async_trait]
impl Maintenance for SqliteStore {
    /// In steps, each of which is a trim for itself, so that other tasks do not wait for long.
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        loop {
            let ask = (id.clone(), epoch, to);
            let step = self.write(ask, 0, |transaction, (id, epoch, to)| {
                transaction.trim_step(id, *epoch, *to)
            });
            if step.await? {
                return Ok(());
            }
        }
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let ask = (id.clone(), epoch, indexes.to_vec());
        self.write(ask, 0, |transaction, (id, epoch, indexes)| {
            transaction.clean(id, *epoch, indexes)
        })
        .await
    }
}

impl Transaction<'_> {
    /// Tells whether the trim point is where it was meant to be.
    fn trim_step(&mut self, id: &TaskId, epoch: Epoch, to: Index) -> Result<bool, ReadError> {
        let (conn, what) = (self.conn, self.what);
        let hot = self.log(id, epoch)?;
        let (from, to) = (hot.state.trim, to.min(hot.state.tail));
        if to <= from {
            return Ok(true);
        }
        let step = to.min(from.plus(TRIM_STEP));
        // Which deltas are heads is looked up in the file.
        hot.memory.flush(conn).named(what)?;
        trim_rows(conn, hot.memory.log, from, step).named(what)?;
        hot.state.trim = step;
        hot.mark(Unwritten::Position);
        Ok(step == to)
    }

    fn clean(&mut self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let (conn, what) = (self.conn, self.what);
        let hot = self.log(id, epoch)?;
        hot.memory.flush(conn).named(what)?;
        let log = hot.memory.log;
        for index in indexes {
            keep_head(conn, log, *index).named(what)?;
            slots::entomb(conn, log, *index, rows::CLEANED).named(what)?;
        }
        Ok(())
    }

    fn log(&mut self, id: &TaskId, epoch: Epoch) -> Result<&mut Hot, ReadError> {
        let found = self.cache.get(self.conn, id).named(self.what)?;
        let found = found.filter(|hot| hot.state.epoch == epoch);
        found.ok_or(ReadError::Gone)
    }
}

fn trim_rows(conn: &Connection, log: i64, from: Index, to: Index) -> rusqlite::Result<()> {
    keep_heads(conn, log, from, to)?;
    let to = to.0.cast_signed();
    let counts = "INSERT INTO trimmed (log, type, level, count)
                  SELECT log, type, level, count(*) FROM slots WHERE log = ?1 AND idx < ?2
                  GROUP BY log, type, level
                  ON CONFLICT DO UPDATE SET count = count + excluded.count";
    // A commit of which slots are left stays in the feed.
    let commits = "DELETE FROM commits
                   WHERE no IN (SELECT commit_no FROM slots WHERE log = ?1 AND idx < ?2)
                   AND first + count <= ?2";
    let slots = "DELETE FROM slots WHERE log = ?1 AND idx < ?2";
    for sql in [counts, commits, slots] {
        conn.prepare_cached(sql)?.execute((log, to))?;
    }
    Ok(())
}

/// Copies the deltas in a range that are heads: those stay when the log lets go of them.
fn keep_heads(conn: &Connection, log: i64, from: Index, to: Index) -> rusqlite::Result<()> {
    let heads = "series CROSS JOIN slots ON slots.log = series.log AND slots.idx = series.newest
                 WHERE series.log = ?1 AND series.newest >= ?2 AND series.newest < ?3";
    let range = (log, from.0.cast_signed(), to.0.cast_signed());
    copy_heads(conn, heads, range)
}

/// Copies the delta at an index, if it is a head.
fn keep_head(conn: &Connection, log: i64, index: Index) -> rusqlite::Result<()> {
    let head = "slots CROSS JOIN series ON series.log = slots.log AND series.name = slots.series
                WHERE slots.log = ?1 AND slots.idx = ?2 AND series.newest = slots.idx";
    copy_heads(conn, head, (log, index.0.cast_signed()))
}

fn copy_heads(conn: &Connection, from: &str, params: impl Params) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT OR REPLACE INTO heads (series, idx, at, commit_no, type, level, state, name, mode, \
         field, run, run_offset, text_start, text_end, foreign_id, data)
         SELECT series.series, idx, at, commit_no, type, level, state, slots.series, slots.mode, \
         slots.field, slots.run, slots.run_offset, slots.text_start, slots.text_end, foreign_id, \
         data FROM {from} AND series.mode = 1 AND slots.state = 0"
    );
    conn.prepare_cached(&sql)?.execute(params)?;
    Ok(())
}
