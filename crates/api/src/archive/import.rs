//! `POST /tasks/import`: an archive becomes a task record and events to append.

use super::{SCHEMA, VERSION};
use crate::event::{joined_field, series_mode};
use crate::read::{Field, Path, Reader, items, malformed, object, text_of};
use crate::sse::is_safe_id;
use crate::task::{create, transition};
use crate::{ErrorCode, Invalid};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use taskcast_core::{
    EventType, Imported, Level, Limits, Millis, NewEvent, SeriesTag, Status, TaskId, TaskRecord,
};

/// The body of `POST /tasks/import`, as servers read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// The task as it was. A `ttl` that is running starts anew.
    pub record: TaskRecord,
    /// Its events in order, with the ids they came with; times never decrease.
    pub events: Vec<NewEvent>,
    /// Whether a task that has the id is replaced.
    pub overwrite: bool,
}

impl ImportRequest {
    /// Reads a body. No time in it is taken to be later than `now`.
    ///
    /// # Errors
    /// [`Invalid`] with the first thing that is wrong with the archive.
    pub fn parse(body: &[u8], limits: &Limits, now: Millis) -> Result<Self, Invalid> {
        let values = object(text_of(body)?, &["archive", "overwrite"]).map_err(malformed)?;
        let (archive, overwrite) = match values {
            Some([Some(archive), None]) => (archive, false),
            Some([Some(archive), Some(flag)]) if flag.get() == "true" => (archive, true),
            Some([Some(archive), Some(flag)]) if flag.get() == "false" => (archive, false),
            _ => return Err(Invalid::because("Invalid archive import request")),
        };
        let names = ["schema", "version", "exportedAt", "task", "events"];
        let [schema, version, exported_at, task, events] =
            fields(Some(archive), &names, "Archive must be an object")?;
        check_kind(schema, version)?;
        ensure(number(exported_at).is_some(), || {
            "Archive exportedAt must be a finite number".into()
        })?;
        let record = record(task, limits, now)?;
        let events = events_of(events, &record.id, limits, now)?;
        Ok(Self {
            record,
            events,
            overwrite,
        })
    }
}

fn check_kind(schema: Option<&RawValue>, version: Option<&RawValue>) -> Result<(), Invalid> {
    ensure(text(schema).as_deref() == Some(SCHEMA), || {
        format!("Unsupported archive schema: {}", shown(schema))
    })?;
    ensure(number(version) == Some(f64::from(VERSION)), || {
        format!("Unsupported archive version: {}", shown(version))
    })
}

const TASK: [&str; 18] = [
    "id",
    "status",
    "createdAt",
    "updatedAt",
    "type",
    "params",
    "result",
    "error",
    "metadata",
    "completedAt",
    "ttl",
    "authConfig",
    "tags",
    "reason",
    "resumeAt",
    "blockedRequest",
    "webhooks",
    "cleanup",
];

fn record(task: Option<&RawValue>, limits: &Limits, now: Millis) -> Result<TaskRecord, Invalid> {
    let values = fields(task, &TASK, "Archive task must be an object")?;
    let id = task_id(values[0])?;
    let status = text(values[1])
        .and_then(|word| word.parse::<Status>().ok())
        .ok_or_else(|| Invalid::because("Archive task.status is invalid"))?;
    let created_at = time_of(values[2], now, || "Archive task.createdAt".into())?;
    let updated_at = time_of(values[3], now, || "Archive task.updatedAt".into())?;
    let mut reader = Reader::new(limits);
    let root = Path::Root;
    let archive = root.key("archive");
    let at = archive.key("task");
    let field = |slot: usize| Field {
        path: at.key(TASK[slot]),
        raw: values[slot],
    };
    let later = [16, 17].map(|slot| {
        let value = values[slot].map(RawValue::get);
        (TASK[slot], value.filter(|json| !holds_nothing(json)))
    });
    create::refuse_later(&mut reader, later);
    let ttl = reader.integer(field(10), 1, create::TEN_YEARS_SECONDS);
    let running = ttl.filter(|_| !status.is_terminal() && status != Status::Paused);
    let record = TaskRecord {
        id,
        task_type: reader.word(field(4)),
        status,
        params: reader.json_object(field(5)),
        result: result(&mut reader, field(6)),
        error: transition::error(&mut reader, field(7)),
        metadata: reader.json_object(field(8)),
        created_at,
        updated_at: updated_at.max(created_at),
        completed_at: reader.integer(field(9), 0, MAX_MILLIS).map(Millis),
        ttl,
        timeout_at: running.map(|seconds| now.plus_seconds(seconds)),
        auth_config: create::auth_config(&mut reader, field(11)),
        tags: create::tags(&mut reader, field(12)),
        reason: reader.string(field(13)).map(Into::into),
        resume_at: reader.integer(field(14), 0, MAX_MILLIS).map(Millis),
        blocked_request: transition::blocked_request(&mut reader, field(15)),
    };
    reader.finish(Some(record))
}

