//! How tasks and events look, and how JSON is read from arguments.

use crate::Failure;
use crate::output::{Output, Style, printable, time_of_day, timestamp};
use taskcast_api::{Envelope, Task, TaskEvent};
use taskcast_core::{Level, RawJson, Status};

/// JSON nests no deeper than servers take.
const MOST_DEPTH: usize = 100;

/// A JSON value that was given as text.
pub(super) fn json_value(what: &str, text: Option<&str>) -> Result<Option<RawJson>, Failure> {
    text.map(|text| RawJson::parse(text.trim().as_bytes(), MOST_DEPTH))
        .transpose()
        .map_err(|error| Failure::Usage(format!("{what}: expected JSON: {error}")))
}

/// A JSON object that was given as text.
pub(super) fn json_object(what: &str, text: Option<&str>) -> Result<Option<RawJson>, Failure> {
    match json_value(what, text)? {
        Some(value) if !value.is_object() => {
            Err(Failure::Usage(format!("{what}: expected a JSON object")))
        }
        value => Ok(value),
    }
}

/// A task on one line: id, status, time of creation, type.
pub(super) fn task_line(out: &Output, task: &Task) -> String {
    let status = status(out, task.status);
    let kind = task.task_type.as_ref().map_or("", |kind| kind.as_str());
    format!(
        "{:<26}  {status}  {}  {}",
        printable(task.id.as_str()),
        timestamp(task.created_at.0),
        printable(kind),
    )
}

/// A task with all that is known of it, a line each.
pub(super) fn task_lines(out: &Output, task: &Task) -> Vec<String> {
    let json = |value: &Option<RawJson>| value.as_ref().map(|value| printable(value.as_str()));
    let tags: Vec<&str> = task.tags.iter().map(|tag| tag.as_str()).collect();
    let error = task.error.as_ref().map(|error| match &error.code {
        Some(code) => printable(&format!("{} ({code})", error.message)),
        None => printable(&error.message),
    });
    let fields = [
        ("id", Some(printable(task.id.as_str()))),
        (
            "type",
            task.task_type.as_ref().map(|kind| printable(kind.as_str())),
        ),
        (
            "status",
            Some(status(out, task.status).trim_end().to_owned()),
        ),
        ("reason", task.reason.as_deref().map(printable)),
        ("created", Some(timestamp(task.created_at.0))),
        ("updated", Some(timestamp(task.updated_at.0))),
        ("completed", task.completed_at.map(|at| timestamp(at.0))),
        ("ttl", task.ttl.map(|ttl| format!("{ttl} s"))),
        (
            "tags",
            Some(printable(&tags.join(", "))).filter(|tags| !tags.is_empty()),
        ),
        ("params", json(&task.params)),
        ("result", json(&task.result)),
        ("error", error),
        ("metadata", json(&task.metadata)),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name:<10} {}", value?)))
        .collect()
}

fn status(out: &Output, status: Status) -> String {
    let style = match status {
        Status::Completed => Style::Good,
        Status::Failed | Status::Timeout => Style::Bad,
        Status::Cancelled | Status::Paused | Status::Blocked => Style::Warning,
        _ => Style::Plain,
    };
    out.styled(style, format_args!("{:<9}", status.as_str()))
}

/// An event on one line: `[HH:MM:SS] type level data`, in UTC.
pub(super) fn event_line(out: &Output, event: &TaskEvent, with_task: bool) -> String {
    let time = out.styled(
        Style::Dim,
        format_args!("[{}]", time_of_day(event.timestamp.0)),
    );
    let task = match with_task {
        true => format!("{} ", shortened(event.task_id.as_str())),
        false => String::new(),
    };
    let kind = out.styled(
        Style::Name,
        format_args!("{:<16}", printable(event.event_type.as_str())),
    );
    let level = out.styled(
        style_of(event.level),
        format_args!("{:<5}", event.level.as_str()),
    );
    let data = event.data.as_ref().map_or("null", RawJson::as_str);
    format!("{time} {task}{kind} {level} {}", printable(data))
}

/// An event of a stream on one line.
pub(super) fn envelope_line(out: &Output, envelope: Envelope, with_task: bool) -> String {
    event_line(out, &TaskEvent::from(envelope), with_task)
}

fn style_of(level: Level) -> Style {
    match level {
        Level::Debug => Style::Dim,
        Level::Info => Style::Plain,
        Level::Warn => Style::Warning,
        Level::Error => Style::Bad,
    }
}

/// The first characters of an id; enough to tell tasks apart at a glance.
fn shortened(id: &str) -> String {
    const SHOWN: usize = 7;
    let start: String = id.chars().take(SHOWN).collect();
    printable(&format!("{start}.."))
}
