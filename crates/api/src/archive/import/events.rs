//! The events of an archive.

use super::values::{about, ensure, fields, text, time_of};
use crate::event::{joined_field, series_mode};
use crate::read::{Field, Path, Reader, items};
use crate::sse::is_safe_id;
use crate::{ErrorCode, Invalid};
use serde_json::value::RawValue;
use std::collections::HashSet;
use taskcast_core::{
    EventType, Imported, Level, Limits, Millis, NewEvent, RawJson, SeriesTag, TaskId,
};

/// The longest id of an imported event, in UTF-8 bytes.
const MAX_ID_BYTES: usize = 256;

const EVENT: [&str; 12] = [
    "id",
    "taskId",
    "index",
    "timestamp",
    "type",
    "level",
    "data",
    "seriesMode",
    "seriesId",
    "seriesAccField",
    "seriesSnapshot",
    "_accumulatedData",
];

/// An event with the index it has in the archive.
struct Numbered {
    index: u64,
    at: Millis,
    id: Box<str>,
    event: NewEvent,
}

/// The events of an archive in order, with times that never decrease and are not after `now`.
pub(super) fn events_of(
    events: Option<&RawValue>,
    task: &TaskId,
    limits: &Limits,
    now: Millis,
) -> Result<Vec<NewEvent>, Invalid> {
    let not_an_array = || Invalid::because("Archive events must be an array");
    let events = events.ok_or_else(not_an_array)?;
    let mut read: Result<Vec<Numbered>, Invalid> = Ok(Vec::new());
    items(events.get(), usize::MAX, |_, raw| {
        if let Ok(list) = &mut read {
            match event(raw, task, limits, now) {
                Ok(event) => list.push(event),
                Err(invalid) => read = Err(invalid),
            }
        }
    })
    .map_err(|_| not_an_array())?;
    in_order(read?)
}

/// The events by index, which have to be 0, 1, 2, …; times never decrease from one to the next.
fn in_order(mut events: Vec<Numbered>) -> Result<Vec<NewEvent>, Invalid> {
    let (mut ids, mut indexes) = (HashSet::new(), HashSet::new());
    for Numbered { id, index, .. } in &events {
        ensure(ids.insert(id), || {
            format!("Archive contains duplicate event id: {id}")
        })?;
        ensure(indexes.insert(index), || {
            format!("Archive contains duplicate event index: {index}")
        })?;
    }
    events.sort_by_key(|event| event.index);
    let mut latest = Millis(0);
    let numbered = (0_u64..).zip(events).map(|(expected, got)| {
        ensure(got.index == expected, || {
            let got = got.index;
            format!(
                "Archive events must have contiguous indexes from 0; expected {expected}, got {got}"
            )
        })?;
        latest = latest.max(got.at);
        Ok(NewEvent {
            imported: Some(Imported {
                id: got.id,
                at: latest,
            }),
            ..got.event
        })
    });
    numbered.collect()
}

fn event(raw: &RawValue, task: &TaskId, limits: &Limits, now: Millis) -> Result<Numbered, Invalid> {
    let values = fields(Some(raw), &EVENT, "Archive event must be an object")?;
    let id = event_id(values[0])?;
    let owner =
        text(values[1]).ok_or_else(|| about(&id, "Archive event.taskId must be a string"))?;
    let index = values[2]
        .and_then(|raw| raw.get().parse().ok())
        .ok_or_else(|| about(&id, "Archive event.index must be a non-negative integer"))?;
    let at = time_of(values[3], now, || "Archive event.timestamp".into())
        .map_err(|_| about(&id, "Archive event.timestamp must be a finite number"))?;
    let event = payload(&values, &id, limits)?;
    ensure(owner == task.as_str(), || {
        format!("Archive event taskId mismatch for event {id}")
    })?;
    ensure(values[10].is_none(), || {
        format!(
            "Archive events cannot include presentation fields; seriesSnapshot is a collapsed presentation field on event {id}"
        )
    })?;
    ensure(values[11].is_none(), || {
        format!(
            "Archive events cannot include transient broadcast fields; _accumulatedData is transient on event {id}"
        )
    })?;
    Ok(Numbered {
        index,
        at,
        id: id.into(),
        event,
    })
}

fn event_id(raw: Option<&RawValue>) -> Result<String, Invalid> {
    let id = text(raw)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Invalid::because("Archive event.id must be a string"))?;
    // A cursor has to survive a header and the `id:` line of a stream.
    ensure(id.len() <= MAX_ID_BYTES && is_safe_id(&id), || {
        format!(
            "Archive event.id must have at most {MAX_ID_BYTES} bytes, no control characters, \
             no spaces around it and no `~` at its end"
        )
    })?;
    Ok(id.into_owned())
}

/// Reads type, level, data and series, in the order in which archives have always been checked.
fn payload(
    values: &[Option<&RawValue>; 12],
    id: &str,
    limits: &Limits,
) -> Result<NewEvent, Invalid> {
    let word = text(values[4]).ok_or_else(|| about(id, "Archive event.type must be a string"))?;
    let event_type = EventType::new(&word)
        .map_err(|error| about(id, &format!("Archive event.type is invalid ({error})")))?;
    let level = text(values[5])
        .and_then(|word| word.parse::<Level>().ok())
        .ok_or_else(|| about(id, "Archive event.level is invalid"))?;
    let data = values[6].ok_or_else(|| about(id, "Archive event.data is required"))?;
    let data = RawJson::from_raw(data);
    data.check_depth(limits.json_depth)
        .map_err(|error| Invalid::Refused {
            code: ErrorCode::JsonTooDeep,
            message: format!("{error} in the data of archive event {id}"),
        })?;
    let series = series(values, id, limits)?;
    let mut event = NewEvent::new(event_type, Some(data)).in_series(series);
    event.level = level;
    Ok(event)
}

fn series(
    values: &[Option<&RawValue>; 12],
    id: &str,
    limits: &Limits,
) -> Result<SeriesTag, Invalid> {
    let mut reader = Reader::new(limits);
    let field = |slot: usize| Field {
        path: Path::Root,
        raw: values[slot],
    };
    let tag = SeriesTag {
        mode: series_mode(&mut reader, field(7)),
        id: reader.word(field(8)),
        field: joined_field(&mut reader, field(9)),
    };
    for (slot, found) in [
        (7, tag.mode.is_some()),
        (8, tag.id.is_some()),
        (9, tag.field.is_some()),
    ] {
        ensure(found || values[slot].is_none(), || {
            let rule = match slot {
                8 | 9 if text(values[slot]).is_none() => "must be a string",
                _ => "is invalid",
            };
            let name = EVENT[slot];
            format!("Archive event.{name} {rule} for event {id}")
        })?;
    }
    Ok(tag)
}
