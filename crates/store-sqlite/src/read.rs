//! Reading one log.

use crate::database::Database;
use crate::{rows, seek};
use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};
use std::ops::Range;
use taskcast_core::{Epoch, Event, EventFilter, Head, Index, SeriesId, Slot, TaskId};
use taskcast_store::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, Which};

#[async_trait]
impl LogReader for Database {
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
        self.read_log(id, epoch, move |conn, log| {
            seek::count(conn, log, &filter, upto)
        })
        .await
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.read_log(id, epoch, move |conn, log| match &seek {
            Seek::After(at) => seek::after(conn, log, *at).map(Some),
            Seek::Past { filter, count } => seek::past(conn, log, filter, *count),
            Seek::Foreign(id) => seek::foreign(conn, log, id),
        })
        .await
    }
}

/// A log as a reader finds it.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    pub(crate) number: i64,
    pub(crate) trim: Index,
    /// The first index whose slot is held.
    pub(crate) base: Index,
    pub(crate) tail: Index,
}

impl Database {
    pub(crate) async fn read_log<T: Send + 'static>(
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

/// A log, if it is here.
pub(crate) fn find(conn: &Connection, id: &TaskId, epoch: Epoch) -> rusqlite::Result<Option<Log>> {
    let sql = "SELECT log, trim, max(trim, base), tail FROM tasks WHERE id = ?1 AND epoch = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((id.as_str(), epoch.0), |row| {
        Ok(Log {
            number: row.get(0)?,
            trim: Index(rows::number(row, 1)?),
            base: Index(rows::number(row, 2)?),
            tail: Index(rows::number(row, 3)?),
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
        let payload = rows::payload(row)?;
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
        base: log.base,
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
pub(crate) fn newest(
    conn: &Connection,
    log: i64,
    series: i64,
    index: i64,
) -> rusqlite::Result<Option<Event>> {
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

/// The text of a run between two offsets.
pub(crate) fn text(
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
    let (mut text, mut expected) = (Vec::new(), None);
    while let Some(row) = chunks.next()? {
        let start = rows::number(row, 0)?;
        let chunk = row.get_ref(1)?.as_bytes()?;
        if start != expected.unwrap_or(start.min(range.start)) {
            return Err(rows::missing("a piece of a joined text"));
        }
        expected = Some(start + chunk.len() as u64);
        let clip = |offset: u64| {
            let within = usize::try_from(offset.saturating_sub(start));
            within.map_or(chunk.len(), |within| within.min(chunk.len()))
        };
        let (from, to) = (clip(range.start), clip(range.end));
        text.extend_from_slice(chunk.get(from..to).unwrap_or_default());
    }
    Ok(text.into())
}