fn task_id(raw: Option<&RawValue>) -> Result<TaskId, Invalid> {
    let id = text(raw)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Invalid::because("Archive task.id must be a string"))?;
    TaskId::new(&id)
        .map_err(|error| Invalid::because(format!("Archive task.id is invalid: {error}")))
}

/// The result of a task: an object, or the array that a resolve was answered with.
fn result(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<taskcast_core::RawJson> {
    if field.raw?.get().starts_with('[') {
        return reader.json(field);
    }
    reader.json_object(field)
}

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

fn events_of(
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
    let data = taskcast_core::RawJson::from_raw(data);
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
    for (slot, found, rule) in [
        (7, tag.mode.is_some(), "is invalid"),
        (
            8,
            tag.id.is_some(),
            "must be a string of 1 to 256 bytes without control characters",
        ),
        (9, tag.field.is_some(), "must be a string of 1 to 256 bytes"),
    ] {
        ensure(found || values[slot].is_none(), || {
            let name = EVENT[slot];
            format!("Archive event.{name} {rule} for event {id}")
        })?;
    }
    Ok(tag)
}

/// The longest id of an imported event, in UTF-8 bytes.
const MAX_ID_BYTES: usize = 256;
/// The latest time that an event id can carry.
const MAX_MILLIS: u64 = (1 << 48) - 1;

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), Invalid> {
    if holds {
        Ok(())
    } else {
        Err(Invalid::because(message()))
    }
}

fn about(id: &str, what: &str) -> Invalid {
    Invalid::because(format!("{what} for event {id}"))
}

fn fields<'a, const N: usize>(
    raw: Option<&'a RawValue>,
    names: &[&str; N],
    otherwise: &str,
) -> Result<[Option<&'a RawValue>; N], Invalid> {
    raw.and_then(|raw| object(raw.get(), names).ok().flatten())
        .ok_or_else(|| Invalid::because(otherwise))
}

fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str(raw?.get()).ok().map(Cow::Owned)
}

fn number(raw: Option<&RawValue>) -> Option<f64> {
    let number: f64 = raw?.get().parse().ok()?;
    number.is_finite().then_some(number)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion that saturates is what is meant: before 1970 is 1970"
)]
fn time_of(
    raw: Option<&RawValue>,
    now: Millis,
    name: impl FnOnce() -> String,
) -> Result<Millis, Invalid> {
    let number = number(raw)
        .ok_or_else(|| Invalid::because(format!("{} must be a finite number", name())))?;
    Ok(Millis((number as u64).min(now.0)))
}

