//! Sweeping: removing the rows of deleted tasks, a step at a time.
//!
//! A delete takes the task's own rows and notes its log as garbage: from then on nobody finds it.
//! The writer removes the other rows when it has nothing else to do, and one step after each group
//! otherwise; so a large log neither makes the caller wait nor the publishers of other tasks. What
//! is left when the store closes is swept by the next process.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// The most rows that one step removes, about.
const STEP: i64 = 1_000;

/// Takes a task out of everybody's sight; its log becomes garbage.
pub(crate) fn discard(conn: &Connection, log: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM records WHERE log = ?1",
        "DELETE FROM tasks WHERE log = ?1",
        "INSERT INTO garbage (log) VALUES (?1)",
    ] {
        conn.prepare_cached(sql)?.execute([log])?;
    }
    Ok(())
}

/// Removes some rows of some garbage, in a transaction of its own. Tells whether any is left.
pub(crate) fn step(conn: &mut Connection) -> rusqlite::Result<bool> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let log = transaction
        .prepare_cached("SELECT log FROM garbage ORDER BY log LIMIT 1")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let Some(log) = log else {
        return Ok(false);
    };
    if remove_slots(&transaction, log)? && remove_chunks(&transaction, log)? {
        remove_rest(&transaction, log)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Tells whether all are gone.
fn remove_slots(conn: &Connection, log: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT idx FROM slots WHERE log = ?1 ORDER BY idx LIMIT 1 OFFSET ?2";
    let rest = conn
        .prepare_cached(sql)?
        .query_row((log, STEP), |row| row.get::<_, i64>(0))
        .optional()?;
    let commits = "DELETE FROM commits
                   WHERE no IN (SELECT commit_no FROM slots WHERE log = ?1 AND idx < ?2)
                   AND log = ?1";
    let slots = "DELETE FROM slots WHERE log = ?1 AND idx < ?2";
    for sql in [commits, slots] {
        conn.prepare_cached(sql)?
            .execute((log, rest.unwrap_or(i64::MAX)))?;
    }
    Ok(rest.is_none())
}

/// Tells whether all are gone.
fn remove_chunks(conn: &Connection, log: i64) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM chunks WHERE chunk IN (SELECT chunk FROM chunks JOIN series \
               USING (series) WHERE log = ?1 LIMIT ?2)";
    let removed = conn.prepare_cached(sql)?.execute((log, STEP))?;
    Ok(i64::try_from(removed).is_ok_and(|removed| removed < STEP))
}

/// Removes what the limits of a task bound.
fn remove_rest(conn: &Connection, log: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM heads WHERE series IN (SELECT series FROM series WHERE log = ?1)",
        "DELETE FROM series WHERE log = ?1",
        "DELETE FROM trimmed WHERE log = ?1",
        "DELETE FROM producers WHERE log = ?1",
        "DELETE FROM keys WHERE log = ?1",
        "DELETE FROM garbage WHERE log = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([log])?;
    }
    Ok(())
}
