//! The text of an `accumulate` series, put together from what a stream shows of it.

use std::fmt;
use taskcast_api::Envelope;
use taskcast_core::{RawJson, SeriesId, SeriesTag, field_span};

/// How events of `accumulate` series are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesFormat {
    /// Live events as they were published.
    #[default]
    Delta,
    /// Each event with the running total in place of its own piece.
    Accumulated,
}

impl SeriesFormat {
    /// The word used on the wire; none for the default.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Delta => None,
            Self::Accumulated => Some("accumulated"),
        }
    }
}

/// The text of one series so far. Give it every event of a stream; it takes those of its series.
///
/// The cost is that of the piece, not of the text. A character that a publisher cut into two
/// surrogate halves appears when its second half is there; a half that stays alone is `U+FFFD`.
#[derive(Clone, Debug)]
pub struct SeriesText {
    series: SeriesId,
    format: SeriesFormat,
    text: String,
    /// The first half of a character whose second half may follow.
    half: Option<u16>,
    /// Whether the newest event had a text; else the next one begins anew.
    joins: bool,
}

/// What an event did to the text of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextChange<'a> {
    /// Nothing: an event of something else.
    None,
    /// This was put at its end.
    Appended(&'a str),
    /// This is the text now.
    Replaced(&'a str),
}

impl SeriesText {
    /// The text of a series in a stream of a format.
    #[must_use]
    pub fn new(series: SeriesId, format: SeriesFormat) -> Self {
        Self {
            series,
            format,
            text: String::new(),
            half: None,
            joins: true,
        }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes an event.
    pub fn push(&mut self, event: &Envelope) -> TextChange<'_> {
        if event.series_id.as_deref() != Some(self.series.as_str()) {
            return TextChange::None;
        }
        let field = event.series_acc_field.as_deref();
        let field = field.unwrap_or(SeriesTag::DEFAULT_FIELD);
        let piece = event.data.as_ref().and_then(|data| piece(data, field));
        let whole = event.series_snapshot || self.format == SeriesFormat::Accumulated;
        let replace = whole || !self.joins || piece.is_none();
        self.joins = piece.is_some();
        if replace {
            self.text.clear();
            self.half = None;
        }
        let start = self.text.len();
        self.append(piece.unwrap_or_default());
        if replace {
            TextChange::Replaced(&self.text)
        } else {
            TextChange::Appended(&self.text[start..])
        }
    }

    /// Appends the inside of a JSON string.
    fn append(&mut self, mut escaped: &str) {
        while !escaped.is_empty() {
            let plain = escaped.find('\\').unwrap_or(escaped.len());
            if plain > 0 {
                self.flush_half();
                self.text.push_str(&escaped[..plain]);
                escaped = &escaped[plain..];
                continue;
            }
            let (unit, rest) = escape(escaped);
            self.unit(unit);
            escaped = rest;
        }
    }

    fn unit(&mut self, unit: u16) {
        if let Some(high) = self.half.take() {
            let mut decoded = char::decode_utf16([high, unit]);
            if let Some(Ok(char)) = decoded.next()
                && decoded.next().is_none()
            {
                self.text.push(char);
                return;
            }
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.half = Some(unit);
        } else {
            let char = char::from_u32(u32::from(unit));
            self.text.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    fn flush_half(&mut self) {
        if self.half.take().is_some() {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

impl fmt::Display for SeriesText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The inside of the string in a field, escaped as it was sent.
fn piece<'a>(data: &'a RawJson, field: &str) -> Option<&'a str> {
    let span = field_span(data, field)?;
    std::str::from_utf8(span.of(data)).ok()
}

/// The UTF-16 unit of the escape at the front of a text, and what follows it. The text is the
/// inside of a valid JSON string.
fn escape(text: &str) -> (u16, &str) {
    let letter = text.as_bytes().get(1).copied().unwrap_or(b'\\');
    if letter == b'u' {
        let digits = text.get(2..6).unwrap_or_default();
        let unit = u16::from_str_radix(digits, 16).unwrap_or(0xfffd);
        return (unit, text.get(6..).unwrap_or_default());
    }
    let char = match letter {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        same => same,
    };
    (u16::from(char), text.get(2..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(data: &str, snapshot: bool) -> Envelope {
        let json = format!(
            r#"{{"filteredIndex":0,"rawIndex":0,"eventId":"e","taskId":"t","type":"x","timestamp":1,"level":"info","data":{data},"seriesId":"s","seriesMode":"accumulate","seriesSnapshot":{snapshot}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn series(format: SeriesFormat) -> SeriesText {
        SeriesText::new(SeriesId::new("s").unwrap(), format)
    }

    #[test]
    fn deltas_join_snapshots_replace_and_other_series_do_nothing() {
        let mut text = series(SeriesFormat::Delta);
        let snapshot = envelope(r#"{"delta":"He"}"#, true);
        assert_eq!(text.push(&snapshot), TextChange::Replaced("He"));
        let delta = envelope(r#"{"x":[],"delta":"l\"\\\/\n\t\u00e9é"}"#, false);
        assert_eq!(text.push(&delta), TextChange::Appended("l\"\\/\n\téé"));
        let mut other = delta.clone();
        other.series_id = Some("other".into());
        assert_eq!(text.push(&other), TextChange::None);
        assert_eq!(text.text(), "Hel\"\\/\n\téé");
        assert_eq!(text.push(&snapshot), TextChange::Replaced("He"));
    }

    #[test]
    fn halves_of_a_character_heal_across_deltas() {
        let mut text = series(SeriesFormat::Delta);
        assert_eq!(
            text.push(&envelope(r#"{"delta":"a\ud83d"}"#, false)),
            TextChange::Appended("a")
        );
        assert_eq!(
            text.push(&envelope(r#"{"delta":""}"#, false)),
            TextChange::Appended("")
        );
        let healed = envelope(r#"{"delta":"\ude00b"}"#, false);
        assert_eq!(text.push(&healed), TextChange::Appended("😀b"));
        text.push(&envelope(
            r#"{"delta":"\ud83d\ud83d\ude00\ude00\ud83dx"}"#,
            false,
        ));
        assert_eq!(text.text(), "a😀b\u{fffd}😀\u{fffd}\u{fffd}x");
    }

    #[test]
    fn an_event_without_text_begins_the_fold_anew() {
        let mut text = series(SeriesFormat::Delta);
        text.push(&envelope(r#"{"delta":"a"}"#, false));
        assert_eq!(
            text.push(&envelope(r#"{"delta":1}"#, false)),
            TextChange::Replaced("")
        );
        assert_eq!(
            text.push(&envelope(r#"{"delta":"b"}"#, false)),
            TextChange::Replaced("b")
        );
        assert_eq!(
            text.push(&envelope(r#"{"delta":"c"}"#, false)),
            TextChange::Appended("c")
        );
    }

    #[test]
    fn totals_replace_each_other() {
        let mut text = series(SeriesFormat::Accumulated);
        text.push(&envelope(r#"{"delta":"a"}"#, false));
        assert_eq!(
            text.push(&envelope(r#"{"delta":"ab"}"#, false)),
            TextChange::Replaced("ab")
        );
    }
}
