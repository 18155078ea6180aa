//! `POST /tasks/:taskId/resolve`: the answer to what a blocked task asks.

use crate::read::{Field, Path, Reader, text_of};
use crate::{Invalid, schema};
use serde::Serialize;
use taskcast_core::{Limits, RawJson};
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_any_value_or_none() {
        for (body, data) in [
            ("", None),
            ("{}", None),
            (r#"{"data":"yes"}"#, Some(r#""yes""#)),
            (r#"{"data":null}"#, Some("null")),
            (r#"{"data":{"a":1}}"#, Some(r#"{"a":1}"#)),
            (r#"{"data":[1]}"#, Some("[1]")),
        ] {
            let answer = ResolveTask::parse(body.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(answer.data.as_ref().map(RawJson::as_str), data, "{body}");
        }
        assert!(ResolveTask::parse(b"[]", &Limits::default()).is_err());
    }
}
