//! What a task remembers so that a commit happens at most once.

use crate::memory::Memory;
use crate::rows::number;
use rusqlite::{Connection, OptionalExtension, Row};
use taskcast_core::{CommitNumber, Index, Limits, Millis, ProducerId};
use taskcast_store::plan::{KeptKey, KeptProducer};
use taskcast_store::{Original, ProducerPosition};

/// What is kept of a producer.
pub(crate) fn producer(
    conn: &Connection,
    log: i64,
    id: &ProducerId,
) -> rusqlite::Result<Option<KeptProducer>> {
    let sql = "SELECT idx, count, epoch, seq, first FROM producers WHERE log = ?1 AND id = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log, id.as_str()), |row| {
        Ok(KeptProducer {
            original: original(row)?,
            position: ProducerPosition {
                epoch: number(row, 2)?,
                seq: number(row, 3)?,
            },
            first: number(row, 4)?,
        })
    });
    found.optional()
}

/// What is kept of an idempotency key.
pub(crate) fn key(conn: &Connection, log: i64, key: &str) -> rusqlite::Result<Option<KeptKey>> {
    let sql = "SELECT idx, count, body, at FROM keys WHERE log = ?1 AND key = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log, key), |row| {
        Ok(KeptKey {
            original: original(row)?,
            body: row.get(2)?,
            at: Millis(number(row, 3)?),
        })
    });
    found.optional()
}

fn original(row: &Row<'_>) -> rusqlite::Result<Original> {
    Ok(Original {
        first: Index(number(row, 0)?),
        count: number(row, 1)?,
    })
}

impl Memory {
    /// Writes a producer, which was looked up before. The one unused longest gives way.
    pub(crate) fn put_producer(
        &mut self,
        conn: &Connection,
        (id, kept): (ProducerId, KeptProducer),
        commit: CommitNumber,
        limits: &Limits,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO producers (log, id, epoch, seq, first, idx, count, used)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        conn.prepare_cached(sql)?.execute((
            self.log,
            id.as_str(),
            kept.position.epoch.cast_signed(),
            kept.position.seq.cast_signed(),
            kept.first.cast_signed(),
            kept.original.first.0.cast_signed(),
            kept.original.count.cast_signed(),
            commit.0.cast_signed(),
        ))?;
        if self.producers.insert(id, kept).is_none() {
            self.producer_count += 1;
        }
        while self.producer_count > limits.producers_per_task {
            self.forget_producer(conn)?;
        }
        Ok(())
    }

    fn forget_producer(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM producers WHERE log = ?1 AND id =
                   (SELECT id FROM producers WHERE log = ?1 ORDER BY used LIMIT 1) RETURNING id";
        let mut statement = conn.prepare_cached(sql)?;
        let mut gone = statement.query([self.log])?;
        while let Some(row) = gone.next()? {
            self.producers.remove(row.get_ref(0)?.as_str()?);
        }
        self.producer_count -= 1;
        Ok(())
    }

    /// Writes an idempotency key, and forgets those whose time has passed. The oldest gives way.
    pub(crate) fn put_key(
        &mut self,
        conn: &Connection,
        (key, kept): (Box<str>, KeptKey),
        commit: CommitNumber,
        now: Millis,
        limits: &Limits,
    ) -> rusqlite::Result<()> {
        self.forget_old_keys(conn, now, limits)?;
        let sql = "DELETE FROM keys WHERE log = ?1 AND key = ?2";
        self.key_count -= conn.prepare_cached(sql)?.execute((self.log, &*key))?;
        let sql = "INSERT INTO keys (log, key, body, idx, count, at, used)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        conn.prepare_cached(sql)?.execute((
            self.log,
            &*key,
            kept.body,
            kept.original.first.0.cast_signed(),
            kept.original.count.cast_signed(),
            kept.at.0.cast_signed(),
            commit.0.cast_signed(),
        ))?;
        self.key_count += 1;
        while self.key_count > limits.idempotency_keys_per_task {
            self.forget_key(conn)?;
        }
        Ok(())
    }

    fn forget_old_keys(
        &mut self,
        conn: &Connection,
        now: Millis,
        limits: &Limits,
    ) -> rusqlite::Result<()> {
        let age = u64::try_from(limits.idempotency_key_age.as_millis()).unwrap_or(u64::MAX);
        let sql = "SELECT at FROM keys WHERE log = ?1 ORDER BY used LIMIT 1";
        while self.key_count > 0 {
            let mut statement = conn.prepare_cached(sql)?;
            let oldest = statement.query_row([self.log], |row| number(row, 0).map(Millis))?;
            if oldest.plus_millis(age) > now {
                break;
            }
            self.forget_key(conn)?;
        }
        Ok(())
    }

    fn forget_key(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM keys WHERE log = ?1 AND key =
                   (SELECT key FROM keys WHERE log = ?1 ORDER BY used LIMIT 1)";
        conn.prepare_cached(sql)?.execute([self.log])?;
        self.key_count -= 1;
        Ok(())
    }
}
