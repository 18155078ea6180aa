//! Reading one log.

use crate::{SqliteStore, rows};
use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};
use std::ops::{ControlFlow, Range};
use taskcast_core::{
    Epoch, Event, EventFilter, EventType, Head, Index, Level, Millis, SeriesId, Slot, TaskId,
};
use taskcast_store::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, Which};

#[async_trait]
impl LogReader for SqliteStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        self.read_log(id, epoch, move |conn, log| page(conn, log, &ask))
            .await
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.read_log(id, epoch, heads).await
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let series = series.clone();
        self.read_log(id, epoch, move |conn, log| {
            text(conn, log, &series, run, range)
        })
        .await
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        let filter = filter.clone();
        self.read_log(id, epoch, move |conn, log| count(conn, log, &filter, upto))
            .await
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.read_log(id, epoch, move |conn, log| match &seek {
            Seek::After(at) => after(conn, log, *at).map(Some),
            Seek::Past { filter, count } => past(conn, log, filter, *count),
            Seek::Foreign(id) => foreign(conn, log, id),
        })
        .await
    }
}

/// A log as a reader finds it.
#[derive(Clone, Copy)]
struct Log {
    number: i64,
    trim: Index,
    tail: Index,
}

impl SqliteStore {
    async fn read_log<T: Send + 'static>(
        &self,
        id: &TaskId,
        epoch: Epoch,
        work: impl FnOnce(&Connection, Log) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let id = id.clone();
        let found = self.read(move |conn| {
            let log = find(conn, &id, epoch)?;
            log.map(|log| work(conn, log)).transpose()
        });
        found.await?.ok_or(ReadError::Gone)
    }
}

fn find(conn: &Connection, id: &TaskId, epoch: Epoch) -> rusqlite::Result<Option<Log>> {
    let sql = "SELECT log, trim, tail FROM tasks WHERE id = ?1 AND epoch = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((id.as_str(), epoch.0), |row| {
        Ok(Log {
            number: row.get(0)?,
            trim: Index(rows::number(row, 1)?),
            tail: Index(rows::number(row, 2)?),
        })
    });
    found.optional()
}

