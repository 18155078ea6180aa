//! What a task remembers so that a commit happens at most once.

use crate::memory::Memory;
use crate::rows::{self, number};
use rusqlite::{Connection, OptionalExtension, Row};
use taskcast_core::{CommitNumber, Index, Limits, Millis, ProducerId};
use taskcast_store::plan::{KeptKey, KeptProducer};
use taskcast_store::tier::OnceImage;
use taskcast_store::{Original, ProducerPosition};

const PRODUCER: &str = "idx, count, epoch, seq, first, id";
const KEY: &str = "idx, count, body, at, key";

/// What is kept of a producer.
pub(crate) fn producer(
    conn: &Connection,
    log: i64,
    id: &ProducerId,
) -> rusqlite::Result<Option<KeptProducer>> {
    let sql = format!("SELECT {PRODUCER} FROM producers WHERE log = ?1 AND id = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_row((log, id.as_str()), kept_producer);
    found.optional()
}

/// What is kept of an idempotency key.
pub(crate) fn key(conn: &Connection, log: i64, key: &str) -> rusqlite::Result<Option<KeptKey>> {
    let sql = format!("SELECT {KEY} FROM keys WHERE log = ?1 AND key = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_row((log, key), kept_key);
    found.optional()
}

/// What was written by commits after one, in the order of use; after none it is everything, what
/// came out of an archive too.
pub(crate) fn since(
    conn: &Connection,
    log: i64,
    after: CommitNumber,
) -> rusqlite::Result<OnceImage> {
    let after = match rows::ordered(after.0) {
        0 => i64::MIN,
        after => after,
    };
    let ranges = "WHERE log = ?1 AND used > ?2 ORDER BY used";
    let sql = format!("SELECT {PRODUCER} FROM producers {ranges}");
    let mut statement = conn.prepare_cached(&sql)?;
    let producers = statement.query_map((log, after), |row| {
        let id = ProducerId::new(row.get_ref(5)?.as_str()?);
        let id = id.map_err(|error| rows::unreadable(5, error))?;
        Ok((id, kept_producer(row)?))
    })?;
    let producers = producers.collect::<rusqlite::Result<_>>()?;
    let sql = format!("SELECT {KEY} FROM keys {ranges}");
    let mut statement = conn.prepare_cached(&sql)?;
    let keys = statement.query_map((log, after), |row| {
        let key: String = row.get(4)?;
        Ok((key.into(), kept_key(row)?))
    })?;
    let keys = keys.collect::<rusqlite::Result<_>>()?;
    Ok(OnceImage { producers, keys })
}

/// The latest use in a log that is numbered by use: an archive does not know the commits.
pub(crate) fn last_use(conn: &Connection, log: i64) -> rusqlite::Result<CommitNumber> {
    let sql = "SELECT max(coalesce((SELECT max(used) FROM producers WHERE log = ?1), 0),
                          coalesce((SELECT max(used) FROM keys WHERE log = ?1), 0))";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_row([log], |row| number(row, 0).map(CommitNumber))
}

fn kept_producer(row: &Row<'_>) -> rusqlite::Result<KeptProducer> {
    Ok(KeptProducer {
        original: original(row)?,
        position: ProducerPosition {
            epoch: number(row, 2)?,
            seq: number(row, 3)?,
        },
        first: number(row, 4)?,
    })
}

fn kept_key(row: &Row<'_>) -> rusqlite::Result<KeptKey> {
    Ok(KeptKey {
        original: original(row)?,
        body: row.get(2)?,
        at: Millis(number(row, 3)?),
    })
}

fn original(row: &Row<'_>) -> rusqlite::Result<Original> {
    Ok(Original {
        first: Index(number(row, 0)?),
        count: number(row, 1)?,
    })
}

/// Writes the row of a producer; `used` orders rows by use.
pub(crate) fn write_producer(
    conn: &Connection,
    log: i64,
    id: &ProducerId,
    kept: &KeptProducer,
    used: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO producers (log, id, epoch, seq, first, idx, count, used)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    conn.prepare_cached(sql)?.execute((
        log,
        id.as_str(),
        kept.position.epoch.cast_signed(),
        kept.position.seq.cast_signed(),
        kept.first.cast_signed(),
        kept.original.first.0.cast_signed(),
        kept.original.count.cast_signed(),
        used,
    ))?;
    Ok(())
}

/// Writes the row of an idempotency key that has none; `used` orders rows by use.
pub(crate) fn write_key(
    conn: &Connection,
    log: i64,
    key: &str,
    kept: &KeptKey,
    used: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO keys (log, key, body, idx, count, at, used)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    conn.prepare_cached(sql)?.execute((
        log,
        key,
        kept.body,
        kept.original.first.0.cast_signed(),
        kept.original.count.cast_signed(),
        kept.at.0.cast_signed(),
        used,
    ))?;
    Ok(())
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
        write_producer(conn, self.log, &id, &kept, commit.0.cast_signed())?;
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
        write_key(conn, self.log, &key, &kept, commit.0.cast_signed())?;
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
