//! `POST /tasks/import`: an archive becomes a task record and events to append.

mod events;
mod values;

use super::{SCHEMA, VERSION};
use crate::Invalid;
use crate::read::{Field, Path, Reader, malformed, object, text_of};
use crate::task::{create, transition};
use events::events_of;
use serde_json::value::RawValue;
use taskcast_core::{Limits, Millis, NewEvent, RawJson, Status, TaskId, TaskRecord};
use values::{ensure, fields, holds_nothing, number, shown, text, time_of};

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
    create::refuse_later(&mut reader, later(&values));
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

/// The fields whose feature is not built yet, where they ask for something.
fn later<'a>(values: &[Option<&'a RawValue>; 18]) -> [(&'static str, Option<&'a str>); 2] {
    [16, 17].map(|slot| {
        let value = values[slot].map(RawValue::get);
        (TASK[slot], value.filter(|json| !holds_nothing(json)))
    })
}

fn task_id(raw: Option<&RawValue>) -> Result<TaskId, Invalid> {
    let id = text(raw)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Invalid::because("Archive task.id must be a string"))?;
    TaskId::new(&id)
        .map_err(|error| Invalid::because(format!("Archive task.id is invalid: {error}")))
}

/// The result of a task: an object, or the array that a resolve was answered with.
fn result(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<RawJson> {
    if field.raw?.get().starts_with('[') {
        return reader.json(field);
    }
    reader.json_object(field)
}

/// The latest time that an event id can carry.
const MAX_MILLIS: u64 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::archive::ArchiveWriter;
    use crate::{EventView, Task, testing};
    use proptest::prelude::*;
    use taskcast_core::Epoch;

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

    /// The event with a part of it replaced.
    fn event(from: &str, to: &str) -> String {
        EVENT.replace(from, to)
    }

    fn each_is_refused(cases: impl IntoIterator<Item = (String, &'static str)>) {
        for (event, said) in cases {
            assert_eq!(refused(&body("", &format!("[{{{event}}}]"))), said);
        }
    }

    #[test]
    fn an_event_without_what_every_event_has_is_named() {
        each_is_refused([
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
        ]);
        assert_eq!(refused(&body("", "[1]")), "Archive event must be an object");
    }

    #[test]
    fn an_event_whose_series_does_not_fit_is_named() {
        each_is_refused([
            (
                event("1", r#"1,"seriesMode":"sum""#),
                "Archive event.seriesMode is invalid for event e",
            ),
            (
                event("1", r#"1,"seriesId":1"#),
                "Archive event.seriesId must be a string for event e",
            ),
            (
                event("1", r#"1,"seriesId":"""#),
                "Archive event.seriesId is invalid for event e",
            ),
            (
                event("1", r#"1,"seriesAccField":1"#),
                "Archive event.seriesAccField must be a string for event e",
            ),
        ]);
    }

    #[test]
    fn an_event_as_a_viewer_was_shown_it_is_named() {
        each_is_refused([
            (
                event("1", r#"1,"seriesSnapshot":true"#),
                "Archive events cannot include presentation fields; seriesSnapshot is a collapsed presentation field on event e",
            ),
            (
                event("1", r#"1,"_accumulatedData":1"#),
                "Archive events cannot include transient broadcast fields; _accumulatedData is transient on event e",
            ),
        ]);
    }

    #[test]
    fn an_event_that_comes_twice_is_named() {
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
