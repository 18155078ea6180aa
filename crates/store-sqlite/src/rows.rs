//! Rows to values and back.
//!
//! SQLite's integers are signed. What is only compared for being equal keeps its 64 bits
//! ([`u64::cast_signed`]); what SQL orders by is clamped ([`ordered`]).

use bytes::Bytes;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Error, Row};
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventType, Fold, Index, Level, Millis, RawJson, Revision, SeriesId,
    SeriesMode, SeriesState, SeriesTag, Slot, Span, TaskId, Tombstone, TombstoneReason,
};
use taskcast_store::TaskState;

/// The columns of a slot, in the order of [`slot`].
pub(crate) const SLOT: &str = "idx, at, commit_no, type, level, state, series, mode, field, run, \
                               run_offset, text_start, text_end, foreign_id, data";
/// The same columns of a head that its log let go of.
pub(crate) const HEAD: &str = "idx, at, commit_no, type, level, state, name, mode, field, run, \
                               run_offset, text_start, text_end, foreign_id, data";
/// The columns of a task, in the order of [`task`].
pub(crate) const TASK: &str = "tasks.log, epoch, revision, tail, trim, last_at, commit_no, record";

/// The `state` of a slot that holds its event.
pub(crate) const EVENT: i64 = 0;
/// The `state` of a tombstone.
pub(crate) const SUPERSEDED: i64 = 1;
/// The `state` of a tombstone.
pub(crate) const CLEANED: i64 = 2;
/// The `state` of a tombstone in an archive: superseded, then cleaned.
pub(crate) const SUPERSEDED_CLEANED: i64 = 3;

/// A number that SQL orders by; those beyond its integers are equal to the greatest of them.
pub(crate) fn ordered(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that keeps its 64 bits.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A number of things.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let count: i64 = row.get(column)?;
    usize::try_from(count).map_err(|_| Error::IntegralValueOutOfRange(column, count))
}

/// A task, and the number of its log.
pub(crate) fn task(row: &Row<'_>) -> rusqlite::Result<(i64, TaskState)> {
    let json = row.get_ref(7)?.as_str()?;
    let record = serde_json::from_str(json).map_err(|error| unreadable(7, error))?;
    let state = TaskState {
        record: Arc::new(record),
        epoch: epoch(row, 1)?,
        revision: Revision(number(row, 2)?),
        tail: Index(number(row, 3)?),
        trim: Index(number(row, 4)?),
        last_at: Millis(number(row, 5)?),
        commit: CommitNumber(number(row, 6)?),
    };
    Ok((row.get(0)?, state))
}

/// The task that a column names.
pub(crate) fn task_id(row: &Row<'_>, column: usize) -> rusqlite::Result<TaskId> {
    let text = row.get_ref(column)?.as_str()?;
    TaskId::new(text).map_err(|error| unreadable(column, error))
}

/// The epoch in a column.
pub(crate) fn epoch(row: &Row<'_>, column: usize) -> rusqlite::Result<Epoch> {
    row.get(column).map(Epoch)
}

/// Payload bytes of a slot, which pages are measured in. An archive keeps the payload of events
/// that a newer one replaced, and does not show it.
pub(crate) fn payload(row: &Row<'_>) -> rusqlite::Result<usize> {
    match row.get(5)? {
        EVENT => Ok(row.get_ref(14)?.as_bytes_or_null()?.map_or(0, <[u8]>::len)),
        _ => Ok(0),
    }
}

/// A slot.
pub(crate) fn slot(row: &Row<'_>) -> rusqlite::Result<Slot> {
    match row.get(5)? {
        EVENT => event(row).map(Slot::Event),
        SUPERSEDED | SUPERSEDED_CLEANED => {
            tombstone(row, TombstoneReason::Superseded).map(Slot::Tombstone)
        }
        CLEANED => tombstone(row, TombstoneReason::Cleaned).map(Slot::Tombstone),
        other => Err(Error::IntegralValueOutOfRange(5, other)),
    }
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        index: Index(number(row, 0)?),
        at: Millis(number(row, 1)?),
        commit: CommitNumber(number(row, 2)?),
        event_type: event_type(row, 3)?,
        level: level(row, 4)?,
        data: data(row, 14)?,
        series: SeriesTag {
            id: name(row, 6)?.map(|name| series_id(name, 6)).transpose()?,
            mode: row
                .get::<_, Option<i64>>(7)?
                .map(|n| mode(n, 7))
                .transpose()?,
            field: name(row, 8)?.map(Into::into),
        },
        fold: fold(row, 9)?,
        foreign_id: name(row, 13)?.map(Into::into),
    })
}

