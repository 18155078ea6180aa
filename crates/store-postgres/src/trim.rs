//! Removing what no rule wants kept: the payloads go, counts and heads stay.

use crate::error::Fault;
use crate::sql::{self, ordered};
use crate::{PostgresStore, count};
use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use std::sync::LazyLock;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::{Maintenance, ReadError};

/// Slots that one statement removes, at most.
pub(crate) const BATCH: i64 = 10_000;

#[async_trait]
impl Maintenance for PostgresStore {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        let call = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            let Some((log, trim, tail)) = lock(&transaction, id, epoch).await? else {
                return Ok(None);
            };
            let to = to.min(tail);
            if to > trim {
                mark(&transaction, log, trim, to).await?;
            }
            transaction.commit().await?;
            Ok(Some((log, to.max(trim))))
        };
        let (log, trim) = self.pool.within(call).await?.ok_or(ReadError::Gone)?;
        // Nobody reads below the trim point any more: the rows go bit by bit.
        loop {
            let call = async {
                let client = self.pool.get().await?;
                remove(&client, log, trim).await
            };
            if self.pool.within(call).await? {
                return Ok(());
            }
        }
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        let indexes: Vec<i64> = indexes.iter().map(|index| ordered(index.0)).collect();
        let call = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            let Some((log, trim, _)) = lock(&transaction, id, epoch).await? else {
                return Ok(None);
            };
            clean(&transaction, log, trim, &indexes).await?;
            transaction.commit().await?;
            Ok(Some(()))
        };
        self.pool.within(call).await?.ok_or(ReadError::Gone)
    }
}

/// Locks a log: its number, trim point and tail.
pub(crate) async fn lock(
    client: &Transaction<'_>,
    id: &TaskId,
    epoch: Epoch,
) -> Result<Option<(i64, Index, Index)>, Fault> {
    let sql = "SELECT log_id, trim, tail FROM logs
               WHERE task_id = $1 AND epoch = $2 AND NOT dead FOR UPDATE";
    let found = sql::row(client, sql, &[&id.as_str(), &i64::from(epoch.0)]).await?;
    let found = found.map(|row| {
        let index = |column| Ok::<_, Fault>(Index(crate::rows::number(&row, column)?));
        Ok((row.try_get(0)?, index(1)?, index(2)?))
    });
    found.transpose()
}

/// Moves the trim point from `trim` to `to`, and keeps what has to outlive the slots below it.
pub(crate) async fn mark(
    client: &Transaction<'_>,
    log: i64,
    trim: Index,
    to: Index,
) -> Result<(), Fault> {
    count::keep(client, log, to, trim).await?;
    let point = ordered(to.0);
    sql::write(
        client,
        "DELETE FROM counts WHERE log_id = $1 AND idx < $2",
        &[&log, &point],
    )
    .await?;
    keep_heads(client, log, point).await?;
    let sql = "UPDATE logs SET trim = $2, trim_at = last.at, trim_commit = last.commit_no,
                      trim_before = coalesce(
                          (SELECT commit_no FROM slots
                           WHERE log_id = $1 AND idx >= logs.trim AND idx < $2
                                 AND commit_no <> last.commit_no
                           ORDER BY idx DESC LIMIT 1),
                          nullif(logs.trim_commit, last.commit_no), logs.trim_before)
               FROM slots last
               WHERE logs.log_id = $1 AND last.log_id = $1 AND last.idx = $2::bigint - 1";
    sql::write(client, sql, &[&log, &point]).await?;
    Ok(())
}

/// Keeps of every series its newest event below `$2`, which may be its head or become it again.
async fn keep_heads(client: &Transaction<'_>, log: i64, to: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO heads (log_id, idx, at, commit_no, type, level, series, mode, field, run,
                                  run_offset, text_start, text_end, foreign_id, data, payload)
        SELECT DISTINCT ON (series) log_id, idx, at, commit_no, type, level, series, mode, field, run,
               run_offset, text_start, text_end, foreign_id,
               CASE WHEN mode = 1 THEN data END, CASE WHEN mode = 1 THEN payload END
        FROM slots
        WHERE log_id = $1 AND idx < $2 AND series IS NOT NULL AND mode IS NOT NULL
        ORDER BY series, idx DESC
        ON CONFLICT DO NOTHING";
    sql::write(client, sql, &[&log, &to]).await?;
    let sql = "DELETE FROM heads USING (
            SELECT series, max(idx) AS idx FROM heads WHERE log_id = $1 AND idx < $2
            GROUP BY series) newest
        WHERE heads.log_id = $1 AND heads.series = newest.series AND heads.idx < newest.idx";
    sql::write(client, sql, &[&log, &to]).await?;
    Ok(())
}

/// Removes some of the slots below the trim point. Tells whether none are left.
pub(crate) async fn remove(
    client: &impl GenericClient,
    log: i64,
    trim: Index,
) -> Result<bool, Fault> {
    let mut done = true;
    for sql in REMOVE.iter() {
        let removed = sql::write(client, sql, &[&log, &ordered(trim.0), &BATCH]).await?;
        done &= removed < BATCH.unsigned_abs();
    }
    Ok(done)
}

static REMOVE: LazyLock<[String; 2]> = LazyLock::new(|| {
    ["events", "quarantine"].map(|table| {
        format!(
            "DELETE FROM {table} WHERE log_id = $1 AND idx IN (
                 SELECT idx FROM {table} WHERE log_id = $1 AND idx < $2 ORDER BY idx LIMIT $3)"
        )
    })
});

/// Turns events into tombstones; the newest delta of a series is kept as its head. An event that was
/// superseded stays so, and loses the payload that a rewind would have brought back.
async fn clean(
    client: &Transaction<'_>,
    log: i64,
    trim: Index,
    indexes: &[i64],
) -> Result<(), Fault> {
    let sql =
        "INSERT INTO heads (log_id, idx, at, commit_no, type, level, series, mode, field, run,
                                  run_offset, text_start, text_end, foreign_id, data, payload)
        SELECT log_id, idx, at, commit_no, type, level, series, mode, field, run,
               run_offset, text_start, text_end, foreign_id, data, payload
        FROM slots
        WHERE log_id = $1 AND idx >= $2 AND idx = ANY($3) AND state = 0
              AND idx IN (SELECT newest FROM series WHERE log_id = $1 AND mode = 1)
        ON CONFLICT DO NOTHING";
    sql::write(client, sql, &[&log, &ordered(trim.0), &indexes]).await?;
    for (table, payload) in [("events", "data"), ("quarantine", "payload")] {
        let sql = format!(
            "UPDATE {table} SET state = CASE WHEN superseded_by IS NULL THEN 2 ELSE 1 END,
                                {payload} = NULL, bytes = 0
             WHERE log_id = $1 AND idx >= $2 AND idx = ANY($3) AND state = 0"
        );
        sql::write(client, &sql, &[&log, &ordered(trim.0), &indexes]).await?;
    }
    Ok(())
}
