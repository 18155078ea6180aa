//! The reference of all keys, generated from their types.

use crate::keys::{self, Property, Shape};
use crate::suggest::one_of;
use serde::Serialize;
use serde_json::Value;

/// What there is to say about one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyReference {
    /// The key, as `auth.jwt.secret`; `[]` marks the entries of a list.
    pub path: String,
    /// What it takes, in words.
    pub takes: String,
    /// The value without it; none where the key is optional.
    pub default: Option<Value>,
    /// The variables that set it, the best known first; the generated one is last.
    pub variables: Vec<String>,
    /// What it does.
    pub doc: String,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// Every key in the order of the schema, sections left out.
#[must_use]
pub fn describe() -> Vec<KeyReference> {
    let mut all = Vec::new();
    collect(&keys::ROOT, "", true, &mut all);
    all
}

fn collect(properties: &[Property], path: &str, variables: bool, all: &mut Vec<KeyReference>) {
    for property in properties {
        let path = keys::join(path, &property.name);
        match &property.shape {
            Shape::Section(inner) => collect(inner, &path, variables, all),
            Shape::Sections(inner) => collect(inner, &format!("{path}[]"), false, all),
            shape => all.push(KeyReference {
                takes: takes(shape),
                default: Some(property.default.clone()).filter(|default| !default.is_null()),
                variables: if variables {
                    names(property, &path)
                } else {
                    Vec::new()
                },
                doc: property.doc.clone(),
                secret: property.secret,
                path,
            }),
        }
    }
}

/// The guide's names first, then the generated one.
pub(crate) fn names(property: &Property, path: &str) -> Vec<String> {
    let generated = keys::variable(path);
    let mut names = property.variables.clone();
    names.retain(|name| *name != generated);
    names.push(generated);
    names
}

/// What a shape takes, in words that fit after "expected".
pub(crate) fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Section(_) => "a section of keys".into(),
        Shape::Sections(_) => "a list of sections".into(),
        Shape::Bool => "true or false".into(),
        Shape::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Shape::Text => "text".into(),
        Shape::Word(words) => one_of(words),
        Shape::Words(words) => format!("a list of {}", one_of(words)),
        Shape::Selection => "\"*\" or a list of text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_sentence_a_type_and_a_variable() {
        let all = describe();
        assert!(all.len() > 40, "{}", all.len());
        for key in &all {
            assert!(key.doc.ends_with('.'), "{key:?}");
            assert!(!key.takes.is_empty(), "{key:?}");
            let listed = key.path.contains("[]");
            assert_eq!(key.variables.is_empty(), listed, "{key:?}");
        }
    }

    #[test]
    fn no_two_keys_share_a_variable() {
        let mut names: Vec<String> = describe()
            .into_iter()
            .flat_map(|key| key.variables)
            .collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_key_is_described_from_its_type() {
        let all = describe();
        let find = |path: &str| all.iter().find(|key| key.path == path).unwrap();
        let leeway = find("auth.jwt.leewaySeconds");
        assert_eq!(leeway.takes, "a whole number from 0 to 600");
        assert_eq!(leeway.default, Some(60.into()));
        assert_eq!(leeway.variables, ["TASKCAST_AUTH_JWT_LEEWAY_SECONDS"]);
        let secret = find("auth.jwt.secret");
        assert_eq!(
            secret.variables,
            ["TASKCAST_JWT_SECRET", "TASKCAST_AUTH_JWT_SECRET"]
        );
        assert!(secret.secret && secret.default.is_none());
        assert_eq!(find("logLevel").takes, "debug, info, warn, or error");
        assert_eq!(find("port").variables, ["TASKCAST_PORT"]);
        assert_eq!(
            find("limits.publishBodyBytes").default,
            Some((8 << 20).into())
        );
        assert_eq!(find("limits.subscribers").default, None);
        assert!(
            find("trustedServices[].scope")
                .takes
                .starts_with("a list of task:create")
        );
        assert_eq!(find("cors.origins").takes, "\"*\" or a list of text");
    }
}
