//! Leases and positions: rows of their own, written like commits.

use crate::error::Named;
use crate::transaction::Transaction;
use crate::{SqliteStore, rows};
use async_trait::async_trait;
use rusqlite::OptionalExtension;
use std::time::Duration;
use taskcast_core::CommitNumber;
use taskcast_store::{Partition, Positions, StoreError};

#[async_trait]
impl Positions for SqliteStore {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        let ask = (name.to_owned(), holder, ttl);
        self.database
            .write(ask, 0, |transaction, (name, holder, ttl)| {
                transaction.lease(name, *holder, *ttl)
            })
            .await
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        let ask = (name.to_owned(), holder);
        self.database
            .write(ask, 0, |transaction, (name, holder)| {
                let sql = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
                transaction.run(sql, (name, holder.cast_signed()))
            })
            .await
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        if partition != Partition(0) {
            return Ok(None);
        }
        let reader = reader.to_owned();
        self.database
            .read(move |conn| {
                conn.prepare_cached("SELECT commit_no FROM positions WHERE reader = ?1")?
                    .query_row([reader], |row| rows::number(row, 0).map(CommitNumber))
                    .optional()
            })
            .await
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        if partition != Partition(0) {
            return Ok(());
        }
        self.database
            .write((reader.to_owned(), to), 0, |transaction, (reader, to)| {
                let sql = "INSERT OR REPLACE INTO positions (reader, commit_no) VALUES (?1, ?2)";
                transaction.run(sql, (reader, to.0.cast_signed()))
            })
            .await
    }
}

impl Transaction<'_> {
    fn lease(&mut self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        let now = self.rules.clock.now();
        let ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let sql = "INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET holder = excluded.holder, until = excluded.until
                   WHERE holder = excluded.holder OR until <= ?4";
        let until = rows::ordered(now.plus_millis(ms).0);
        let params = (name, holder.cast_signed(), until, rows::ordered(now.0));
        let mut statement = self.conn.prepare_cached(sql).named(self.what)?;
        Ok(statement.execute(params).named(self.what)? == 1)
    }

    fn run(&mut self, sql: &str, params: impl rusqlite::Params) -> Result<(), StoreError> {
        let mut statement = self.conn.prepare_cached(sql).named(self.what)?;
        statement.execute(params).named(self.what)?;
        Ok(())
    }
}