fn tombstone(row: &Row<'_>, reason: TombstoneReason) -> rusqlite::Result<Tombstone> {
    Ok(Tombstone {
        index: Index(number(row, 0)?),
        at: Millis(number(row, 1)?),
        commit: CommitNumber(number(row, 2)?),
        event_type: event_type(row, 3)?,
        level: level(row, 4)?,
        foreign_id: name(row, 13)?.map(Into::into),
        reason,
    })
}

/// A series: `mode, field, newest, run, run_offset, text_start, text_end` from `first` on.
pub(crate) fn series(row: &Row<'_>, first: usize) -> rusqlite::Result<SeriesState> {
    Ok(SeriesState {
        mode: mode(row.get(first)?, first)?,
        field: row.get(first + 1)?,
        newest: Index(number(row, first + 2)?),
        fold: fold(row, first + 3)?,
    })
}

/// A fold as the columns `run, run_offset, text_start, text_end`.
pub(crate) type FoldColumns = (Option<i64>, Option<i64>, Option<u32>, Option<u32>);

/// The columns of a fold.
pub(crate) fn fold_columns(fold: Option<Fold>) -> FoldColumns {
    let span = fold.and_then(|fold| fold.text);
    (
        fold.map(|fold| fold.run.0.cast_signed()),
        fold.map(|fold| fold.offset.cast_signed()),
        span.map(|span| span.start),
        span.map(|span| span.end),
    )
}

/// A fold: `run, run_offset, text_start, text_end` from `first` on.
pub(crate) fn fold(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Fold>> {
    let Some(run) = row.get::<_, Option<i64>>(first)? else {
        return Ok(None);
    };
    let (start, end): (Option<u32>, Option<u32>) = (row.get(first + 2)?, row.get(first + 3)?);
    Ok(Some(Fold {
        run: Index(run.cast_unsigned()),
        offset: number(row, first + 1)?,
        text: start.zip(end).map(|(start, end)| Span { start, end }),
    }))
}

/// The type in a column.
pub(crate) fn event_type(row: &Row<'_>, column: usize) -> rusqlite::Result<EventType> {
    let text = row.get_ref(column)?.as_str()?;
    EventType::new(text).map_err(|error| unreadable(column, error))
}

/// The level in a column.
pub(crate) fn level(row: &Row<'_>, column: usize) -> rusqlite::Result<Level> {
    let number: i64 = row.get(column)?;
    let level = usize::try_from(number).ok().and_then(|n| Level::ALL.get(n));
    level
        .copied()
        .ok_or(Error::IntegralValueOutOfRange(column, number))
}

/// A level as it is stored.
pub(crate) fn level_number(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

/// A mode as it is stored.
pub(crate) fn mode_number(mode: SeriesMode) -> i64 {
    match mode {
        SeriesMode::KeepAll => 0,
        SeriesMode::Accumulate => 1,
        SeriesMode::Latest => 2,
    }
}

fn mode(number: i64, column: usize) -> rusqlite::Result<SeriesMode> {
    match number {
        0 => Ok(SeriesMode::KeepAll),
        1 => Ok(SeriesMode::Accumulate),
        2 => Ok(SeriesMode::Latest),
        other => Err(Error::IntegralValueOutOfRange(column, other)),
    }
}

/// The series that a column names.
pub(crate) fn series_id(name: &str, column: usize) -> rusqlite::Result<SeriesId> {
    SeriesId::new(name).map_err(|error| unreadable(column, error))
}

pub(crate) fn name<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(row.get_ref(column)?.as_str_or_null()?)
}

fn data(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RawJson>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => {
            let bytes = Bytes::copy_from_slice(value.as_blob()?);
            Ok(Some(RawJson::from_trusted(bytes)))
        }
    }
}

/// A value that was written by something else than this store.
pub(crate) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// Something that has to be in the file and is not.
pub(crate) fn missing(what: &str) -> Error {
    let error = std::io::Error::new(std::io::ErrorKind::NotFound, format!("{what} is missing"));
    Error::FromSqlConversionFailure(0, Type::Null, Box::new(error))
}
