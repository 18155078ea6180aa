//! YAML 1.2 with places: one document, no tags, no merge keys, aliases expanded within a budget.

use super::node::{Budget, Entry, Node, Value, insert};
use super::{MAX_DEPTH, SyntaxError};
use crate::problem::Position;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use std::borrow::Cow;
use std::collections::HashMap;

/// Parses one document; `None` for a text without one.
pub(super) fn parse(text: &str) -> Result<Option<Node>, SyntaxError> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        budget: Budget::default(),
    };
    reader.document()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// Finished nodes by anchor, with their size.
    anchors: HashMap<usize, (Node, usize)>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Node>, SyntaxError> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(SyntaxError::at(
                        at,
                        "a second document; a configuration is one",
                    ));
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, at, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Position), SyntaxError> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, position(&span))),
            Some(Err(error)) => Err(syntax(&error)),
            None => Err(SyntaxError {
                at: None,
                message: "not valid YAML: it ends early".into(),
            }),
        }
    }

    fn node(&mut self, event: Event<'a>, at: Position, depth: usize) -> Result<Node, SyntaxError> {
        self.budget.take(1, at)?;
        if depth > MAX_DEPTH {
            return Err(SyntaxError::at(
                at,
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(SyntaxError::at(at, "YAML tags (`!…`) are not supported"));
            }
            Event::Scalar(text, style, anchor, None) => (anchor, scalar(text, style)),
            Event::SequenceStart(anchor, None) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, None) => (anchor, self.map(depth)?),
            _ => return Err(SyntaxError::at(at, "not valid YAML: a value is missing")),
        };
        let node = Node { at, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size(&node)));
        }
        Ok(node)
    }

    /// An alias costs what it stands for, before anything is copied.
    fn alias(&mut self, anchor: usize, at: Position, depth: usize) -> Result<Node, SyntaxError> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(SyntaxError::at(
                at,
                "an alias inside the value it stands for",
            ));
        };
        self.budget.take(*size, at)?;
        if depth + height(node) > MAX_DEPTH {
            return Err(SyntaxError::at(
                at,
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        Ok(node.clone())
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut entries = Vec::new();
        loop {
            let (event, at) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(SyntaxError::at(at, "a key must be a word")),
            };
            if key == "<<" {
                return Err(SyntaxError::at(at, "merge keys (`<<`) are not supported"));
            }
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            insert(&mut entries, Entry { key, at, node })?;
        }
    }
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

fn syntax(error: &ScanError) -> SyntaxError {
    let at = Position {
        line: error.marker().line(),
        column: error.marker().col() + 1,
    };
    SyntaxError::at(at, format!("not valid YAML: {}", error.info()))
}

/// The core schema of YAML 1.2: only plain scalars are anything but text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::text(text);
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        number if is_number(number) => Value::Number(number.to_owned()),
        _ => Value::text(text),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixed = |prefix, radix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.parse::<f64>().is_ok();
    let named = [".inf", ".Inf", ".INF"].contains(&digits);
    decimal
        || named
        || [".nan", ".NaN", ".NAN"].contains(&text)
        || prefixed("0x", 16)
        || prefixed("0o", 8)
}

fn children(node: &Node) -> Box<dyn Iterator<Item = &Node> + '_> {
    match &node.value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.iter().map(|entry| &entry.node)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Nodes in the tree; it is at most [`MAX_DEPTH`] deep.
fn size(node: &Node) -> usize {
    1 + children(node).map(size).sum::<usize>()
}

/// Levels below the node.
fn height(node: &Node) -> usize {
    children(node)
        .map(|child| 1 + height(child))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn failure(text: &str) -> (usize, String) {
        let error = parse(text).unwrap_err();
        (error.at.map_or(0, |at| at.line), error.message)
    }

    #[test]
    fn nothing_is_no_document() {
        for text in ["", "\n\n", "# only a comment\n", "---\n...\n"] {
            let root = parse(text).unwrap();
            assert!(
                root.is_none_or(|node| node.value == Value::Null),
                "{text:?}"
            );
        }
    }

    #[test]
    fn scalars_follow_the_core_schema_of_yaml_1_2() {
        let number = |text: &str| Value::Number(text.to_owned());
        for (text, expected) in [
            ("3721", number("3721")),
            ("-1.5e3", number("-1.5e3")),
            ("0x1F", number("0x1F")),
            (".inf", number(".inf")),
            ("'3721'", Value::text("3721")),
            ("yes", Value::text("yes")),
            ("on", Value::text("on")),
            ("true", Value::Bool(true)),
            ("~", Value::Null),
            ("infinity", Value::text("infinity")),
            ("1_000", Value::text("1_000")),
            ("127.0.0.1", Value::text("127.0.0.1")),
            ("'*'", Value::text("*")),
        ] {
            assert_eq!(parse(text).unwrap().unwrap().value, expected, "{text}");
        }
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let node = parse("a:\n  bé: [x,\n    y]\n").unwrap().unwrap();
        let Value::Map(outer) = node.value else {
            panic!("not a map")
        };
        assert_eq!(outer[0].at, Position { line: 1, column: 1 });
        let Value::Map(inner) = &outer[0].node.value else {
            panic!("not a map")
        };
        assert_eq!(inner[0].at, Position { line: 2, column: 3 });
        let Value::List(items) = &inner[0].node.value else {
            panic!("not a list")
        };
        assert_eq!(items[1].at, Position { line: 3, column: 5 });
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (text, line, words) in [
            ("a: 1\nb: 2\na: 3", 3, "`a` is given twice; first on line 1"),
            ("a: 1\n---\nb: 2", 2, "second document"),
            ("a: !!str 1", 1, "tags"),
            ("a: &x {b: 1}\nc:\n  <<: *x", 3, "merge keys"),
            ("a: *nobody", 1, "not valid YAML"),
            ("a: &x [*x]", 1, "alias inside"),
            ("a:\n\t- b", 2, "not valid YAML"),
            ("a: [1, 2\n", 2, "not valid YAML"),
            ("? [a]\n: 1", 1, "a key must be a word"),
            ("a: 1\nb: 'x\nc: 1", 2, "not valid YAML"),
        ] {
            let (found, message) = failure(text);
            assert!(message.contains(words), "{text}: {message}");
            assert_eq!(found, line, "{text}: {message}");
        }
    }

    #[test]
    fn aliases_work_and_cost_what_they_stand_for() {
        let node = parse("a: &x [1, 2]\nb: *x").unwrap().unwrap();
        let Value::Map(entries) = node.value else {
            panic!("not a map")
        };
        assert_eq!(entries[0].node.value, entries[1].node.value);

        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            writeln!(bomb, "a{level}: &a{level} [{}]", [&*below; 10].join(", ")).unwrap();
        }
        assert!(failure(&bomb).1.contains("at most 20000 values"));
    }

    #[test]
    fn bombs_are_bounded() {
        let stairs = (0..400).fold(String::new(), |mut text, depth| {
            writeln!(text, "{}a:", " ".repeat(depth)).unwrap();
            text
        });
        for text in [
            "[".repeat(1 << 20),
            "- ".repeat(1 << 19),
            "{a: ".repeat(1 << 18),
            stairs,
        ] {
            let message = failure(&text).1;
            assert!(
                message.contains("deeper") || message.contains("not valid"),
                "{message}"
            );
        }
        assert!(
            failure(&"- a\n".repeat(1 << 18))
                .1
                .contains("at most 20000 values")
        );
    }
}
