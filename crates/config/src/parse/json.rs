//! JSON with places: `serde_json` checks the text, and raw values tell where each part stands.

use super::node::{Budget, Entry, Node, Value, insert};
use super::{MAX_DEPTH, SyntaxError};
use crate::problem::Position;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Parses one JSON value.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        // Parsing to a value finds the same fault, but says more about it.
        syntax(
            &serde_json::from_str::<serde_json::Value>(text)
                .err()
                .unwrap_or(error),
        )
    })?;
    Reader {
        text,
        lines: line_starts(text),
        budget: Budget::default(),
    }
    .node(root, 0)
}

/// `serde_json` appends the place to its message; here it has a field of its own.
fn syntax(error: &serde_json::Error) -> SyntaxError {
    let full = error.to_string();
    let message = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(message, _)| message);
    let at = Position {
        line: error.line().max(1),
        column: error.column().max(1),
    };
    SyntaxError::at(at, format!("not valid JSON: {message}"))
}

struct Reader<'a> {
    text: &'a str,
    lines: Vec<usize>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    /// Reads one value. `raw` has been checked, so only limits and duplicate keys can fail.
    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node, SyntaxError> {
        let at = self.position(raw.get());
        self.budget.take(1, at)?;
        if depth > MAX_DEPTH {
            return Err(SyntaxError::at(
                at,
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let value = match raw.get().as_bytes().first() {
            Some(b'{') => self.map(raw, depth)?,
            Some(b'[') => self.list(raw, depth)?,
            Some(b'"') => Value::text(string(raw, at)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(raw.get().to_owned()),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self, raw: &'a RawValue, depth: usize) -> Result<Value, SyntaxError> {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|e| syntax(&e))?;
        let nodes = items.into_iter().map(|item| self.node(item, depth + 1));
        Ok(Value::List(nodes.collect::<Result<_, _>>()?))
    }

    fn map(&mut self, raw: &'a RawValue, depth: usize) -> Result<Value, SyntaxError> {
        let mut entries = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        let pairs = deserializer
            .deserialize_map(Pairs)
            .map_err(|error| syntax(&error))?;
        for (key, value) in pairs {
            let at = self.position(key.get());
            let key = string(key, at)?;
            insert(
                &mut entries,
                Entry {
                    key,
                    at,
                    node: self.node(value, depth + 1)?,
                },
            )?;
        }
        Ok(Value::Map(entries))
    }

    /// Raw values borrow from the text, so their address is their offset.
    fn position(&self, part: &str) -> Position {
        let offset = (part.as_ptr().addr()).saturating_sub(self.text.as_ptr().addr());
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count());
        Position {
            line,
            column: column + 1,
        }
    }
}

fn string(raw: &RawValue, at: Position) -> Result<String, SyntaxError> {
    serde_json::from_str(raw.get())
        .map_err(|_| SyntaxError::at(at, "not valid JSON: a text with a broken escape"))
}

fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0)
        .chain(ends.map(|(offset, _)| offset + 1))
        .collect()
}

/// Collects the entries of an object in order, duplicates included.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> (usize, String) {
        let error = parse(text).unwrap_err();
        (error.at.map_or(0, |at| at.line), error.message)
    }

    #[test]
    fn every_node_knows_its_line_and_column() {
        let node = parse("{\n  \"port\": 1,\n  \"aé\": [true,\n null]\n}").unwrap();
        let Value::Map(entries) = node.value else {
            panic!("not a map")
        };
        assert_eq!(entries[0].at, Position { line: 2, column: 3 });
        assert_eq!(
            entries[0].node.at,
            Position {
                line: 2,
                column: 11
            }
        );
        assert_eq!(entries[1].key, "aé");
        let Value::List(items) = &entries[1].node.value else {
            panic!("not a list")
        };
        assert_eq!(
            items[0].at,
            Position {
                line: 3,
                column: 10
            }
        );
        assert_eq!(items[1].at, Position { line: 4, column: 2 });
    }

    #[test]
    fn escapes_are_decoded_in_keys_and_values() {
        let node = parse(r#"{"\u0061\/": "\ud83d\ude00"}"#).unwrap();
        let Value::Map(entries) = node.value else {
            panic!("not a map")
        };
        assert_eq!(entries[0].key, "a/");
        assert_eq!(entries[0].node.value, Value::text("😀"));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (text, line, words) in [
            ("", 1, "not valid JSON"),
            ("{\n\"a\": 1,\n}", 3, "trailing comma"),
            ("{\n\"a\": 1\n} {", 3, "trailing characters"),
            ("// no comments\n{}", 1, "not valid JSON"),
            (
                "{\"a\": 1,\n \"\\u0061\": 2}",
                2,
                "`a` is given twice; first on line 1",
            ),
            ("{\"a\": \"\\ud800\"}", 1, "broken escape"),
        ] {
            let (found, message) = failure(text);
            assert!(message.contains(words), "{text}: {message}");
            assert_eq!(found, line, "{text}: {message}");
        }
    }

    #[test]
    fn bombs_are_bounded() {
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert!(failure(&deep).1.contains("deeper than 32"));
        let bottomless = "[".repeat(1 << 20);
        assert!(failure(&bottomless).1.contains("not valid JSON"));
        let wide = format!("[{}1]", "1,".repeat(30_000));
        assert!(failure(&wide).1.contains("at most 20000 values"));
    }
}
