//! Rows to values.
//!
//! PostgreSQL's integers are signed. What is only compared for being equal keeps its 64 bits
//! ([`u64::cast_signed`]); what SQL orders by is clamped ([`crate::sql::ordered`]).

use crate::error::Fault;
use crate::sql::Json;
use std::fmt::Display;
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, Event, EventType, Fold, Index, Level, Millis, RawJson, Revision, SeriesId,
    SeriesMode, SeriesState, SeriesTag, Slot, Span, TaskId, Tombstone, TombstoneReason,
};
use taskcast_store::TaskState;
use taskcast_store::tier::{Kept, Watermark};
use tokio_postgres::Row;

/// The columns of a slot, in the order of [`slot`].
pub(crate) const SLOT: &str = "idx, at, commit_no, type, level, state, superseded_by, series, \
    mode, field, run, run_offset, text_start, text_end, foreign_id, data, payload";
/// The same columns of a head that its log let go of.
pub(crate) const HEAD: &str = "idx, at, commit_no, type, level, 0::smallint AS state, \
    NULL::bigint AS superseded_by, series, mode, field, run, run_offset, text_start, text_end, \
    foreign_id, data, payload";
/// The columns of a log, in the order of [`kept`].
pub(crate) const LOG: &str =
    "epoch, revision, tail, trim, last_at, commit_no, hot, version, record";
/// The columns of a watermark, in the order of [`watermark`].
pub(crate) const WATERMARK: &str = "tail, commit_no, revision, last_at, last_commit";

/// The `state` of a slot that holds its event.
pub(crate) const EVENT: i16 = 0;
/// The `state` of a slot that was superseded before it was archived.
pub(crate) const SUPERSEDED: i16 = 1;
/// The `state` of a slot that was cleaned.
pub(crate) const CLEANED: i16 = 2;

/// A column that keeps its 64 bits.
pub(crate) fn number(row: &Row, column: usize) -> Result<u64, Fault> {
    Ok(row.try_get::<_, i64>(column)?.cast_unsigned())
}

/// A log as it is kept.
pub(crate) fn kept(row: &Row, first: usize) -> Result<Kept, Fault> {
    let json: Json = row.try_get(first + 8)?;
    let record = serde_json::from_slice(&json.0).map_err(|error| damaged("a record", error))?;
    let state = TaskState {
        record: Arc::new(record),
        epoch: epoch(row, first)?,
        revision: Revision(number(row, first + 1)?),
        tail: Index(number(row, first + 2)?),
        trim: Index(number(row, first + 3)?),
        last_at: Millis(number(row, first + 4)?),
        commit: CommitNumber(number(row, first + 5)?),
    };
    let hot = row.try_get(first + 6)?;
    Ok(Kept {
        state,
        hot,
        version: number(row, first + 7)?,
    })
}

/// How far a log is kept.
pub(crate) fn watermark(row: &Row, first: usize) -> Result<Watermark, Fault> {
    let last_at = Millis(number(row, first + 3)?);
    let last_commit: Option<i64> = row.try_get(first + 4)?;
    Ok(Watermark {
        tail: Index(number(row, first)?),
        commit: CommitNumber(number(row, first + 1)?),
        revision: Revision(number(row, first + 2)?),
        last: last_commit.map(|commit| (last_at, CommitNumber(commit.cast_unsigned()))),
    })
}

/// The epoch in a column.
pub(crate) fn epoch(row: &Row, column: usize) -> Result<Epoch, Fault> {
    let number = row.try_get::<_, i64>(column)?;
    u32::try_from(number)
        .map(Epoch)
        .map_err(|error| damaged("an epoch", error))
}

/// The task that a column names.
pub(crate) fn task_id(row: &Row, column: usize) -> Result<TaskId, Fault> {
    TaskId::new(row.try_get::<_, &str>(column)?).map_err(|error| damaged("a task id", error))
}

/// The slot whose columns begin at `first`.
pub(crate) fn slot(row: &Row, first: usize) -> Result<Slot, Fault> {
    let superseded: Option<i64> = row.try_get(first + 6)?;
    match (row.try_get(first + 5)?, superseded) {
        (EVENT, None) => event(row, first).map(Slot::Event),
        (EVENT, Some(_)) | (SUPERSEDED, _) => {
            tombstone(row, first, TombstoneReason::Superseded).map(Slot::Tombstone)
        }
        (CLEANED, _) => tombstone(row, first, TombstoneReason::Cleaned).map(Slot::Tombstone),
        (other, _) => Err(Fault::Damaged(format!("{other} is no state of a slot"))),
    }
}

