//! Reading request bodies: one pass over the bytes, typed readers for the fields, and every issue
//! collected. Nothing here builds a tree, recurses or panics, whatever the bytes are.

use crate::invalid::MAX_ISSUES;
use crate::{ErrorCode, Invalid, Issue};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use taskcast_core::{JsonError, Limits, RawJson};

/// Where in a body a value stands. Rendered only when there is something to say.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    /// The body itself.
    Root,
    /// A field of an object.
    Key(&'p Path<'p>, &'p str),
    /// An item of an array.
    Item(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(crate) fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, name) => f.write_str(name),
            Self::Key(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A value that may be there, and where.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a, 'p> {
    pub(crate) path: Path<'p>,
    pub(crate) raw: Option<&'a RawValue>,
}

/// What a body is: text, and the kind of value it begins with.
pub(crate) fn text_of(body: &[u8]) -> Result<&str, Invalid> {
    let text = std::str::from_utf8(body)
        .map_err(|e| Invalid::Malformed(format!("not UTF-8 at byte {}", e.valid_up_to())))?;
    Ok(text.trim_matches([' ', '\t', '\r', '\n']))
}

/// The values of the named fields of a JSON object; of a repeated name the last. `None` when the
/// text is valid JSON but no object.
pub(crate) fn object<'a, const N: usize>(
    text: &'a str,
    names: &[&str; N],
) -> Result<Option<[Option<&'a RawValue>; N]>, serde_json::Error> {
    if !text.starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text)?;
        return Ok(None);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let values = ObjectVisitor(names).deserialize(&mut json)?;
    json.end()?;
    Ok(Some(values))
}

struct ObjectVisitor<'n, const N: usize>(&'n [&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for ObjectVisitor<'_, N> {
    type Value = [Option<&'de RawValue>; N];
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for ObjectVisitor<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; N];
        while let Some(Key(key)) = map.next_key()? {
            match self.0.iter().position(|name| *name == key) {
                Some(slot) => values[slot] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// A key of an object, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Shows the items of a JSON array to `each`, in order, at most `limit` of them; the result is how
/// many there are. Nothing is kept, so an array costs no more memory than `each` does.
pub(crate) fn items<'a>(
    text: &'a str,
    limit: usize,
    each: impl FnMut(usize, &'a RawValue),
) -> Result<usize, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let count = json.deserialize_seq(ItemVisitor { limit, each })?;
    json.end()?;
    Ok(count)
}

struct ItemVisitor<F> {
    limit: usize,
    each: F,
}

impl<'de, F: FnMut(usize, &'de RawValue)> Visitor<'de> for ItemVisitor<F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while count < self.limit {
            let Some(item) = seq.next_element()? else {
                return Ok(count);
            };
            (self.each)(count, item);
            count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Reads fields and collects what is wrong with them.
pub(crate) struct Reader<'l> {
    pub(crate) limits: &'l Limits,
    issues: Vec<Issue>,
    refused: Option<Invalid>,
}

impl<'l> Reader<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            issues: Vec::new(),
            refused: None,
        }
    }

    /// The value, unless something was wrong on the way to it.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Invalid> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        match value {
            Some(value) if self.issues.is_empty() => Ok(value),
            _ => Err(Invalid::Issues(self.issues)),
        }
    }

    pub(crate) fn issue(&mut self, path: Path<'_>, message: impl Into<String>) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue {
                path: path.to_string(),
                message: message.into(),
            });
        }
    }

    /// Refuses the request as a whole; the first reason stands.
    pub(crate) fn refuse(&mut self, code: ErrorCode, message: impl FnOnce() -> String) {
        if self.refused.is_none() {
            let message = message();
            self.refused = Some(Invalid::Refused { code, message });
        }
    }

    /// The fields of the body, which has to be an object.
    pub(crate) fn body<'a, const N: usize>(
        &mut self,
        body: &'a [u8],
        names: &[&str; N],
    ) -> Result<Option<[Option<&'a RawValue>; N]>, Invalid> {
        let values = object(text_of(body)?, names).map_err(malformed)?;
        if values.is_none() {
            self.issue(Path::Root, "must be a JSON object");
        }
        Ok(values)
    }

    /// The fields of a value that has to be an object.
    pub(crate) fn fields<'a, const N: usize>(
        &mut self,
        field: Field<'a, '_>,
        names: &[&str; N],
    ) -> Option<[Option<&'a RawValue>; N]> {
        match object(field.raw?.get(), names) {
            Ok(Some(values)) => Some(values),
            Ok(None) => self.wrong(field, "must be an object"),
            Err(error) => self.wrong(field, format!("has a key that is no text: {error}")),
        }
    }

    pub(crate) fn string<'a>(&mut self, field: Field<'a, '_>) -> Option<Cow<'a, str>> {
        let text = field.raw?.get();
        if !text.starts_with('"') {
            return self.wrong(field, "must be a string");
        }
        let inner = &text[1..text.len() - 1];
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        match serde_json::from_str(text) {
            Ok(text) => Some(Cow::Owned(text)),
            Err(_) => self.wrong(field, "must be a string of Unicode characters"),
        }
    }

    pub(crate) fn required_string<'a>(&mut self, field: Field<'a, '_>) -> Option<Cow<'a, str>> {
        self.require(field)?;
        self.string(field)
    }

    /// Tells that a required field is missing.
    pub(crate) fn require(&mut self, field: Field<'_, '_>) -> Option<()> {
        if field.raw.is_none() {
            return self.wrong(field, "is required");
        }
        Some(())
    }

    /// A string that its type checks: a name, a level, a status.
    pub(crate) fn word<T>(&mut self, field: Field<'_, '_>) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: fmt::Display,
    {
        let text = self.string(field)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(field, format!("is invalid: {error}")),
        }
    }

    /// A whole number from `least` to `most`, however it is spelled (`60`, `60.0`, `6e1`).
    pub(crate) fn integer(&mut self, field: Field<'_, '_>, least: u64, most: u64) -> Option<u64> {
        let text = field.raw?.get();
        let value = text.parse().ok().or_else(|| whole(text.parse().ok()?));
        match value.filter(|value| (least..=most).contains(value)) {
            Some(value) => Some(value),
            None => self.wrong(field, format!("must be an integer from {least} to {most}")),
        }
    }

    /// Any JSON value within the limit of depth, kept as it was sent.
    pub(crate) fn json(&mut self, field: Field<'_, '_>) -> Option<RawJson> {
        let json = RawJson::from_raw(field.raw?);
        match json.check_depth(self.limits.json_depth) {
            Ok(()) => Some(json),
            Err(JsonError::TooDeep { limit }) => {
                let path = field.path;
                self.refuse(ErrorCode::JsonTooDeep, || {
                    format!("{path} is nested deeper than {limit} levels")
                });
                None
            }
            Err(JsonError::Malformed(error)) => self.wrong(field, error.to_string()),
        }
    }

    /// A JSON object, kept as it was sent.
    pub(crate) fn json_object(&mut self, field: Field<'_, '_>) -> Option<RawJson> {
        if !field.raw?.get().starts_with('{') {
            return self.wrong(field, "must be an object");
        }
        self.json(field)
    }

    pub(crate) fn wrong<T>(
        &mut self,
        field: Field<'_, '_>,
        message: impl Into<String>,
    ) -> Option<T> {
        self.issue(field.path, message);
        None
    }
}

pub(crate) fn malformed(error: serde_json::Error) -> Invalid {
    Invalid::Malformed(error.to_string())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and within 53 bits"
)]
fn whole(number: f64) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}
