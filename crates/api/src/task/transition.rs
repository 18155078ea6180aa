//! `PATCH /tasks/:taskId/status`: the body that asks for a change of status.

use super::create::TEN_YEARS_SECONDS;
use super::{BlockedRequest, TaskError};
use crate::read::{Field, Path, Reader};
use crate::{Invalid, schema};
use serde::Serialize;
use serde_json::value::RawValue;
use taskcast_core::{Limits, RawJson, Status, Transition};
use utoipa::ToSchema;

/// The body of `PATCH /tasks/:taskId/status`, and the `transition` of a publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionTask {
    /// Where the task shall stand.
    #[schema(value_type = schema::TaskStatus)]
    pub status: Status,
    /// What came out; kept by later transitions that say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub result: Option<RawJson>,
    /// What went wrong; kept like `result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TaskError, required = false)]
    pub error: Option<TaskError>,
    /// Why the task is paused or blocked; ignored for other targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub reason: Option<String>,
    /// A new `ttl` in seconds, which starts to run now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 1, maximum = 315_360_000)]
    pub ttl: Option<u64>,
    /// Milliseconds until a blocked task goes on by itself; ignored for other targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 1, maximum = 315_360_000_000_u64)]
    pub resume_after_ms: Option<u64>,
    /// What the blocked task asks for; ignored for other targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BlockedRequest, required = false)]
    pub blocked_request: Option<BlockedRequest>,
}

impl TransitionTask {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Invalid`] with everything that is wrong.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Transition, Invalid> {
        let mut reader = Reader::new(limits);
        let values = reader.body(body, &NAMES)?;
        let transition = values.and_then(|values| read(&mut reader, Path::Root, values));
        reader.finish(transition)
    }
}

pub(crate) const NAMES: [&str; 7] = [
    "status",
    "result",
    "error",
    "reason",
    "ttl",
    "resumeAfterMs",
    "blockedRequest",
];

/// Reads the fields of a transition at `path`.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    path: Path<'_>,
    values: [Option<&RawValue>; 7],
) -> Option<Transition> {
    let field = |slot: usize| Field {
        path: path.key(NAMES[slot]),
        raw: values[slot],
    };
    let status = reader
        .require(field(0))
        .and_then(|()| reader.word(field(0)));
    let rest = Transition {
        to: Status::Pending,
        result: reader.json_object(field(1)),
        error: error(reader, field(2)),
        reason: reader.string(field(3)).map(Into::into),
        ttl: reader.integer(field(4), 1, TEN_YEARS_SECONDS),
        resume_after_ms: reader.integer(field(5), 1, TEN_YEARS_SECONDS * 1000),
        blocked_request: blocked_request(reader, field(6)),
    };
    Some(Transition {
        to: status?,
        ..rest
    })
}

pub(crate) fn error(
    reader: &mut Reader<'_>,
    field: Field<'_, '_>,
) -> Option<taskcast_core::TaskError> {
    let [code, message, details] = reader.fields(field, &["code", "message", "details"])?;
    let at = |name, raw| Field {
        path: field.path.key(name),
        raw,
    };
    let message_text = reader.required_string(at("message", message));
    Some(taskcast_core::TaskError {
        code: reader.string(at("code", code)).map(Into::into),
        details: reader.json_object(at("details", details)),
        message: message_text?.into(),
    })
}

pub(crate) fn blocked_request(
    reader: &mut Reader<'_>,
    field: Field<'_, '_>,
) -> Option<taskcast_core::BlockedRequest> {
    let [kind, data] = reader.fields(field, &["type", "data"])?;
    let at = |name, raw| Field {
        path: field.path.key(name),
        raw,
    };
    let kind = reader.required_string(at("type", kind));
    let data = reader.json(at("data", data));
    Some(taskcast_core::BlockedRequest {
        kind: kind?.into(),
        data,
    })
}

impl From<Transition> for TransitionTask {
    fn from(asked: Transition) -> Self {
        Self {
            status: asked.to,
            result: asked.result,
            error: asked.error.map(Into::into),
            reason: asked.reason,
            ttl: asked.ttl,
            resume_after_ms: asked.resume_after_ms,
            blocked_request: asked.blocked_request.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let body = concat!(
            r#"{"status":"blocked","result":{"a":1},"error":{"code":"c","message":"m","details":{}},"#,
            r#""reason":"r\n","ttl":5,"resumeAfterMs":5000,"blockedRequest":{"type":"q","data":null}}"#
        );
        let parsed = TransitionTask::parse(body.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(
            serde_json::to_string(&TransitionTask::from(parsed)).unwrap(),
            body
        );
    }

    #[test]
    fn every_issue_is_told_with_its_place() {
        let body = r#"{"status":"done","result":[1],"error":{"code":1},"resumeAfterMs":0,"blockedRequest":7}"#;
        let invalid = TransitionTask::parse(body.as_bytes(), &Limits::default()).unwrap_err();
        let Invalid::Issues(issues) = invalid else {
            panic!("{invalid}")
        };
        let said: Vec<_> = issues.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "status is invalid: `done` is not a status",
                "result must be an object",
                "error.message is required",
                "error.code must be a string",
                "resumeAfterMs must be an integer from 1 to 315360000000",
                "blockedRequest must be an object",
            ]
        );
        let empty = TransitionTask::parse(b"{}", &Limits::default()).unwrap_err();
        assert_eq!(empty.to_string(), "Invalid request: status is required");
    }
}
