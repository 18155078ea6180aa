//! What hangs on a hot task: its series, its producers, and how many there are.

use crate::chunk::Chunk;
use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use taskcast_core::{ProducerId, SeriesId, SeriesState};
use taskcast_store::plan::{Joined, KeptProducer};

/// What the writer remembers of a log beside its state.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The number of the log in the file.
    pub(crate) log: i64,
    /// Of all series, those looked at so far.
    series: HashMap<SeriesId, HotSeries>,
    /// The series that the file does not have as they are.
    changed: Vec<SeriesId>,
    /// How many series the task has.
    pub(crate) series_count: usize,
    /// Of all producers, those looked at so far.
    pub(crate) producers: HashMap<ProducerId, KeptProducer>,
    /// How many producers the task has.
    pub(crate) producer_count: usize,
    /// How many idempotency keys are remembered.
    pub(crate) key_count: usize,
}

#[derive(Debug)]
struct HotSeries {
    /// The number of the series in the file.
    row: i64,
    state: SeriesState,
    changed: bool,
    /// The chunk that grows; none until something is joined.
    open: Option<Chunk>,
}

impl Memory {
    /// What is remembered of a log that is new.
    pub(crate) fn new(log: i64) -> Self {
        Self {
            log,
            series: HashMap::new(),
            changed: Vec::new(),
            series_count: 0,
            producers: HashMap::new(),
            producer_count: 0,
            key_count: 0,
        }
    }

    /// What is remembered of a log in the file: the counts; all else when it is needed.
    pub(crate) fn load(conn: &Connection, log: i64) -> rusqlite::Result<Self> {
        let sql = "SELECT (SELECT count(*) FROM series WHERE log = ?1),
                          (SELECT count(*) FROM producers WHERE log = ?1),
                          (SELECT count(*) FROM keys WHERE log = ?1)";
        let mut statement = conn.prepare_cached(sql)?;
        statement.query_row([log], |row| {
            Ok(Self {
                series_count: rows::count(row, 0)?,
                producer_count: rows::count(row, 1)?,
                key_count: rows::count(row, 2)?,
                ..Self::new(log)
            })
        })
    }

    /// The state of a series.
    pub(crate) fn series(
        &mut self,
        conn: &Connection,
        id: &SeriesId,
    ) -> rusqlite::Result<Option<SeriesState>> {
        if !self.series.contains_key(id) && self.series.len() < self.series_count {
            let found = find_series(conn, self.log, id)?;
            self.series.extend(found.map(|found| (id.clone(), found)));
        }
        Ok(self.series.get(id).map(|series| series.state.clone()))
    }

    /// What is kept of a producer.
    pub(crate) fn producer(
        &mut self,
        conn: &Connection,
        id: &ProducerId,
    ) -> rusqlite::Result<Option<KeptProducer>> {
        if !self.producers.contains_key(id) && self.producers.len() < self.producer_count {
            let found = crate::once::producer(conn, self.log, id)?;
            self.producers
                .extend(found.map(|found| (id.clone(), found)));
        }
        Ok(self.producers.get(id).copied())
    }

    /// Takes the state of a series, which was looked up before if it is not new.
    pub(crate) fn put_series(
        &mut self,
        conn: &Connection,
        id: SeriesId,
        state: SeriesState,
    ) -> rusqlite::Result<()> {
        match self.series.get_mut(&id) {
            Some(series) => {
                series.state = state;
                if !series.changed {
                    series.changed = true;
                    self.changed.push(id);
                }
            }
            None => {
                let series = HotSeries {
                    row: insert_series(conn, self.log, &id, &state)?,
                    state,
                    changed: false,
                    open: None,
                };
                self.series.insert(id, series);
                self.series_count += 1;
            }
        }
        Ok(())
    }

    /// Joins a piece of text to the run of a series.
    pub(crate) fn join(&mut self, conn: &Connection, piece: &Joined) -> rusqlite::Result<()> {
        let Some(series) = self.series.get_mut(&piece.series) else {
            return Ok(());
        };
        if !series.changed {
            series.changed = true;
            self.changed.push(piece.series.clone());
        }
        let text = std::str::from_utf8(piece.bytes())
            .map_err(|error| rusqlite::Error::Utf8Error(0, error));
        Chunk::join(&mut series.open, conn, series.row, piece, text?)
    }

    /// Writes the series that changed, and the text that was joined.
    pub(crate) fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for id in self.changed.drain(..) {
            let Some(series) = self.series.get_mut(&id) else {
                continue;
            };
            if let Some(chunk) = &mut series.open {
                chunk.flush(conn, series.row)?;
            }
            update_series(conn, series.row, &series.state)?;
            series.changed = false;
        }
        Ok(())
    }

    /// Bytes this takes, about.
    pub(crate) fn weight(&self) -> usize {
        const SERIES: usize = 400;
        const PRODUCER: usize = 200;
        self.series.len() * SERIES + self.producers.len() * PRODUCER
    }
}

fn find_series(conn: &Connection, log: i64, id: &SeriesId) -> rusqlite::Result<Option<HotSeries>> {
    let sql = "SELECT series, mode, field, newest, run, run_offset, text_start, text_end
               FROM series WHERE log = ?1 AND name = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row((log, id.as_str()), |row| {
        Ok(HotSeries {
            row: row.get(0)?,
            state: rows::series(row, 1)?,
            changed: false,
            open: None,
        })
    });
    found.optional()
}

/// Writes the row of a new series. Gives its number in the file.
pub(crate) fn insert_series(
    conn: &Connection,
    log: i64,
    id: &SeriesId,
    state: &SeriesState,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO series (log, name, mode, field, newest, run, run_offset, text_start, \
               text_end) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (run, offset, start, end) = rows::fold_columns(state.fold);
    conn.prepare_cached(sql)?.insert((
        log,
        id.as_str(),
        rows::mode_number(state.mode),
        &*state.field,
        state.newest.0.cast_signed(),
        run,
        offset,
        start,
        end,
    ))
}

fn update_series(conn: &Connection, row: i64, state: &SeriesState) -> rusqlite::Result<()> {
    let sql = "UPDATE series SET newest = ?2, run = ?3, run_offset = ?4, text_start = ?5, \
               text_end = ?6 WHERE series = ?1";
    let (run, offset, start, end) = rows::fold_columns(state.fold);
    let newest = state.newest.0.cast_signed();
    conn.prepare_cached(sql)?
        .execute((row, newest, run, offset, start, end))?;
    Ok(())
}