fn page(conn: &Connection, log: Log, ask: &ReadAsk) -> rusqlite::Result<Page> {
    let unfolded = match ask.which {
        Which::All => "",
        // Exactly the condition of the partial index, which passes over the deltas.
        Which::Unfolded => "INDEXED BY slots_unfolded",
    };
    let delta = match ask.which {
        Which::All => "",
        Which::Unfolded => "AND delta = 0",
    };
    let columns = rows::SLOT;
    let sql = format!(
        "SELECT {columns} FROM slots {unfolded}
         WHERE log = ?1 AND idx >= ?2 AND idx < ?3 {delta} ORDER BY idx"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let range = (rows::ordered(ask.from.0), rows::ordered(ask.to.0));
    let mut found = statement.query((log.number, range.0, range.1))?;
    let (mut slots, mut bytes, mut next) = (Vec::new(), 0, log.tail.min(ask.to));
    while let Some(row) = found.next()? {
        let payload = row.get_ref(14)?.as_bytes_or_null()?.map_or(0, <[u8]>::len);
        let fits = slots.len() < ask.max_slots && bytes + payload <= ask.max_bytes;
        if !fits && !slots.is_empty() {
            next = Index(rows::number(row, 0)?);
            break;
        }
        bytes += payload;
        slots.push(rows::slot(row)?);
    }
    Ok(Page {
        slots,
        next,
        tail: log.tail,
        trim: log.trim,
        base: log.trim,
    })
}

fn heads(conn: &Connection, log: Log) -> rusqlite::Result<Heads> {
    let sql = "SELECT series, name, newest FROM series WHERE log = ?1 AND mode = 1 ORDER BY newest";
    let mut statement = conn.prepare_cached(sql)?;
    let mut series = statement.query([log.number])?;
    let mut heads = Vec::new();
    while let Some(row) = series.next()? {
        let id = rows::series_id(row.get_ref(1)?.as_str()?, 1)?;
        let newest = newest(conn, log.number, row.get(0)?, row.get(2)?)?;
        heads.extend(newest.map(|newest| Head { series: id, newest }));
    }
    Ok(Heads {
        tail: log.tail,
        heads,
    })
}

/// The newest event of a series: in the log, or kept when the log let go of it.
fn newest(conn: &Connection, log: i64, series: i64, index: i64) -> rusqlite::Result<Option<Event>> {
    let (slot, head) = (rows::SLOT, rows::HEAD);
    let sql = format!("SELECT {slot} FROM slots WHERE log = ?1 AND idx = ?2 AND state = 0");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query_row((log, index), rows::slot).optional()?;
    if found.is_none() {
        let sql = format!("SELECT {head} FROM heads WHERE series = ?1 AND idx = ?2");
        let mut statement = conn.prepare_cached(&sql)?;
        found = statement
            .query_row((series, index), rows::slot)
            .optional()?;
    }
    Ok(found.and_then(|slot| match slot {
        Slot::Event(event) => Some(event),
        Slot::Tombstone(_) => None,
    }))
}

fn text(
    conn: &Connection,
    log: Log,
    series: &SeriesId,
    run: Index,
    range: Range<u64>,
) -> rusqlite::Result<Bytes> {
    let (from, to) = (rows::ordered(range.start), rows::ordered(range.end));
    // From the chunk that the range begins in.
    let sql = "SELECT start, text FROM chunks JOIN series USING (series)
               WHERE log = ?1 AND name = ?2 AND chunks.run = ?3 AND start < ?5
               AND start >= (SELECT coalesce(max(start), 0) FROM chunks JOIN series USING (series)
                             WHERE log = ?1 AND name = ?2 AND chunks.run = ?3 AND start <= ?4)
               ORDER BY start";
    let mut statement = conn.prepare_cached(sql)?;
    let run = run.0.cast_signed();
    let mut chunks = statement.query((log.number, series.as_str(), run, from, to))?;
    let mut text = Vec::new();
    while let Some(row) = chunks.next()? {
        let start = rows::number(row, 0)?;
        let chunk = row.get_ref(1)?.as_bytes()?;
        let clip = |offset: u64| {
            let within = usize::try_from(offset.saturating_sub(start));
            within.map_or(chunk.len(), |within| within.min(chunk.len()))
        };
        let (from, to) = (clip(range.start), clip(range.end));
        text.extend_from_slice(chunk.get(from..to).unwrap_or_default());
    }
    Ok(text.into())
}

fn count(conn: &Connection, log: Log, filter: &EventFilter, upto: Index) -> rusqlite::Result<u64> {
    if filter.is_all() {
        return Ok(upto.clamp(log.trim, log.tail).0);
    }
    let mut found = trimmed(conn, log, filter)?;
    kinds(conn, log, Some(upto), |_, event_type, level| {
        found += u64::from(filter.matches(event_type, level));
        ControlFlow::<()>::Continue(())
    })?;
    Ok(found)
}

/// The position after the first `count` matches; [`Index::START`] when it is trimmed.
fn past(
    conn: &Connection,
    log: Log,
    filter: &EventFilter,
    count: u64,
) -> rusqlite::Result<Option<Index>> {
    let gone = trimmed(conn, log, filter)?;
    if count < gone || count == 0 {
        return Ok(Some(Index::START));
    }
    if count == gone {
        return Ok(Some(log.trim));
    }
    let mut left = count - gone;
    kinds(conn, log, None, |index, event_type, level| {
        left -= u64::from(filter.matches(event_type, level));
        match left {
            0 => ControlFlow::Break(index.next()),
            _ => ControlFlow::Continue(()),
        }
    })
}

/// How many slots below the trim point a filter matches.
fn trimmed(conn: &Connection, log: Log, filter: &EventFilter) -> rusqlite::Result<u64> {
    let sql = "SELECT type, level, count FROM trimmed WHERE log = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut kinds = statement.query([log.number])?;
    let mut found = 0;
    while let Some(row) = kinds.next()? {
        if filter.matches(&rows::event_type(row, 0)?, rows::level(row, 1)?) {
            found += rows::number(row, 2)?;
        }
    }
    Ok(found)
}

/// Shows the kinds of the slots in order, until `look` breaks off. Payloads are not read.
fn kinds<T>(
    conn: &Connection,
    log: Log,
    upto: Option<Index>,
    mut look: impl FnMut(Index, &EventType, Level) -> ControlFlow<T>,
) -> rusqlite::Result<Option<T>> {
    let sql = "SELECT idx, type, level FROM slots WHERE log = ?1 AND idx < ?2 ORDER BY idx";
    let mut statement = conn.prepare_cached(sql)?;
    let upto = upto.map_or(i64::MAX, |upto| rows::ordered(upto.0));
    let mut slots = statement.query((log.number, upto))?;
    // Neighbours are often of one type, which is then not made again.
    let mut last: Option<EventType> = None;
    while let Some(row) = slots.next()? {
        let text = row.get_ref(1)?.as_str()?;
        let event_type = match last.take().filter(|last| last.as_str() == text) {
            Some(last) => last,
            None => rows::event_type(row, 1)?,
        };
        let index = Index(rows::number(row, 0)?);
        if let ControlFlow::Break(found) = look(index, &event_type, rows::level(row, 2)?) {
            return Ok(Some(found));
        }
        last = Some(event_type);
    }
    Ok(None)
}

/// The first slot later than a time, by bisection: times never decrease along a log.
fn after(conn: &Connection, log: Log, at: Millis) -> rusqlite::Result<Index> {
    let sql = "SELECT at FROM slots WHERE log = ?1 AND idx = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let (mut low, mut high) = (log.trim, log.tail);
    while low < high {
        let middle = Index(low.0 + (high.0 - low.0) / 2);
        let place = (log.number, middle.0.cast_signed());
        let then = statement.query_row(place, |row| rows::number(row, 0).map(Millis))?;
        if then <= at {
            low = middle.next();
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn foreign(conn: &Connection, log: Log, id: &str) -> rusqlite::Result<Option<Index>> {
    let sql = "SELECT idx FROM slots WHERE log = ?1 AND foreign_id = ?2 ORDER BY idx DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log.number, id), |row| rows::number(row, 0).map(Index));
    found.optional()
}
