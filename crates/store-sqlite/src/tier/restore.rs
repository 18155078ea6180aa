//! Taking a log back from the archive: everything but its slots.

use super::notes;
use crate::error::Named;
use crate::transaction::Transaction;
use crate::{cache, chunk, maintenance, memory, once, rows, slots};
use rusqlite::Connection;
use taskcast_core::{EventType, Level, Limits, Millis};
use taskcast_store::StoreError;
use taskcast_store::tier::{LogImage, OnceImage, Restored, SeriesImage};

impl Transaction<'_> {
    /// Takes a log back, unless it is too late or the id is taken.
    pub(super) fn restore(
        &mut self,
        image: &LogImage,
        until: Millis,
    ) -> Result<Restored, StoreError> {
        let (conn, what, now) = (self.conn, self.what, self.rules.clock.now());
        if now > until {
            return Ok(Restored::TooLate);
        }
        let (id, epoch) = (&image.state.record.id, image.state.epoch);
        let here = self.cache.get(conn, id).named(what)?.is_some();
        if here || notes::dead(conn, id).named(what)?.contains(&epoch) {
            return Ok(Restored::Overtaken);
        }
        self.put_back(image, now).named(what)?;
        Ok(Restored::Done)
    }

    fn put_back(&mut self, image: &LogImage, now: Millis) -> rusqlite::Result<()> {
        let (conn, mut state) = (self.conn, image.state.clone());
        state.commit = self.next();
        let log = cache::insert(conn, &state, self.counters.written)?;
        maintenance::set_base(conn, log, state.tail)?;
        put_counts(conn, log, &image.counts)?;
        for series in &image.series {
            put_series(conn, log, series)?;
        }
        put_once(conn, log, &image.once, now, &self.rules.limits)?;
        notes::restored(conn, &state.record.id)?;
        self.counters.newest = state.commit;
        Ok(())
    }
}

fn put_counts(
    conn: &Connection,
    log: i64,
    counts: &[(EventType, Level, u64)],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO trimmed (log, type, level, count) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = conn.prepare_cached(sql)?;
    for (event_type, level, count) in counts {
        let level = rows::level_number(*level);
        statement.execute((log, event_type.as_str(), level, count.cast_signed()))?;
    }
    Ok(())
}

fn put_series(conn: &Connection, log: i64, image: &SeriesImage) -> rusqlite::Result<()> {
    let series = memory::insert_series(conn, log, &image.id, &image.state)?;
    if let Some(newest) = &image.newest {
        slots::insert_head(conn, series, newest)?;
    }
    match image.state.fold {
        Some(fold) => chunk::write(conn, series, fold.run, &image.text),
        None => Ok(()),
    }
}

/// Writes what the log remembers as older than every commit of this store: in the order of use, and
/// not to be archived again.
fn put_once(
    conn: &Connection,
    log: i64,
    image: &OnceImage,
    now: Millis,
    limits: &Limits,
) -> rusqlite::Result<()> {
    let surplus = image
        .producers
        .len()
        .saturating_sub(limits.producers_per_task);
    for (used, (id, kept)) in (i64::MIN + 1..).zip(image.producers.iter().skip(surplus)) {
        once::write_producer(conn, log, id, kept, used)?;
    }
    let surplus = image.keys.len();
    let surplus = surplus.saturating_sub(limits.idempotency_keys_per_task);
    let age = u64::try_from(limits.idempotency_key_age.as_millis()).unwrap_or(u64::MAX);
    for (used, (key, kept)) in (i64::MIN + 1..).zip(image.keys.iter().skip(surplus)) {
        if kept.at.plus_millis(age) > now {
            once::write_key(conn, log, key, kept, used)?;
        }
    }
    Ok(())
}
