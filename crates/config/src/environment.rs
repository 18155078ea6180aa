//! Environment variables over the file: the guide's names and one generated name for every key.

use crate::describe::{names, takes};
use crate::draft::Draft;
use crate::keys::{Property, ROOT, Shape, join};
use crate::later::why_ignored;
use crate::problem::{Place, Problem};
use crate::suggest::nearest;
use crate::value::{from_text, quoted};
use serde_json::Value;
use std::collections::BTreeMap;

/// The variables of the process; empty ones count as unset.
type Environment = BTreeMap<String, String>;

/// Applies every variable that is set.
pub(crate) fn apply(environment: &Environment, draft: &mut Draft) {
    let mut known = Vec::new();
    section(&ROOT, "", environment, draft, &mut known);
    if value(environment, "SENTRY_DSN").is_some() {
        draft.warnings.push(
            "SENTRY_DSN is set, but Sentry is not supported yet by this build: ignored".into(),
        );
    }
    strangers(environment, &known, draft);
}

fn section(
    properties: &'static [Property],
    path: &str,
    environment: &Environment,
    draft: &mut Draft,
    known: &mut Vec<String>,
) {
    for property in properties {
        let path = join(path, &property.name);
        if let Shape::Section(inner) = &property.shape {
            section(inner, &path, environment, draft, known);
        } else if property.is_single() {
            let names = names(property, &path);
            one(property, &path, &names, environment, draft);
            known.extend(names);
        }
    }
}

/// Applies the variables of one key; two that disagree are refused.
fn one(
    property: &Property,
    path: &str,
    names: &[String],
    environment: &Environment,
    draft: &mut Draft,
) {
    let mut set = names
        .iter()
        .filter_map(|name| Some((name, value(environment, name)?)));
    let Some((name, text)) = set.next() else {
        return;
    };
    if let Some((other, _)) = set.find(|(_, other)| *other != text) {
        let message = format!("{name} and {other} both set it, to different values");
        return draft.problem(problem(name, path, message).hint("keep one"));
    }
    if path == "port" && text.starts_with("tcp://") {
        draft.warnings.push(format!(
            "{name} is an address as Kubernetes injects it, not a port: ignored; \
             a service not called `taskcast` avoids this"
        ));
        return;
    }
    let read = match name.as_str() {
        "TASKCAST_STORAGE" => storage(property, text),
        "TASKCAST_AUTO_MIGRATE" => loosely(text).ok_or_else(|| invalid(property, name, text)),
        _ => from_text(property, text).ok_or_else(|| invalid(property, name, text)),
    };
    match read {
        Ok(value) => draft.set(path, value, Place::Variable { name: name.clone() }),
        Err(message) => draft.problem(problem(name, path, message)),
    }
}

/// A storage mode, with the wording that `--storage` shares.
pub(crate) fn storage(property: &Property, text: &str) -> Result<Value, String> {
    from_text(property, text).ok_or_else(|| {
        let shown = quoted(text);
        format!("invalid storage mode {shown}; expected memory, redis, or sqlite")
    })
}

/// Yes or no in the many words that scripts of operators use.
fn loosely(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true.into()),
        "0" | "false" | "no" | "off" => Some(false.into()),
        _ => None,
    }
}

fn invalid(property: &Property, name: &str, text: &str) -> String {
    let shown = if property.secret {
        "value".into()
    } else {
        quoted(text)
    };
    format!(
        "invalid {name} {shown}; expected {}",
        takes(&property.shape)
    )
}

/// Variables nobody knows never refuse; a likely slip is pointed out.
fn strangers(environment: &Environment, known: &[String], draft: &mut Draft) {
    for (name, _) in environment.iter().filter(|(_, value)| !value.is_empty()) {
        let Some(own) = name.strip_prefix("TASKCAST_") else {
            continue;
        };
        if known.contains(name) || own.len() > 64 {
            continue;
        }
        if let Some(why) = why_ignored(name) {
            draft.warnings.push(format!("{name} is ignored: {why}"));
        } else if let Some(near) = nearest(
            own,
            known
                .iter()
                .filter_map(|known| known.strip_prefix("TASKCAST_")),
        ) {
            draft.warnings.push(format!(
                "{name} is not a variable of Taskcast: ignored; did you mean TASKCAST_{near}?"
            ));
        }
    }
}

fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

fn problem(name: &str, path: &str, message: String) -> Problem {
    Problem::new(
        Place::Variable {
            name: name.to_owned(),
        },
        path,
        message,
    )
}
