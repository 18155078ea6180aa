//! `${NAME}` in string values, after parsing: a variable can never change the structure of a file.

use crate::keys::join;
use crate::later;
use crate::parse::{Node, Text, Value, Written};
use crate::problem::{Place, Position, Problem};
use std::collections::BTreeMap;
use std::path::Path;

/// Replaces every `${NAME}` below `node`; an unset or empty variable is a problem.
///
/// Keys that are refused anyway are left alone.
pub(crate) fn interpolate(
    node: &mut Node,
    environment: &BTreeMap<String, String>,
    file: &Path,
    problems: &mut Vec<Problem>,
) {
    Interpolation {
        environment,
        file,
        problems,
    }
    .node(node, "");
}

struct Interpolation<'a> {
    environment: &'a BTreeMap<String, String>,
    file: &'a Path,
    problems: &'a mut Vec<Problem>,
}

impl Interpolation<'_> {
    fn node(&mut self, node: &mut Node, path: &str) {
        match &mut node.value {
            Value::Text(text) => match substitute(&text.text, self.environment) {
                Ok(Some(replaced)) => *text = replaced,
                Ok(None) => {}
                Err(missing) => self.missing(&missing, path, node.at),
            },
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &format!("{path}[{index}]"));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    let path = join(path, &entry.key);
                    if !later::is_refused(&path) {
                        self.node(&mut entry.node, &path);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn missing(&mut self, missing: &Missing, path: &str, at: Position) {
        let state = if missing.empty { "empty" } else { "not set" };
        let place = Place::File {
            path: self.file.to_owned(),
            at: Some(at),
        };
        let problem = Problem::new(place, path, format!("variable {} is {state}", missing.name));
        self.problems.push(
            if missing
                .name
                .contains(|c: char| !c.is_alphanumeric() && c != '_')
            {
                problem.hint("`${NAME}` takes a name only: there are no defaults or other forms")
            } else {
                problem.hint("set it, or remove the key")
            },
        );
    }
}

/// A variable that has no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) empty: bool,
}

/// `text` with its variables replaced; `None` when it has none. Values are not searched again.
pub(crate) fn substitute(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Text>, Missing> {
    let (mut out, mut rest, mut found) = (String::new(), text, false);
    let mut whole = false;
    while let Some((before, name, after)) = next_variable(rest) {
        whole = !found && before.is_empty() && after.is_empty();
        found = true;
        out.push_str(before);
        match environment.get(name) {
            Some(value) if !value.is_empty() => out.push_str(value),
            other => {
                return Err(Missing {
                    name: name.to_owned(),
                    empty: other.is_some(),
                });
            }
        }
        rest = after;
    }
    out.push_str(rest);
    let written = if whole {
        Written::AsVariable
    } else {
        Written::WithVariables
    };
    Ok(found.then_some(Text { text: out, written }))
}

/// `${`, one or more characters but `}`, `}`.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("${")?;
        let (name, after) = text.get(start + 2..)?.split_once('}')?;
        if !name.is_empty() {
            return Some((text.get(..start)?, name, after));
        }
        from = start + 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    fn replaced(text: &str, pairs: &[(&str, &str)]) -> Option<(String, Written)> {
        substitute(text, &environment(pairs))
            .unwrap()
            .map(|text| (text.text, text.written))
    }

    #[test]
    fn variables_are_replaced_once_and_in_place() {
        let pairs = [("A", "1"), ("B", "${A}"), ("C:-d", "odd")];
        for (text, expected) in [
            ("${A}", Some(("1", Written::AsVariable))),
            ("x${A}", Some(("x1", Written::WithVariables))),
            ("${A}${A}", Some(("11", Written::WithVariables))),
            ("${B}!", Some(("${A}!", Written::WithVariables))),
            ("${C:-d}", Some(("odd", Written::AsVariable))),
            ("${}${A}", Some(("${}1", Written::WithVariables))),
            ("${}", None),
            ("$A ${A", None),
            ("{A} $ {A}", None),
        ] {
            let expected = expected.map(|(text, written)| (text.to_owned(), written));
            assert_eq!(replaced(text, &pairs), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_without_value_is_named() {
        let environment = environment(&[("EMPTY", "")]);
        for (text, name, empty) in [
            ("${GONE}", "GONE", false),
            ("a${EMPTY}b", "EMPTY", true),
            ("${A:-b}", "A:-b", false),
        ] {
            let missing = substitute(text, &environment).unwrap_err();
            assert_eq!(
                missing,
                Missing {
                    name: name.into(),
                    empty
                }
            );
        }
    }

    proptest! {
        #[test]
        fn text_without_a_variable_stays_as_it_is(text in "[^}]{0,60}") {
            prop_assert_eq!(substitute(&text, &BTreeMap::new()), Ok(None));
        }

        #[test]
        fn the_result_is_the_concatenation_of_the_parts(
            parts in prop::collection::vec(("[a-z ]{0,8}", "[A-Z_]{1,6}", ".{1,12}"), 1..8),
            tail in "[a-z ]{0,8}",
        ) {
            // The same name keeps its last value, in the template and in the expectation.
            let environment: BTreeMap<String, String> =
                parts.iter().map(|(_, name, value)| (name.clone(), value.clone())).collect();
            let (mut template, mut expected) = (String::new(), String::new());
            for (text, name, _) in &parts {
                template += &format!("{text}${{{name}}}");
                expected += &format!("{text}{}", environment[name]);
            }
            let result = substitute(&(template + &tail), &environment).unwrap().unwrap();
            prop_assert_eq!(result.text, expected + &tail);
        }
    }
}
