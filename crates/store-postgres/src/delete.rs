//! Deleting logs: at once for readers, bit by bit for the tables.

use crate::PostgresStore;
use crate::error::Fault;
use crate::sql::{self, ordered};
use crate::trim::BATCH;
use deadpool_postgres::Object;
use taskcast_core::{Epoch, Millis, Status, TaskId};
use taskcast_store::StoreError;

/// Logs that one statement marks as deleted, at most.
const LOGS: i64 = 1_000;

/// Removes some of what hangs on the log `$1`: at most `$2` rows each.
const ROWS: [&str; 3] = [
    "DELETE FROM events WHERE log_id = $1 AND idx IN (
         SELECT idx FROM events WHERE log_id = $1 ORDER BY idx LIMIT $2)",
    "DELETE FROM quarantine WHERE log_id = $1 AND idx IN (
         SELECT idx FROM quarantine WHERE log_id = $1 ORDER BY idx LIMIT $2)",
    "DELETE FROM texts WHERE log_id = $1 AND (series, run, start) IN (
         SELECT series, run, start FROM texts WHERE log_id = $1 ORDER BY series, run, start LIMIT $2)",
];

/// Removes what is left of the log `$1`, its row last.
const REST: [&str; 6] = [
    "DELETE FROM counts WHERE log_id = $1",
    "DELETE FROM series WHERE log_id = $1",
    "DELETE FROM heads WHERE log_id = $1",
    "DELETE FROM producers WHERE log_id = $1",
    "DELETE FROM keys WHERE log_id = $1",
    "DELETE FROM logs WHERE log_id = $1 AND dead",
];

/// What a rule of retention removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// How many logs were deleted.
    pub logs: u64,
    /// The months (partitions) that held no log any more and were dropped.
    pub months: Vec<String>,
}

impl PostgresStore {
    /// Deletes the logs of terminal tasks that were created before a time and that the short-term
    /// store has released, and drops the monthly partitions that hold no log any more. Gone for
    /// readers from the start; may be repeated when it was interrupted.
    ///
    /// # Errors
    /// When the store cannot; what was deleted before stays so.
    pub async fn retain(&self, older_than: Millis) -> Result<Retained, StoreError> {
        let mut retained = Retained::default();
        loop {
            let marked = self.pool.within(self.mark_old(older_than)).await?;
            retained.logs += marked;
            if marked < LOGS.unsigned_abs() {
                break;
            }
        }
        // Before the rows are removed one by one: most go with their partition.
        retained.months = self.pool.within(self.drop_months(older_than)).await?;
        self.sweep().await?;
        Ok(retained)
    }

    async fn mark_old(&self, older_than: Millis) -> Result<u64, Fault> {
        let sql = "UPDATE logs SET dead = true WHERE log_id IN (
                SELECT log_id FROM logs
                WHERE created_at < $1 AND status = ANY($2) AND NOT hot AND NOT dead
                LIMIT $3 FOR UPDATE SKIP LOCKED)";
        let terminal = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal());
        let terminal: Vec<&str> = terminal.map(Status::as_str).collect();
        let client = self.pool.get().await?;
        sql::write(&client, sql, &[&ordered(older_than.0), &terminal, &LOGS]).await
    }

    async fn drop_months(&self, older_than: Millis) -> Result<Vec<String>, Fault> {
        // Never the month that logs begin in.
        let before = older_than.min(self.clock.now());
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        // Dropping waits for readers, and everybody waits for who waits: not for long.
        transaction
            .batch_execute("SET LOCAL lock_timeout = '2s'")
            .await?;
        let sql = "SELECT taskcast.drop_empty_months($1)";
        let dropped = sql::rows(&transaction, sql, &[&ordered(before.0)]).await?;
        let months = dropped
            .iter()
            .map(|row| Ok(row.try_get(0)?))
            .collect::<Result<_, Fault>>()?;
        transaction.commit().await?;
        self.months.forget();
        Ok(months)
    }

    /// Deletes a log, and older ones of the task: a note of deletion that was lost brings none back.
    /// Tells whether there was one.
    pub(crate) async fn remove(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let sql = "UPDATE logs SET dead = true
                   WHERE task_id = $1 AND NOT dead AND number <= (
                       SELECT number FROM logs WHERE task_id = $1 AND epoch = $2 AND NOT dead)";
        let call = async {
            let client = self.pool.get().await?;
            sql::write(&client, sql, &[&id.as_str(), &i64::from(epoch.0)]).await
        };
        let marked = self.pool.within(call).await? > 0;
        if marked {
            self.sweep().await?;
        }
        Ok(marked)
    }

    /// Removes the rows of deleted logs, those too that somebody else left behind.
    async fn sweep(&self) -> Result<(), StoreError> {
        loop {
            let call = async {
                let client = self.pool.get().await?;
                let sql = "SELECT log_id FROM logs WHERE dead ORDER BY log_id LIMIT 100";
                let dead = sql::rows(&client, sql, &[]).await?;
                dead.iter().map(|row| Ok(row.try_get(0)?)).collect()
            };
            let dead: Vec<i64> = self.pool.within(call).await?;
            if dead.is_empty() {
                return Ok(());
            }
            for log in dead {
                self.sweep_log(log).await?;
            }
        }
    }

    async fn sweep_log(&self, log: i64) -> Result<(), StoreError> {
        loop {
            let call = async {
                let client = self.pool.get().await?;
                remove_some(&client, log).await
            };
            if self.pool.within(call).await? {
                return Ok(());
            }
        }
    }
}

/// Removes some rows of a deleted log. Tells whether nothing is left.
async fn remove_some(client: &Object, log: i64) -> Result<bool, Fault> {
    let mut done = true;
    for sql in ROWS {
        let removed = sql::write(client, sql, &[&log, &BATCH]).await?;
        done &= removed < BATCH.unsigned_abs();
    }
    if done {
        for sql in REST {
            sql::write(client, sql, &[&log]).await?;
        }
    }
    Ok(done)
}
