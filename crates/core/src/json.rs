//! JSON that is carried, not rebuilt: checked once, then only bytes.

use bytes::Bytes;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// One JSON value as the bytes that its publisher sent.
///
/// The bytes are valid JSON in UTF-8 and hold no line end (line ends between tokens become spaces
/// when the value is taken), so they fit into one `data:` line of a stream. Everything else —
/// spacing, the order and the repetition of keys, the spelling of numbers and escapes — stays as
/// it was sent. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(Bytes);

/// Why bytes were not taken as JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not one valid JSON value.
    #[error("malformed JSON: {0}")]
    Malformed(serde_json::Error),
    /// Arrays and objects are nested deeper than the limit.
    #[error("JSON is nested deeper than {limit} levels")]
    TooDeep {
        /// The deepest nesting taken.
        limit: usize,
    },
}

impl RawJson {
    /// Checks the bytes and takes them.
    ///
    /// # Errors
    /// When they are not exactly one JSON value, or nest deeper than `max_depth`.
    pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Self, JsonError> {
        let raw: &RawValue = serde_json::from_slice(bytes).map_err(JsonError::Malformed)?;
        let value = Self::from_raw(raw);
        value.check_depth(max_depth)?;
        Ok(value)
    }

    /// Takes a value that a JSON parser has checked.
    #[must_use]
    pub fn from_raw(raw: &RawValue) -> Self {
        let text = raw.get().as_bytes();
        if text.iter().any(|b| matches!(b, b'\n' | b'\r')) {
            // Valid JSON has raw line ends between tokens only.
            let flat = text
                .iter()
                .map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b });
            return Self(flat.collect());
        }
        Self(Bytes::copy_from_slice(text))
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// When the value has no JSON form (a map with keys that are not strings).
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(|bytes| Self(bytes.into()))
    }

    /// Takes bytes that came out of a `RawJson` before, as a store reads them back.
    #[must_use]
    pub fn from_trusted(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Refuses nesting beyond `limit` levels.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`].
    pub fn check_depth(&self, limit: usize) -> Result<(), JsonError> {
        if depth(&self.0) > limit {
            Err(JsonError::TooDeep { limit })
        } else {
            Ok(())
        }
    }

    /// The bytes of the value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the value, shared.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The value as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only valid UTF-8 is ever taken; a store that handed back other bytes shows as null.
        std::str::from_utf8(&self.0).unwrap_or("null")
    }

    /// Reads the value into a type.
    ///
    /// # Errors
    /// When the value does not have the type's form.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }

    /// The first byte, which tells the kind of value: `{`, `[`, `"`, a digit or a letter.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.0
            .iter()
            .copied()
            .find(|b| !b.is_ascii_whitespace())
            .unwrap_or(b'n')
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.kind() == b'{'
    }
}

/// How deep arrays and objects nest; 0 for a scalar. The text is valid JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer).map_err(D::Error::custom)?;
        Ok(Self::from_raw(&raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_as_sent_but_for_line_ends_between_tokens() {
        let sent = br#"{ "b":1.50, "a" : "\u0000\ud83d", "b":1e400 }"#;
        assert_eq!(RawJson::parse(sent, 64).unwrap().as_bytes(), sent);
        let folded = RawJson::parse(b"{\r\n\"a\":\n1}", 64).unwrap();
        assert_eq!(folded.as_bytes(), b"{  \"a\": 1}");
    }

    #[test]
    fn only_one_valid_value_is_taken() {
        for bad in [
            &b""[..],
            b"{",
            b"1 2",
            b"\"\n\"",
            b"{\"a\":01}",
            b"nul",
            b"\"\xff\"",
        ] {
            assert!(
                matches!(RawJson::parse(bad, 64), Err(JsonError::Malformed(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_count() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(RawJson::parse(nested(64).as_bytes(), 64).is_ok());
        assert!(matches!(
            RawJson::parse(nested(65).as_bytes(), 64),
            Err(JsonError::TooDeep { limit: 64 })
        ));
        assert!(RawJson::parse(br#"["[[[\"[[["]"#, 1).is_ok());
    }
}
