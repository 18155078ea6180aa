//! `POST /tasks/:taskId/events`: one event, a batch, or the last events with the end of the task.

use crate::read::{Field, Path, Reader, items, malformed, text_of};
use crate::task::transition;
use crate::{ErrorCode, Invalid, TransitionTask, schema};
use serde::Serialize;
use serde_json::value::RawValue;
use taskcast_core::{
    EventType, Level, Limits, NewEvent, RawJson, SeriesId, SeriesMode, SeriesTag, Transition,
};
use utoipa::ToSchema;

/// The longest name of a joined field, in UTF-8 bytes.
const MAX_FIELD_BYTES: usize = 256;

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventBody {
    /// What happened; dots separate words. Types that begin with `taskcast:` are reserved.
    #[serde(rename = "type")]
    #[schema(value_type = schema::PublishedType)]
    pub event_type: EventType,
    /// How much it matters; `info` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::EventLevel, required = false)]
    pub level: Option<Level>,
    /// The payload; absent and `null` are different.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::AnyValue, required = false)]
    pub data: Option<RawJson>,
    /// The series it belongs to; takes part in it when `seriesMode` is given too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Name, required = false)]
    pub series_id: Option<SeriesId>,
    /// How the series folds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::EventSeriesMode, required = false)]
    pub series_mode: Option<SeriesMode>,
    /// The string field of `data` that an `accumulate` series joins; `delta` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 256)]
    pub series_acc_field: Option<String>,
}

impl From<NewEvent> for EventBody {
    fn from(event: NewEvent) -> Self {
        Self {
            event_type: event.event_type,
            level: (event.level != Level::Info).then_some(event.level),
            data: event.data,
            series_id: event.series.id,
            series_mode: event.series.mode,
            series_acc_field: event.series.field.map(Into::into),
        }
    }
}

/// Events and a change of status that are committed as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventsWithTransition {
    /// The events, in order.
    pub events: Vec<EventBody>,
    /// The change of status that follows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TransitionTask, required = false)]
    pub transition: Option<TransitionTask>,
}

/// The body of `POST /tasks/:taskId/events`, as clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PublishRequest {
    /// One event.
    Single(EventBody),
    /// Events that are appended together or not at all, in order.
    Batch(Vec<EventBody>),
    /// Events and a change of status that are committed as one.
    WithTransition(EventsWithTransition),
}

/// The body of `POST /tasks/:taskId/events`, as servers read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishBody {
    /// One event; the answer is one event.
    Single(NewEvent),
    /// A batch; the answer is an array.
    Batch(Vec<NewEvent>),
    /// Events, and the change of status that is committed with them.
    WithTransition {
        /// The events, in order.
        events: Vec<NewEvent>,
        /// The change of status that follows them.
        transition: Option<Transition>,
    },
}

impl PublishBody {
    /// Reads a body in one pass; payloads are kept as they were sent.
    ///
    /// # Errors
    /// [`Invalid`] with everything that is wrong, or with the first limit that is passed.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Invalid> {
        let mut reader = Reader::new(limits);
        let text = text_of(body)?;
        if text.starts_with('[') {
            let events = batch(&mut reader, Path::Root, text).map_err(malformed)?;
            return reader.finish(Some(Self::Batch(events)));
        }
        let Some(values) = reader.body(body, &ALL_NAMES)? else {
            return reader.finish(None);
        };
        let [fields @ .., events, transition] = values;
        match events.filter(|list| fields[0].is_none() && list.get().starts_with('[')) {
            Some(list) => {
                let body = with_transition(&mut reader, list, transition);
                reader.finish(body)
            }
            None => {
                let event = read_event(&mut reader, Path::Root, fields);
                reader.finish(event.map(Self::Single))
            }
        }
    }
}

/// The fields of an event, in the order in which [`read_event`] takes them.
pub(crate) const NAMES: [&str; 6] = [
    "type",
    "level",
    "data",
    "seriesId",
    "seriesMode",
    "seriesAccField",
];

const ALL_NAMES: [&str; 8] = [
    NAMES[0],
    NAMES[1],
    NAMES[2],
    NAMES[3],
    NAMES[4],
    NAMES[5],
    "events",
    "transition",
];

fn with_transition(
    reader: &mut Reader<'_>,
    list: &RawValue,
    transition: Option<&RawValue>,
) -> Option<PublishBody> {
    let root = Path::Root;
    let events = match batch(reader, root.key("events"), list.get()) {
        Ok(events) => events,
        Err(error) => {
            reader.issue(root.key("events"), format!("is malformed: {error}"));
            Vec::new()
        }
    };
    let at = root.key("transition");
    let asked = Field {
        path: at,
        raw: transition,
    };
    let transition = reader
        .fields(asked, &transition::NAMES)
        .and_then(|values| transition::read(reader, at, values));
    Some(PublishBody::WithTransition { events, transition })
}

