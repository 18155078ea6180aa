//! `POST /tasks`: the body that creates a task.

use crate::read::{Field, Path, Reader, items};
use crate::{ErrorCode, Invalid, schema};
use serde::Serialize;
use taskcast_core::{AuthConfig, EventType, Limits, NewTask, RawJson, Tag, TaskId};
use utoipa::ToSchema;

/// The longest `ttl` and the longest `resumeAfterMs`: ten years, in seconds.
pub(crate) const TEN_YEARS_SECONDS: u64 = 10 * 365 * 24 * 60 * 60;

/// Fields whose feature is not built yet: refused, never stored and ignored.
pub(crate) const LATER: [&str; 5] = [
    "webhooks",
    "cleanup",
    "assignMode",
    "cost",
    "disconnectPolicy",
];

/// The body of `POST /tasks`. Every field is optional; `null` is refused for all of them, and
/// unknown keys are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateTask {
    /// The id; a ULID is made up where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::NewTaskId, required = false)]
    pub id: Option<TaskId>,
    /// The type, for filters; dots separate words.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Name, required = false)]
    pub task_type: Option<EventType>,
    /// Input of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub params: Option<RawJson>,
    /// Notes of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub metadata: Option<RawJson>,
    /// Seconds until the task times out; stands still while the task is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 1, maximum = 315_360_000)]
    pub ttl: Option<u64>,
    /// Rules on who may do what with the task, on top of the caller's token:
    /// `{"rules":[{"match":{"scope":[…]},"require":{"sub":[…],"claims":{…}}}]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::AuthConfig, required = false)]
    pub auth_config: Option<AuthConfig>,
    /// Words to find the task by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>, required = false, max_items = 64)]
    pub tags: Vec<Tag>,
}

