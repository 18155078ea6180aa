//! `POST /tasks/:taskId/resolve`: the answer to what a blocked task asks.

use crate::read::{Field, Path, Reader, text_of};
use crate::{Invalid, schema};
use serde::Serialize;
use taskcast_core::{Limits, RawJson, Status, Transition};
use utoipa::ToSchema;

/// The body of `POST /tasks/:taskId/resolve`; may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResolveTask {
    /// The answer: any JSON value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::AnyValue, required = false)]
    pub data: Option<RawJson>,
}

impl ResolveTask {
    /// Reads a body; an empty one is an answer without data.
    ///
    /// # Errors
    /// [`Invalid`] when the body is no JSON object, or too deep.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Invalid> {
        if text_of(body)?.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(limits);
        let root = Path::Root;
        let answer = reader.body(body, &["data"])?.map(|[raw]| Self {
            data: reader.json(Field {
                path: root.key("data"),
                raw,
            }),
        });
        reader.finish(answer)
    }

    /// The transition that answers: to `running`, with a result made of the data. Objects and
    /// arrays are the result as they are; other values stand in its field `resolution`.
    #[must_use]
    pub fn into_transition(self) -> Transition {
        let result = match self.data {
            None => RawJson::from_trusted(bytes::Bytes::from_static(b"{}")),
            Some(data) if matches!(data.kind(), b'{' | b'[') => data,
            Some(data) => {
                let parts = [br#"{"resolution":"#, data.as_bytes(), b"}"];
                RawJson::from_trusted(parts.concat().into())
            }
        };
        Transition {
            result: Some(result),
            ..Transition::to(Status::Running)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_the_result_and_other_answers_stand_in_it() {
        for (body, result) in [
            ("", "{}"),
            ("{}", "{}"),
            (r#"{"data":"yes"}"#, r#"{"resolution":"yes"}"#),
            (r#"{"data":null}"#, r#"{"resolution":null}"#),
            (r#"{"data":{"a":1}}"#, r#"{"a":1}"#),
            (r#"{"data":[1]}"#, "[1]"),
        ] {
            let answer = ResolveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
            let transition = answer.into_transition();
            assert_eq!(transition.to, Status::Running);
            assert_eq!(transition.result.unwrap().as_str(), result, "{body}");
        }
        assert!(ResolveTask::parse(b"[]", &Limits::default()).is_err());
    }
}
