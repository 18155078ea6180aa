//! Series: how deltas fold, at a cost proportional to the delta.
//!
//! An `accumulate` series joins one string field of its events. The joined text is kept in its
//! JSON-escaped form, so a surrogate pair that a producer cut in two heals. A *run* is a stretch
//! of deltas whose texts join; an event without a string in the field restarts the fold, and so
//! does the first string after it:
//!
//! ```text
//!   data     {"delta":"He"}  {"delta":"llo"}  {"delta":1}  {"delta":"b"}
//!   run      0               0                2            3
//!   offset   0               2                0            0
//!   total    He              Hello            (itself)     b
//! ```
//!
//! So the running total at any delta is its own `data` with the field's text replaced by
//! `text of the run[..offset + length]`.

use crate::{Event, Index, NewEvent, RawJson, SeriesId, SeriesTag};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How a series folds. Fixed by the first event of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesMode {
    /// Every event stays; nothing folds.
    KeepAll,
    /// A string field of the events joins into one text.
    Accumulate,
    /// The newest event supersedes the older ones.
    Latest,
}

impl SeriesMode {
    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeepAll => "keep-all",
            Self::Accumulate => "accumulate",
            Self::Latest => "latest",
        }
    }
}

impl fmt::Display for SeriesMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of bytes within the `data` of an event: the escaped text of a string, without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Bytes in the span.
    #[must_use]
    pub fn len(self) -> u64 {
        u64::from(self.end.saturating_sub(self.start))
    }

    /// Whether the span holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes of `data` inside the span.
    #[must_use]
    pub fn of(self, data: &RawJson) -> &[u8] {
        data.as_bytes()
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Where a delta stands in the fold of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// The index at which the fold last restarted: the first delta of the run.
    pub run: Index,
    /// Bytes of joined text before this delta, within the run.
    pub offset: u64,
    /// Where in `data` this delta's own text lies; absent when `data` has no string in the field,
    /// and then the event is its own total.
    pub text: Option<Span>,
}

impl Fold {
    /// Bytes of joined text up to and including this delta.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.text.map_or(0, Span::len)
    }
}

/// The state of one series: what the next event of it has to fit, and where the fold stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesState {
    /// How the series folds.
    pub mode: SeriesMode,
    /// The joined field; empty unless the mode is `accumulate`.
    pub field: Box<str>,
    /// The newest event of the series.
    pub newest: Index,
    /// Where the newest delta stands in the fold; only for `accumulate`.
    pub fold: Option<Fold>,
}

/// An event that does not fit the series it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("series `{series}` is `{fixed}`, as its first event said; this event says `{given}`")]
pub struct SeriesConflict {
    /// The series.
    pub series: SeriesId,
    /// Mode and field the series has.
    pub fixed: String,
    /// Mode and field the event asked for.
    pub given: String,
}

impl SeriesState {
    /// The state after `event` is appended at `index`, or why it does not fit.
    ///
    /// `before` is the state so far, none for a new series. Events outside a series have no
    /// state: the result is `None`.
    ///
    /// # Errors
    /// [`SeriesConflict`] when mode or field differ from those of the first event.
    pub fn advance(
        before: Option<&Self>,
        event: &NewEvent,
        index: Index,
    ) -> Result<Option<Self>, SeriesConflict> {
        let Some((series, mode)) = event.series.effective() else {
            return Ok(None);
        };
        let field = joined_field(&event.series, mode);
        if let Some(before) = before {
            before.check(series, mode, field)?;
        }
        let fold = (mode == SeriesMode::Accumulate).then(|| next_fold(before, event.text, index));
        Ok(Some(Self {
            mode,
            field: field.into(),
            newest: index,
            fold,
        }))
    }

    fn check(
        &self,
        series: &SeriesId,
        mode: SeriesMode,
        field: &str,
    ) -> Result<(), SeriesConflict> {
        if self.mode == mode && *self.field == *field {
            return Ok(());
        }
        Err(SeriesConflict {
            series: series.clone(),
            fixed: describe(self.mode, &self.field),
            given: describe(mode, field),
        })
    }
}

fn joined_field(tag: &SeriesTag, mode: SeriesMode) -> &str {
    if mode == SeriesMode::Accumulate {
        tag.joined_field()
    } else {
        ""
    }
}

fn describe(mode: SeriesMode, field: &str) -> String {
    if field.is_empty() {
        mode.to_string()
    } else {
        format!("{mode} of {field}")
    }
}

fn next_fold(before: Option<&SeriesState>, text: Option<Span>, index: Index) -> Fold {
    match before.and_then(|state| state.fold) {
        Some(last) if last.text.is_some() && text.is_some() => Fold {
            run: last.run,
            offset: last.end(),
            text,
        },
        _ => Fold {
            run: index,
            offset: 0,
            text,
        },
    }
}

/// The folded value of a series and the index it is exact at: its newest event. The text joined so
/// far is read beside it, up to [`Fold::end`] of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The series.
    pub series: SeriesId,
    /// The newest event of the series; the head stands at its index.
    pub newest: Event,
}

impl Head {
    /// The `data` of the folded value, given the text of the run up to [`Fold::end`].
    #[must_use]
    pub fn total(event: &Event, text: &[u8]) -> Option<RawJson> {
        let data = event.data.as_ref()?;
        let Some(span) = event.fold.and_then(|fold| fold.text) else {
            return Some(data.clone());
        };
        let bytes = data.as_bytes();
        let before = bytes.get(..span.start as usize)?;
        let after = bytes.get(span.end as usize..)?;
        Some(RawJson::from_trusted([before, text, after].concat().into()))
    }
}

