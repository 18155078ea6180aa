//! Values as they are gathered: by path, each with its place; later layers replace earlier ones.

use crate::problem::{Place, Problem};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Keys of which one layer may give only one, and a higher layer's choice drops a lower one's.
pub(crate) const EITHER_OR: [[&str; 2]; 5] = [
    ["adminToken", "adminTokenFile"],
    ["auth.jwt.secret", "auth.jwt.secretFile"],
    ["auth.jwt.publicKey", "auth.jwt.publicKeyFile"],
    ["adapters.redis.url", "adapters.redis.urlFile"],
    ["adapters.longTerm.url", "adapters.longTerm.urlFile"],
];

/// Where values come from, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Default,
    File,
    Variable,
    Flag,
}

/// A configuration in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    values: BTreeMap<String, (Value, Place)>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<String>,
}

impl Draft {
    /// Sets a value over whatever a lower layer gave.
    pub(crate) fn set(&mut self, path: &str, value: Value, place: Place) {
        if !matches!(place, Place::File { .. }) {
            self.drop_alternative(path);
        }
        self.values.insert(path.to_owned(), (value, place));
    }

    fn drop_alternative(&mut self, path: &str) {
        for pair in EITHER_OR.iter().filter(|pair| pair.contains(&path)) {
            self.values.retain(|known, (_, place)| {
                !(pair.contains(&known.as_str()) && matches!(place, Place::File { .. }))
            });
        }
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Where the value of `path` was given; `None` when it is the default.
    pub(crate) fn place(&self, path: &str) -> Option<&Place> {
        self.values.get(path).map(|(_, place)| place)
    }

    /// The layer that gave the value of `path`.
    pub(crate) fn layer(&self, path: &str) -> Layer {
        match self.place(path) {
            None => Layer::Default,
            Some(Place::File { .. }) => Layer::File,
            Some(Place::Variable { .. }) => Layer::Variable,
            Some(Place::Flag { .. }) => Layer::Flag,
        }
    }

    /// Every value that was given, by path.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Value, &Place)> {
        self.values
            .iter()
            .map(|(path, (value, place))| (path.as_str(), value, place))
    }

    /// The first key given below `prefix`.
    pub(crate) fn first_below(&self, prefix: &str) -> Option<(&str, &Place)> {
        let mut below = self
            .values
            .iter()
            .filter(|(path, _)| path.starts_with(prefix));
        below
            .next()
            .map(|(path, (_, place))| (path.as_str(), place))
    }

    /// Whether nothing at or below `prefix` is in doubt, so that it can be judged as a whole.
    pub(crate) fn is_sound(&self, prefix: &str) -> bool {
        let concerns = |problem: &Problem| match &problem.key {
            Some(key) => key.starts_with(prefix),
            None => true,
        };
        !self.problems.iter().any(concerns)
    }

    /// The values as one document, without lists that have a fault in them.
    pub(crate) fn document(&self) -> Value {
        let mut root = Value::Object(Map::new());
        for (path, (value, _)) in &self.values {
            if let Some((list, _)) = path.split_once('[')
                && !self.is_sound(list)
            {
                continue;
            }
            *slot(&mut root, path) = value.clone();
        }
        root
    }
}

/// The place of `path` in the document, made where it is missing.
fn slot<'a>(root: &'a mut Value, path: &str) -> &'a mut Value {
    let steps = path
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'));
    steps.fold(root, |node, step| match step.parse::<usize>() {
        Ok(index) => item(node, index),
        Err(_) => entry(node, step),
    })
}

fn item(node: &mut Value, index: usize) -> &mut Value {
    if !node.is_array() {
        *node = Value::Array(Vec::new());
    }
    if let Value::Array(items) = node
        && items.len() <= index
    {
        items.resize(index + 1, Value::Null);
    }
    &mut node[index]
}

fn entry<'a>(node: &'a mut Value, name: &str) -> &'a mut Value {
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    &mut node[name]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flag() -> Place {
        Place::Flag { name: "--x".into() }
    }

    #[test]
    fn paths_become_a_document() {
        let mut draft = Draft::default();
        for index in 0..12 {
            draft.set(&format!("list[{index}].name"), json!(index), flag());
        }
        draft.set("a.b", json!(true), flag());
        let document = draft.document();
        assert_eq!(document["a"]["b"], json!(true));
        assert_eq!(document["list"][11]["name"], json!(11));
        assert_eq!(document["list"].as_array().unwrap().len(), 12);
    }

    #[test]
    fn a_higher_layer_drops_the_alternative_of_a_lower_one() {
        let file = Place::File {
            path: "f".into(),
            at: None,
        };
        let mut draft = Draft::default();
        draft.set("auth.jwt.secretFile", json!("x"), file.clone());
        draft.set("auth.jwt.publicKey", json!("x"), file);
        draft.set("auth.jwt.secret", json!("y"), flag());
        assert!(draft.place("auth.jwt.secretFile").is_none());
        assert!(draft.place("auth.jwt.publicKey").is_some());
    }
}