/// Whether a JSON value asks for nothing: `null`, an empty list, an empty set of rules.
fn holds_nothing(json: &str) -> bool {
    let compact: String = json.split_ascii_whitespace().collect();
    matches!(&*compact, "null" | "[]" | "{}" | r#"{"rules":[]}"#)
}

/// A value as an error text shows it.
fn shown(raw: Option<&RawValue>) -> String {
    const MOST_CHARS: usize = 100;
    let whole = match (raw, text(raw)) {
        (None, _) => Cow::Borrowed("undefined"),
        (Some(_), Some(text)) => text,
        (Some(raw), None) => Cow::Borrowed(raw.get()),
    };
    whole.chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::ArchiveWriter;
    use crate::{EventView, Task, testing};
    use proptest::prelude::*;
    use taskcast_core::{Epoch, RawJson};

    const NOW: Millis = Millis(10_000);
    const TASK: &str = r#""task":{"id":"t","status":"running","createdAt":1,"updatedAt":2"#;
    const EVENT: &str =
        r#""id":"e","taskId":"t","index":0,"timestamp":5,"type":"x","level":"info","data":1"#;

    fn parse(body: &str) -> Result<ImportRequest, Invalid> {
        ImportRequest::parse(body.as_bytes(), &Limits::default(), NOW)
    }

    /// An import of one archive, its task with more fields and its events as given.
    fn body(task: &str, events: &str) -> String {
        format!(
            r#"{{"archive":{{"schema":"taskcast.taskArchive","version":1,"exportedAt":9,{TASK}{task}}},"events":{events}}}}}"#
        )
    }

    fn refused(body: &str) -> String {
        parse(body).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_an_archive_is_refused_in_the_words_of_always() {
        let archive = |fields: &str| format!(r#"{{"archive":{{{fields}}}}}"#);
        let known = r#""schema":"taskcast.taskArchive","version":1"#;
        for (body, said) in [
            ("[]".into(), "Invalid archive import request"),
            ("{}".into(), "Invalid archive import request"),
            (
                r#"{"archive":{},"overwrite":1}"#.into(),
                "Invalid archive import request",
            ),
            (r#"{"archive":[]}"#.into(), "Archive must be an object"),
            (archive(""), "Unsupported archive schema: undefined"),
            (archive(r#""schema":"x""#), "Unsupported archive schema: x"),
            (
                archive(r#""schema":"taskcast.taskArchive","version":2"#),
                "Unsupported archive version: 2",
            ),
            (
                archive(&format!(r#"{known},"exportedAt":1e999"#)),
                "Archive exportedAt must be a finite number",
            ),
            (
                archive(&format!(r#"{known},"exportedAt":1"#)),
                "Archive task must be an object",
            ),
            (
                archive(&format!(r#"{known},"exportedAt":1,"task":{{"id":""}}"#)),
                "Archive task.id must be a string",
            ),
            (
                archive(&format!(
                    r#"{known},"exportedAt":1,"task":{{"id":"t","status":"x"}}"#
                )),
                "Archive task.status is invalid",
            ),
            (
                archive(&format!(
                    r#"{known},"exportedAt":1,"task":{{"id":"t","status":"paused","createdAt":""}}"#
                )),
                "Archive task.createdAt must be a finite number",
            ),
            (
                archive(&format!(
                    r#"{known},"exportedAt":1,"task":{{"id":"t","status":"paused","createdAt":1}}"#
                )),
                "Archive task.updatedAt must be a finite number",
            ),
            (body("", "7"), "Archive events must be an array"),
        ] {
            assert_eq!(refused(&body), said, "{body}");
        }
    }

    #[test]
    fn an_event_that_does_not_fit_is_named() {
        let event = |from: &str, to: &str| EVENT.replace(from, to);
        for (event, said) in [
            (
                event(r#""id":"e","#, ""),
                "Archive event.id must be a string",
            ),
            (
                event(r#""id":"e""#, r#""id":"a\nb""#),
                "Archive event.id must have at most 256 bytes, no control characters, no spaces around it and no `~` at its end",
            ),
            (
                event(r#""t""#, "1"),
                "Archive event.taskId must be a string for event e",
            ),
            (
                event(r#""t""#, r#""u""#),
                "Archive event taskId mismatch for event e",
            ),
            (
                event(":0", ":-1"),
                "Archive event.index must be a non-negative integer for event e",
            ),
            (
                event(":0", ":1"),
                "Archive events must have contiguous indexes from 0; expected 0, got 1",
            ),
            (
                event(":5", ":null"),
                "Archive event.timestamp must be a finite number for event e",
            ),
            (
                event(r#""x""#, "1"),
                "Archive event.type must be a string for event e",
            ),
            (
                event("info", "loud"),
                "Archive event.level is invalid for event e",
            ),
            (
                event(r#","data":1"#, ""),
                "Archive event.data is required for event e",
            ),
            (
                event("1", r#"1,"seriesMode":"sum""#),
                "Archive event.seriesMode is invalid for event e",
            ),
            (
                event("1", r#"1,"seriesId":1"#),
                "Archive event.seriesId must be a string of 1 to 256 bytes without control characters for event e",
            ),
            (
                event("1", r#"1,"seriesAccField":1"#),
                "Archive event.seriesAccField must be a string of 1 to 256 bytes for event e",
            ),
            (
                event("1", r#"1,"seriesSnapshot":true"#),
                "Archive events cannot include presentation fields; seriesSnapshot is a collapsed presentation field on event e",
            ),
            (
                event("1", r#"1,"_accumulatedData":1"#),
                "Archive events cannot include transient broadcast fields; _accumulatedData is transient on event e",
            ),
        ] {
            assert_eq!(refused(&body("", &format!("[{{{event}}}]"))), said);
        }
        assert_eq!(refused(&body("", "[1]")), "Archive event must be an object");
        let twice = format!("[{{{EVENT}}},{{{EVENT}}}]");
        assert_eq!(
            refused(&body("", &twice)),
            "Archive contains duplicate event id: e"
        );
        let twice = format!("[{{{EVENT}}},{{{}}}]", event(r#""e""#, r#""f""#));
        assert_eq!(
            refused(&body("", &twice)),
            "Archive contains duplicate event index: 0"
        );
    }

    #[test]
    fn times_never_decrease_and_are_never_in_the_future() {
        let event = |id: &str, index: u64, at: &str| {
            format!(
                r#"{{"id":"{id}","taskId":"t","index":{index},"timestamp":{at},"type":"x","level":"info","data":null}}"#
            )
        };
        let events = format!(
            "[{},{},{}]",
            event("c", 2, "1e18"),
            event("a", 0, "7.5"),
            event("b", 1, "-3")
        );
        let times = parse(&body("", &events)).unwrap().events;
        let times: Vec<_> = times
            .into_iter()
            .map(|event| event.imported.unwrap())
            .collect();
        let told: Vec<_> = times.iter().map(|i| (&*i.id, i.at.0)).collect();
        assert_eq!(told, [("a", 7), ("b", 7), ("c", 10_000)]);
    }

    #[test]
    fn a_running_ttl_starts_anew_and_missing_features_are_refused_when_used() {
        let import = parse(&body(
            r#","ttl":5,"webhooks":[ ],"cleanup":{"rules": []}"#,
            "[]",
        ))
        .unwrap();
        assert_eq!(import.record.timeout_at, Some(Millis(15_000)));
        let invalid = parse(&body(r#","webhooks":[{}]"#, "[]")).unwrap_err();
        assert_eq!(invalid.code(), ErrorCode::NotSupportedYet);
        let issue = refused(&body(r#","params":[]"#, "[]"));
        assert_eq!(
            issue,
            "Invalid request: archive.task.params must be an object"
        );
    }

    proptest! {
        #[test]
        fn what_is_exported_can_be_imported(events in proptest::collection::vec(testing::events(), 0..5)) {
            let mut record = parse(&body("", "[]")).unwrap().record;
            record.status = Status::Completed;
            let mut out = b"{\"archive\":".to_vec();
            let mut writer = ArchiveWriter::begin(&mut out, NOW, &Task::from(record.clone())).unwrap();
            for (index, event) in events.iter().enumerate() {
                let mut event = event.clone();
                event.foreign_id = Some(format!("id {index}").into());
                event.series.field = None;
                writer.event(&mut out, &EventView::new(&record.id, Epoch(1), &event));
            }
            prop_assert_eq!(writer.end(&mut out), events.len() as u64);
            out.extend_from_slice(b",\"overwrite\":true}");
            let import = ImportRequest::parse(&out, &Limits::default(), NOW).unwrap();
            prop_assert!(import.overwrite);
            prop_assert_eq!(import.record, record);
            let null = RawJson::parse(b"null", 1).unwrap();
            for (was, is) in events.iter().zip(&import.events) {
                prop_assert_eq!(&was.event_type, &is.event_type);
                prop_assert_eq!(was.data.as_ref().unwrap_or(&null), is.data.as_ref().unwrap());
                prop_assert_eq!(&was.series.id, &is.series.id);
            }
        }
    }
}