fn batch(
    reader: &mut Reader<'_>,
    path: Path<'_>,
    text: &str,
) -> Result<Vec<NewEvent>, serde_json::Error> {
    let limit = reader.limits.events_per_batch;
    let mut events = Vec::new();
    let count = items(text, limit, |index, raw| {
        let item = Field {
            path: Path::Item(&path, index),
            raw: Some(raw),
        };
        let event = reader
            .fields(item, &NAMES)
            .and_then(|values| read_event(reader, item.path, values));
        events.extend(event);
    })?;
    if count > limit {
        reader.refuse(ErrorCode::BatchTooLarge, || {
            format!("a batch has at most {limit} events; this one has {count}")
        });
    }
    Ok(events)
}

/// Reads the fields [`NAMES`] of an event at `path`.
pub(crate) fn read_event(
    reader: &mut Reader<'_>,
    path: Path<'_>,
    values: [Option<&RawValue>; 6],
) -> Option<NewEvent> {
    let field = |slot: usize| Field {
        path: path.key(NAMES[slot]),
        raw: values[slot],
    };
    let event_type = published_type(reader, field(0));
    let level = reader.word(field(1));
    let data = data(reader, field(2));
    let series = SeriesTag {
        id: reader.word(field(3)),
        mode: series_mode(reader, field(4)),
        field: joined_field(reader, field(5)),
    };
    let mut event = NewEvent::new(event_type?, data).in_series(series);
    event.level = level.unwrap_or_default();
    Some(event)
}

