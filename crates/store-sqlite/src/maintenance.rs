//! Removing what no rule wants kept: trim points and tombstones.

use crate::SqliteStore;
use crate::cache::{Hot, Unwritten};
use crate::error::Named;
use crate::transaction::Transaction;
use crate::{rows, schema, slots};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Params};
use taskcast_core::{CommitNumber, Epoch, Index, TaskId};
use taskcast_store::{Maintenance, ReadError};

/// Slots that one transaction removes at most.
const STEP: u64 = 2_000;

#[async_trait]
impl Maintenance for SqliteStore {
    /// In steps, each of which is a trim for itself, so that other tasks do not wait for long.
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        loop {
            let ask = (id.clone(), epoch, to);
            let step = self.database.write(ask, 0, |transaction, (id, epoch, to)| {
                transaction.trim_step(id, *epoch, *to)
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
        let to = to.min(hot.state.tail);
        if to <= hot.state.trim {
            return Ok(true);
        }
        let held = hot.state.trim.max(base(conn, hot.memory.log).named(what)?);
        let step = to.min(held.plus(STEP));
        hot.let_go(conn, held, step).named(what)?;
        hot.state.trim = step;
        hot.mark(Unwritten::Position);
        Ok(step == to)
    }

    /// Tells whether the base is where it was meant to be.
    pub(crate) fn release_step(
        &mut self,
        id: &TaskId,
        epoch: Epoch,
        to: Index,
    ) -> Result<bool, ReadError> {
        let (conn, what) = (self.conn, self.what);
        let hot = self.log(id, epoch)?;
        let log = hot.memory.log;
        let held = hot.state.trim.max(base(conn, log).named(what)?);
        let to = to.min(hot.state.tail);
        if to <= held {
            return Ok(true);
        }
        let step = to.min(held.plus(STEP));
        let released = last_commit(conn, log, step).named(what)?;
        hot.let_go(conn, held, step).named(what)?;
        set_base(conn, log, step).named(what)?;
        schema::keep_released(conn, released).named(what)?;
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

impl Hot {
    /// Lets go of the slots in a range, the first ones that are held.
    fn let_go(&mut self, conn: &Connection, from: Index, to: Index) -> rusqlite::Result<()> {
        // Which deltas are heads is looked up in the file.
        self.memory.flush(conn)?;
        keep_heads(conn, self.memory.log, from, to)?;
        remove(conn, self.memory.log, to)
    }
}

fn base(conn: &Connection, log: i64) -> rusqlite::Result<Index> {
    let mut statement = conn.prepare_cached("SELECT base FROM tasks WHERE log = ?1")?;
    statement.query_row([log], |row| rows::number(row, 0).map(Index))
}

/// Writes the first index whose slot is held.
pub(crate) fn set_base(conn: &Connection, log: i64, base: Index) -> rusqlite::Result<()> {
    let sql = "UPDATE tasks SET base = ?2 WHERE log = ?1";
    conn.prepare_cached(sql)?
        .execute((log, base.0.cast_signed()))?;
    Ok(())
}

/// The commit of the last slot below an index.
fn last_commit(conn: &Connection, log: i64, to: Index) -> rusqlite::Result<CommitNumber> {
    let sql = "SELECT commit_no FROM slots WHERE log = ?1 AND idx < ?2 ORDER BY idx DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log, to.0.cast_signed()), |row| rows::number(row, 0));
    Ok(CommitNumber(found.optional()?.unwrap_or_default()))
}

/// Removes the slots of a log below an index; they count as before.
pub(crate) fn remove(conn: &Connection, log: i64, to: Index) -> rusqlite::Result<()> {
    let to = to.0.cast_signed();
    let counts = "INSERT INTO trimmed (log, type, level, count)
                  SELECT log, type, level, count(*) FROM slots WHERE log = ?1 AND idx < ?2
                  GROUP BY log, type, level
                  ON CONFLICT DO UPDATE SET count = count + excluded.count";
    // A commit of which slots are left stays in the feed.
    let commits = "DELETE FROM commits
                   WHERE no IN (SELECT commit_no FROM slots WHERE log = ?1 AND idx < ?2)
                   AND first + count <= ?2 AND log = ?1";
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
pub(crate) fn keep_head(conn: &Connection, log: i64, index: Index) -> rusqlite::Result<()> {
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