/// The event whose columns begin at `first`.
pub(crate) fn event(row: &Row, first: usize) -> Result<Event, Fault> {
    let series: Option<&str> = row.try_get(first + 7)?;
    let mode: Option<i16> = row.try_get(first + 8)?;
    Ok(Event {
        index: Index(number(row, first)?),
        at: Millis(number(row, first + 1)?),
        commit: CommitNumber(number(row, first + 2)?),
        event_type: event_type(row, first + 3)?,
        level: level(row, first + 4)?,
        data: data(row, first + 15)?,
        series: SeriesTag {
            id: series.map(series_id).transpose()?,
            mode: mode.map(series_mode).transpose()?,
            field: row.try_get::<_, Option<&str>>(first + 9)?.map(Into::into),
        },
        fold: fold(row, first + 10)?,
        foreign_id: row.try_get::<_, Option<&str>>(first + 14)?.map(Into::into),
    })
}

fn tombstone(row: &Row, first: usize, reason: TombstoneReason) -> Result<Tombstone, Fault> {
    Ok(Tombstone {
        index: Index(number(row, first)?),
        at: Millis(number(row, first + 1)?),
        commit: CommitNumber(number(row, first + 2)?),
        event_type: event_type(row, first + 3)?,
        level: level(row, first + 4)?,
        foreign_id: row.try_get::<_, Option<&str>>(first + 14)?.map(Into::into),
        reason,
    })
}

/// A series: `mode, field, newest, run, run_offset, text_start, text_end` from `first` on.
pub(crate) fn series(row: &Row, first: usize) -> Result<SeriesState, Fault> {
    Ok(SeriesState {
        mode: series_mode(row.try_get(first)?)?,
        field: row.try_get::<_, &str>(first + 1)?.into(),
        newest: Index(number(row, first + 2)?),
        fold: fold(row, first + 3)?,
    })
}

fn fold(row: &Row, first: usize) -> Result<Option<Fold>, Fault> {
    let Some(run) = row.try_get::<_, Option<i64>>(first)? else {
        return Ok(None);
    };
    let offset = |column| -> Result<Option<u32>, Fault> {
        let offset: Option<i64> = row.try_get(column)?;
        offset
            .map(u32::try_from)
            .transpose()
            .map_err(|error| damaged("a fold", error))
    };
    let span = offset(first + 2)?.zip(offset(first + 3)?);
    Ok(Some(Fold {
        run: Index(run.cast_unsigned()),
        offset: number(row, first + 1)?,
        text: span.map(|(start, end)| Span { start, end }),
    }))
}

/// The type in a column.
pub(crate) fn event_type(row: &Row, column: usize) -> Result<EventType, Fault> {
    EventType::new(row.try_get::<_, &str>(column)?).map_err(|error| damaged("a type", error))
}

/// The level in a column.
pub(crate) fn level(row: &Row, column: usize) -> Result<Level, Fault> {
    let number: i16 = row.try_get(column)?;
    let level = usize::try_from(number).ok().and_then(|n| Level::ALL.get(n));
    level
        .copied()
        .ok_or_else(|| Fault::Damaged(format!("{number} is no level")))
}

/// A level as it is stored.
pub(crate) fn level_number(level: Level) -> i16 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

/// A mode as it is stored.
pub(crate) fn mode_number(mode: SeriesMode) -> i16 {
    match mode {
        SeriesMode::KeepAll => 0,
        SeriesMode::Accumulate => 1,
        SeriesMode::Latest => 2,
    }
}

fn series_mode(number: i16) -> Result<SeriesMode, Fault> {
    match number {
        0 => Ok(SeriesMode::KeepAll),
        1 => Ok(SeriesMode::Accumulate),
        2 => Ok(SeriesMode::Latest),
        other => Err(Fault::Damaged(format!("{other} is no mode of a series"))),
    }
}

/// The series that a column names.
pub(crate) fn series_id(name: &str) -> Result<SeriesId, Fault> {
    SeriesId::new(name).map_err(|error| damaged("a series", error))
}

/// The payload: in the column for JSON, or as the bytes beside it that PostgreSQL refused.
fn data(row: &Row, first: usize) -> Result<Option<RawJson>, Fault> {
    if let Some(json) = row.try_get::<_, Option<Json>>(first)? {
        return Ok(Some(RawJson::from_trusted(json.0)));
    }
    let payload: Option<&[u8]> = row.try_get(first + 1)?;
    Ok(payload.map(|bytes| RawJson::from_trusted(bytes.to_vec().into())))
}

/// A value that was written by something else than this store.
pub(crate) fn damaged(what: &str, error: impl Display) -> Fault {
    Fault::Damaged(format!("{what} cannot be read: {error}"))
}
