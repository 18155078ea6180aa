//! The `sentry` section: refused while unsupported, except that an absent DSN only turns it off.

use crate::draft::Draft;
use crate::interpolate::substitute;
use crate::parse::{Entry, Node, Value};
use crate::problem::{Place, Position, Problem};
use crate::suggest::did_you_mean;
use std::collections::BTreeMap;
use std::path::Path;

const KEYS: [&str; 9] = [
    "dsn",
    "captureTaskFailures",
    "captureTaskTimeouts",
    "captureUnhandledErrors",
    "captureDroppedEvents",
    "captureStorageErrors",
    "captureBroadcastErrors",
    "traceSSEConnections",
    "traceEventPublish",
];

/// Takes the section out of the tree and judges it.
pub(crate) fn settle(
    root: &mut Node,
    environment: &BTreeMap<String, String>,
    file: &Path,
    draft: &mut Draft,
) {
    let Value::Map(entries) = &mut root.value else {
        return;
    };
    let Some(found) = entries.iter().position(|entry| entry.key == "sentry") else {
        return;
    };
    let section = entries.remove(found);
    let place = |at: Position| Place::File {
        path: file.to_owned(),
        at: Some(at),
    };
    let inner = match &section.node.value {
        Value::Map(inner) => inner,
        Value::Null => return,
        other => {
            let message = format!("expected a section of keys, got {}", other.kind());
            return draft.problem(Problem::new(place(section.at), "sentry", message));
        }
    };
    for entry in inner
        .iter()
        .filter(|entry| !KEYS.contains(&entry.key.as_str()))
    {
        let key = format!("sentry.{}", entry.key);
        let problem = Problem::new(place(entry.at), &key, "unknown key");
        draft.problem(problem.maybe_hint(did_you_mean(&entry.key, KEYS)));
    }
    match off(inner, environment) {
        Some(why) => draft.warnings.push(format!("Sentry is off: {why}")),
        None => draft.problem(
            Problem::new(
                place(section.at),
                "sentry",
                "Sentry is not supported yet by this build",
            )
            .hint("remove the section"),
        ),
    }
}

/// Why there is no DSN, when there is none.
fn off(section: &[Entry], environment: &BTreeMap<String, String>) -> Option<String> {
    let dsn = section.iter().find(|entry| entry.key == "dsn")?;
    match &dsn.node.value {
        Value::Null => Some("sentry.dsn is empty".into()),
        Value::Text(text) if text.text.is_empty() => Some("sentry.dsn is empty".into()),
        Value::Text(text) => {
            let missing = substitute(&text.text, environment).err()?;
            let state = if missing.empty { "empty" } else { "not set" };
            Some(format!(
                "variable {} in sentry.dsn is {state}",
                missing.name
            ))
        }
        _ => None,
    }
}