/// Where in `data` the escaped text of the string field `field` lies, if `data` is an object with
/// such a field. Of a repeated key the last counts, as everywhere in JSON.
#[must_use]
pub fn field_span(data: &RawJson, field: &str) -> Option<Span> {
    let value = last_value(data, field)?;
    if !value.starts_with('"') {
        return None;
    }
    let start = value.as_ptr() as usize - data.as_bytes().as_ptr() as usize + 1;
    let end = start + value.len() - 2;
    Some(Span {
        start: u32::try_from(start).ok()?,
        end: u32::try_from(end).ok()?,
    })
}

fn last_value<'a>(data: &'a RawJson, field: &str) -> Option<&'a str> {
    if !data.is_object() {
        return None;
    }
    let mut json = serde_json::Deserializer::from_slice(data.as_bytes());
    json.deserialize_map(FieldVisitor(field)).ok()?
}

struct FieldVisitor<'f>(&'f str);

impl<'de> Visitor<'de> for FieldVisitor<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Key(key)) = map.next_key()? {
            if key == self.0 {
                found = Some(map.next_value::<&RawValue>()?.get());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A key of an object, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommitNumber, EventType, Level, Millis};
    use proptest::prelude::*;

    fn delta(data: &str) -> NewEvent {
        let tag = SeriesTag {
            id: Some(SeriesId::new("s").unwrap()),
            mode: Some(SeriesMode::Accumulate),
            field: None,
        };
        let data = RawJson::parse(data.as_bytes(), 64).unwrap();
        NewEvent::new(EventType::new("t").unwrap(), Some(data)).in_series(tag)
    }

    /// Folds as a store does: a state, and the text of the current run.
    fn totals(deltas: &[String]) -> Vec<String> {
        let (mut state, mut text) = (None, Vec::new());
        let mut totals = Vec::new();
        for (index, data) in deltas.iter().enumerate() {
            let event = delta(data);
            let next = SeriesState::advance(state.as_ref(), &event, Index(index as u64));
            let next = next.unwrap().unwrap();
            let fold = next.fold.unwrap();
            text.truncate(fold.offset as usize);
            if let (Some(span), Some(data)) = (fold.text, &event.data) {
                text.extend_from_slice(span.of(data));
            }
            let stored = Event {
                index: next.newest,
                at: Millis(0),
                commit: CommitNumber(0),
                event_type: event.event_type,
                level: Level::Info,
                data: event.data,
                series: event.series,
                fold: Some(fold),
                foreign_id: None,
            };
            totals.push(Head::total(&stored, &text).unwrap().as_str().to_owned());
            state = Some(next);
        }
        totals
    }

    fn check(deltas: &[&str], last_total: &str) {
        let deltas: Vec<String> = deltas.iter().map(|d| (*d).to_owned()).collect();
        assert_eq!(totals(&deltas).last().unwrap(), last_total);
    }

    #[test]
    fn strings_join_and_anything_else_restarts() {
        check(
            &[r#"{"delta":"He"}"#, r#"{"delta":"llo"}"#],
            r#"{"delta":"Hello"}"#,
        );
        check(
            &[r#"{"delta":"a"}"#, r#"{"delta":1}"#, r#"{"delta":"b"}"#],
            r#"{"delta":"b"}"#,
        );
        check(&[r#"{"delta":"a"}"#, "[1]"], "[1]");
        check(
            &[r#"{"delta":"a"}"#, r#"{"other":"x"}"#],
            r#"{"other":"x"}"#,
        );
    }

    #[test]
    fn the_other_keys_are_those_of_the_newest_delta() {
        check(
            &[r#"{"delta":"a","k":1}"#, r#"{"delta":"b", "m":2}"#],
            r#"{"delta":"ab", "m":2}"#,
        );
        check(
            &[r#"{"delta":"a"}"#, r#"{"delta":"x","delta":"b"}"#],
            r#"{"delta":"x","delta":"ab"}"#,
        );
        check(
            &[r#"{"delta":"a"}"#, r#"{"d\u0065lta":"b"}"#],
            r#"{"d\u0065lta":"ab"}"#,
        );
    }

    #[test]
    fn a_surrogate_pair_cut_in_two_heals() {
        let deltas = [r#"{"delta":"\ud83d"}"#, r#"{"delta":"\ude00"}"#].map(str::to_owned);
        let total = totals(&deltas).pop().unwrap();
        let value: serde_json::Value = serde_json::from_str(&total).unwrap();
        assert_eq!(value["delta"], "😀");
    }

    #[test]
    fn mode_and_field_are_fixed_by_the_first_event() {
        let first = SeriesState::advance(None, &delta(r#"{"delta":""}"#), Index(0)).unwrap();
        let mut other = delta("{}");
        other.series.mode = Some(SeriesMode::Latest);
        let conflict = SeriesState::advance(first.as_ref(), &other, Index(1)).unwrap_err();
        assert_eq!(
            conflict.to_string(),
            "series `s` is `accumulate of delta`, as its first event said; this event says `latest`"
        );
    }

    proptest! {
        #[test]
        fn the_total_is_the_concatenation(parts in prop::collection::vec(".{0,12}", 1..20)) {
            let deltas: Vec<String> =
                parts.iter().map(|p| serde_json::json!({"delta": p, "n": 1}).to_string()).collect();
            let mut expected = String::new();
            for (part, total) in parts.iter().zip(totals(&deltas)) {
                expected.push_str(part);
                let value: serde_json::Value = serde_json::from_str(&total).unwrap();
                prop_assert_eq!(value["delta"].as_str().unwrap(), &expected);
            }
        }
    }
}