fn published_type(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<EventType> {
    reader.require(field)?;
    let event_type: EventType = reader.word(field)?;
    if event_type.is_reserved() {
        return reader.wrong(
            field,
            "must not begin with `taskcast:`; only Taskcast itself publishes such types",
        );
    }
    Some(event_type)
}

fn data(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<RawJson> {
    let limit = reader.limits.event_data_bytes;
    let bytes = field.raw?.get().len();
    if bytes > limit {
        let path = field.path;
        reader.refuse(ErrorCode::EventDataTooLarge, || {
            format!("{path} has at most {limit} bytes; this one has {bytes}")
        });
        return None;
    }
    reader.json(field)
}

pub(crate) fn series_mode(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<SeriesMode> {
    let word = reader.string(field)?;
    let modes = [
        SeriesMode::KeepAll,
        SeriesMode::Accumulate,
        SeriesMode::Latest,
    ];
    match modes.into_iter().find(|mode| mode.as_str() == word) {
        Some(mode) => Some(mode),
        None => reader.wrong(field, "must be keep-all, accumulate or latest"),
    }
}

pub(crate) fn joined_field(reader: &mut Reader<'_>, field: Field<'_, '_>) -> Option<Box<str>> {
    let name = reader.string(field)?;
    if name.is_empty() || name.len() > MAX_FIELD_BYTES {
        return reader.wrong(field, format!("must have 1 to {MAX_FIELD_BYTES} bytes"));
    }
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskcast_core::Status;

    fn parse(body: &str) -> Result<PublishBody, Invalid> {
        PublishBody::parse(body.as_bytes(), &Limits::default())
    }

    fn refused(body: &str) -> String {
        match parse(body).unwrap_err() {
            Invalid::Issues(issues) => {
                let lines: Vec<_> = issues.iter().map(ToString::to_string).collect();
                lines.join("; ")
            }
            invalid => format!("{}: {invalid}", invalid.code()),
        }
    }

    #[test]
    fn a_single_event_keeps_its_data_and_knows_where_its_text_is() {
        let body = r#" {"type":"llm.delta","data":{ "delta":"\ud83d" },"seriesId":"s","seriesMode":"accumulate"} "#;
        let PublishBody::Single(event) = parse(body).unwrap() else {
            panic!("not single")
        };
        let data = event.data.clone().unwrap();
        assert_eq!(data.as_str(), r#"{ "delta":"\ud83d" }"#);
        assert_eq!(event.text.unwrap().of(&data), br"\ud83d");
        assert_eq!(event.level, Level::Info);
    }

    #[test]
    fn absent_and_null_data_are_different() {
        for (body, data) in [
            (r#"{"type":"x"}"#, None),
            (r#"{"type":"x","data":null}"#, Some("null")),
            (r#"{"type":"x","data":1,"data":2}"#, Some("2")),
            ("{\"type\":\"x\",\"data\":[1,\r\n2]}", Some("[1,  2]")),
        ] {
            let PublishBody::Single(event) = parse(body).unwrap() else {
                panic!("not single")
            };
            assert_eq!(event.data.as_ref().map(RawJson::as_str), data, "{body}");
        }
    }

    #[test]
    fn series_fields_are_kept_also_when_only_one_is_given() {
        let body = r#"{"type":"x","seriesAccField":"text"}"#;
        let PublishBody::Single(event) = parse(body).unwrap() else {
            panic!("not single")
        };
        assert_eq!(
            serde_json::to_string(&EventBody::from(event)).unwrap(),
            body
        );
    }

    #[test]
    fn a_batch_may_carry_the_end_of_the_task() {
        let body = r#"{"events":[{"type":"x"}],"transition":{"status":"completed"}}"#;
        let PublishBody::WithTransition { events, transition } = parse(body).unwrap() else {
            panic!("no transition")
        };
        assert_eq!(events.len(), 1);
        assert_eq!(transition, Some(Transition::to(Status::Completed)));
        assert_eq!(parse("[]").unwrap(), PublishBody::Batch(Vec::new()));
        let none = PublishBody::WithTransition {
            events: Vec::new(),
            transition: None,
        };
        assert_eq!(parse(r#"{"events":[]}"#).unwrap(), none);
    }

    #[test]
    fn an_event_with_a_type_is_an_event_whatever_else_it_has() {
        let body = r#"{"type":"x","events":[1]}"#;
        assert!(matches!(parse(body).unwrap(), PublishBody::Single(_)));
    }

    #[test]
    fn issues_name_the_event_they_are_in() {
        assert_eq!(
            refused(
                r#"[{"type":"x"},{"level":"loud"},7,{"type":"taskcast:status"},{"type":"a\nb"}]"#
            ),
            "[1].type is required; \
             [1].level is invalid: `loud` is not a level; expected debug, info, warn or error; \
             [2] must be an object; \
             [3].type must not begin with `taskcast:`; only Taskcast itself publishes such types; \
             [4].type is invalid: a type must not contain control characters"
                .replace("a\nb", r"a\nb")
        );
        assert_eq!(
            refused(r#"{"events":[{}],"transition":{"status":1}}"#),
            "events[0].type is required; transition.status must be a string"
        );
        assert_eq!(refused("1"), "the body must be a JSON object");
        assert_eq!(
            refused(r#"{"type":"x","seriesId":"","seriesMode":"sum","seriesAccField":""}"#),
            "seriesId is invalid: a series id must not be empty; \
             seriesMode must be keep-all, accumulate or latest; \
             seriesAccField must have 1 to 256 bytes"
        );
    }

    #[test]
    fn limits_hold_at_their_edge_and_have_codes_of_their_own() {
        let limits = Limits {
            events_per_batch: 2,
            event_data_bytes: 4,
            json_depth: 2,
            ..Limits::default()
        };
        let parse = |body: &str| {
            PublishBody::parse(body.as_bytes(), &limits)
                .map(|_| ())
                .map_err(|invalid| format!("{}: {invalid}", invalid.code()))
        };
        assert_eq!(parse(r#"[{"type":"x"},{"type":"x"}]"#), Ok(()));
        assert_eq!(
            parse(r#"[{"type":"x"},{"type":"x"},1]"#),
            Err("batch_too_large: a batch has at most 2 events; this one has 3".into())
        );
        assert_eq!(parse(r#"{"type":"x","data":1234}"#), Ok(()));
        assert_eq!(
            parse(r#"[{"type":"x","data":12345}]"#),
            Err("event_data_too_large: [0].data has at most 4 bytes; this one has 5".into())
        );
        assert_eq!(parse(r#"{"type":"x","data":[[]]}"#), Ok(()));
        let shallow = Limits {
            json_depth: 1,
            ..limits.clone()
        };
        let deep = PublishBody::parse(br#"{"type":"x","data":[[]]}"#, &shallow).unwrap_err();
        assert_eq!(deep.code(), ErrorCode::JsonTooDeep);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = PublishBody::parse(&body, &Limits::default());
        }

        #[test]
        fn no_json_like_text_makes_it_panic(body in r#"[\[\]{}:,"a-e0-9\\tyspvn ]{0,40}"#) {
            let _ = PublishBody::parse(body.as_bytes(), &Limits::default());
        }
    }
}
