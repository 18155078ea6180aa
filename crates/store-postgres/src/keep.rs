//! Where logs stand, and the compare-and-set between tiers.

use crate::error::Fault;
use crate::sql::{self, ordered};
use crate::{PostgresStore, rows};
use std::sync::LazyLock;
use taskcast_core::{CommitNumber, Epoch, TaskId};
use taskcast_store::StoreError;
use taskcast_store::tier::{Kept, Watermark};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

impl PostgresStore {
    /// The newest log of a task.
    pub(crate) async fn newest(&self, id: &TaskId) -> Result<Option<Kept>, StoreError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            let columns = rows::LOG;
            format!(
                "SELECT {columns} FROM logs WHERE task_id = $1 AND NOT dead
                 ORDER BY number DESC LIMIT 1"
            )
        });
        let call = async {
            let client = self.pool.get().await?;
            let found = sql::row(&client, &SQL, &[&id.as_str()]).await?;
            found.map(|row| rows::kept(&row, 0)).transpose()
        };
        self.pool.within(call).await
    }

    pub(crate) async fn marks(
        &self,
        logs: &[(TaskId, Epoch)],
    ) -> Result<Vec<Option<Watermark>>, StoreError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            let columns = rows::WATERMARK;
            format!(
                "SELECT log_id, {columns}
                 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS asked (id, epoch, line)
                      LEFT JOIN logs ON logs.task_id = asked.id AND logs.epoch = asked.epoch
                                        AND NOT dead
                 ORDER BY line"
            )
        });
        let ids: Vec<&str> = logs.iter().map(|(id, _)| id.as_str()).collect();
        let epochs: Vec<i64> = logs.iter().map(|(_, epoch)| epoch.0.into()).collect();
        let mark = |row: &Row| -> Result<Option<Watermark>, Fault> {
            let log: Option<i64> = row.try_get(0)?;
            log.map(|_| rows::watermark(row, 1)).transpose()
        };
        let call = async {
            let client = self.pool.get().await?;
            let found = sql::rows(&client, &SQL, &[&ids, &epochs]).await?;
            found.iter().map(mark).collect()
        };
        self.pool.within(call).await
    }

    pub(crate) async fn mark_released(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE logs SET version = version + CASE WHEN hot THEN 1 ELSE 0 END, hot = false
                   WHERE task_id = $1 AND epoch = $2 AND commit_no = $3 AND NOT dead";
        let call = async {
            let client = self.pool.get().await?;
            let commit = ordered(commit.0);
            sql::write(&client, sql, &[&id.as_str(), &i64::from(epoch.0), &commit]).await
        };
        Ok(self.pool.within(call).await? > 0)
    }

    pub(crate) async fn give_epoch(&self, found: &Kept, epoch: Epoch) -> Result<bool, StoreError> {
        let sql = "UPDATE logs SET epoch = $4, hot = false, version = version + 1
                   WHERE task_id = $1 AND epoch = $2 AND epoch <> $4 AND version = $3 AND NOT dead";
        let state = &found.state;
        let (id, old) = (state.record.id.as_str(), i64::from(state.epoch.0));
        let (version, new) = (ordered(found.version), i64::from(epoch.0));
        let call = async {
            let client = self.pool.get().await?;
            match sql::write(&client, sql, &[&id, &old, &version, &new]).await {
                // The epoch is another log's of the task.
                Err(fault) if fault.state() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(0),
                written => written,
            }
        };
        Ok(self.pool.within(call).await? > 0)
    }
}