impl CreateTask {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Invalid`] with everything that is wrong, or with the first limit that is passed or
    /// feature that is missing.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<(Option<TaskId>, NewTask), Invalid> {
        let mut reader = Reader::new(limits);
        let root = Path::Root;
        let Some(values) = reader.body(body, &NAMES)? else {
            return reader.finish(None);
        };
        let field = |slot: usize| Field {
            path: root.key(NAMES[slot]),
            raw: values[slot],
        };
        refuse_later(
            &mut reader,
            LATER.map(|name| (name, value_of(&values, name))),
        );
        let id = reader.word(field(0));
        let new = NewTask {
            task_type: reader.word(field(1)),
            params: reader.json_object(field(2)),
            metadata: reader.json_object(field(3)),
            ttl: reader.integer(field(4), 1, TEN_YEARS_SECONDS),
            auth_config: auth_config(&mut reader, field(5)),
            tags: tags(&mut reader, field(6)),
        };
        reader.finish(Some((id, new)))
    }
}

const NAMES: [&str; 12] = [
    "id",
    "type",
    "params",
    "metadata",
    "ttl",
    "authConfig",
    "tags",
    LATER[0],
    LATER[1],
    LATER[2],
    LATER[3],
    LATER[4],
];

fn value_of<'a>(
    values: &[Option<&'a serde_json::value::RawValue>; 12],
    name: &str,
) -> Option<&'a str> {
    let slot = NAMES.iter().position(|known| *known == name)?;
    values[slot].map(|raw| raw.get())
}

/// Refuses fields that have a value but no feature behind them. `null` asks for nothing.
pub(crate) fn refuse_later<const N: usize>(
    reader: &mut Reader<'_>,
    fields: [(&str, Option<&str>); N],
) {
    for (name, value) in fields {
        if value.is_some_and(|value| value != "null") {
            reader.refuse(ErrorCode::NotSupportedYet, || {
                format!("`{name}` is not supported yet; leave it out")
            });
        }
    }
}

pub(crate) fn auth_config(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<AuthConfig> {
    match reader.json_object(field)?.read() {
        Ok(config) => Some(config),
        Err(error) => reader.wrong(field, format!("is no list of rules: {error}")),
    }
}

pub(crate) fn tags(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Vec<Tag> {
    let mut tags = Vec::new();
    let Some(raw) = field.raw else {
        return tags;
    };
    let limit = reader.limits.tags_per_task;
    let count = items(raw.get(), limit, |index, raw| {
        let item = Field {
            path: Path::Item(&field.path, index),
            raw: Some(raw),
        };
        tags.extend(reader.word::<Tag>(item));
    });
    match count {
        Ok(count) if count > limit => reader.refuse(ErrorCode::TooManyTags, || {
            format!("a task has at most {limit} tags; this one has {count}")
        }),
        Ok(_) => {}
        Err(_) => reader.issue(field.path, "must be an array of strings"),
    }
    tags
}

impl From<(Option<TaskId>, NewTask)> for CreateTask {
    fn from((id, new): (Option<TaskId>, NewTask)) -> Self {
        Self {
            id,
            task_type: new.task_type,
            params: new.params,
            metadata: new.metadata,
            ttl: new.ttl,
            auth_config: new.auth_config,
            tags: new.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        let invalid = CreateTask::parse(body.as_bytes(), &Limits::default()).unwrap_err();
        match &invalid {
            Invalid::Issues(issues) => {
                let lines: Vec<_> = issues.iter().map(ToString::to_string).collect();
                lines.join("; ")
            }
            _ => format!("{}: {invalid}", invalid.code()),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let body = concat!(
            r#"{"id":"a","type":"llm.chat","params":{ "x" : 1.0 },"metadata":{},"ttl":60,"#,
            r#""authConfig":{"rules":[]},"tags":["x","y"]}"#
        );
        let parsed = CreateTask::parse(body.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(
            serde_json::to_string(&CreateTask::from(parsed)).unwrap(),
            body
        );
    }

    #[test]
    fn nothing_is_needed_and_unknown_keys_are_ignored() {
        for body in ["{}", " {\r\n} ", r#"{"what":{"is":["this"]}}"#] {
            let parsed = CreateTask::parse(body.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(parsed, (None, NewTask::default()));
        }
    }

    #[test]
    fn every_issue_is_told_at_once() {
        assert_eq!(
            refused(
                r#"{"id":"..","type":7,"params":[],"metadata":null,"ttl":0,"tags":["a",1,""]}"#
            ),
            "id is invalid: `.` and `..` cannot be a task id, because paths fold them away; \
             type must be a string; params must be an object; metadata must be an object; \
             ttl must be an integer from 1 to 315360000; tags[1] must be a string; \
             tags[2] is invalid: a tag must not be empty"
        );
    }

    #[test]
    fn wrong_bodies_are_told_apart() {
        let malformed = "malformed_json: Malformed JSON in request body: ";
        for (body, said) in [
            ("", format!("{malformed}EOF while parsing a value at line 1 column 0")),
            ("x", format!("{malformed}expected value at line 1 column 1")),
            ("{} x", format!("{malformed}trailing characters at line 1 column 4")),
            ("[]", "the body must be a JSON object".into()),
            (r#"{"tags":"a"}"#, "tags must be an array of strings".into()),
            (r#"{"id":"\ud800"}"#, "id must be a string of Unicode characters".into()),
            (r#"{"id":"a\u0000"}"#, "id is invalid: a task id must not contain control characters".into()),
            (r#"{"authConfig":{"rules":1}}"#, "authConfig is no list of rules: invalid type: integer `1`, expected a sequence at line 1 column 10".into()),
        ] {
            assert_eq!(refused(body), said, "{body}");
        }
    }

    #[test]
    fn huge_and_odd_numbers_are_issues() {
        for ttl in [
            "1e400",
            "-1",
            "1.5",
            "99999999999999999999",
            "true",
            "\"5\"",
            "null",
            "1e18",
        ] {
            let said = refused(&format!("{{\"ttl\":{ttl}}}"));
            assert_eq!(said, "ttl must be an integer from 1 to 315360000", "{ttl}");
        }
        for ttl in ["60", "60.0", "6e1"] {
            let body = format!("{{\"ttl\":{ttl}}}");
            let (_, new) = CreateTask::parse(body.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(new.ttl, Some(60));
        }
    }

    #[test]
    fn limits_have_codes_of_their_own() {
        let deep = format!(
            "{{\"params\":{{\"a\":{}{}}}}}",
            "[".repeat(64),
            "]".repeat(64)
        );
        assert_eq!(
            refused(&deep),
            "json_too_deep: params is nested deeper than 64 levels"
        );
        let deep = format!("{}{}", "{\"params\":".repeat(100_000), "}".repeat(100_000));
        assert!(refused(&deep).starts_with("malformed_json"));
        let tags = format!("{{\"tags\":[{}\"a\"]}}", "\"a\",".repeat(64));
        assert_eq!(
            refused(&tags),
            "too_many_tags: a task has at most 64 tags; this one has 65"
        );
    }

    #[test]
    fn fields_without_a_feature_are_refused_unless_null() {
        for name in LATER {
            let said = refused(&format!("{{\"{name}\":[]}}"));
            assert_eq!(
                said,
                format!("not_supported_yet: `{name}` is not supported yet; leave it out")
            );
            let body = format!("{{\"{name}\":null}}");
            assert!(CreateTask::parse(body.as_bytes(), &Limits::default()).is_ok());
        }
    }
}
