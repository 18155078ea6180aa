//! The table of keys, read from the JSON schema: what each is called, takes and defaults to.

use crate::model::Config;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::sync::LazyLock;

/// The JSON schema (draft 2020-12) of a configuration file, without references.
#[must_use]
pub fn json_schema() -> Value {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Config>()
        .to_value()
}

/// A key below its section.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    /// Variables beside the generated one.
    pub(crate) variables: Vec<String>,
    pub(crate) doc: String,
    pub(crate) default: Value,
    pub(crate) secret: bool,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// What a key takes.
#[derive(Debug)]
pub(crate) enum Shape {
    Section(Vec<Property>),
    /// A list of sections.
    Sections(Vec<Property>),
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    Text,
    Word(Vec<String>),
    /// A list of these words.
    Words(Vec<String>),
    /// `*` or a list of text.
    Selection,
}

/// Every key of the configuration.
pub(crate) static ROOT: LazyLock<Vec<Property>> = LazyLock::new(|| properties(&json_schema()));

impl Property {
    /// Whether one environment variable can set it.
    pub(crate) fn is_single(&self) -> bool {
        !matches!(self.shape, Shape::Section(_) | Shape::Sections(_))
    }
}

/// `auth.jwt` and `secret` make `auth.jwt.secret`.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The generated variable: `TASKCAST_` and the path in upper snake case.
pub(crate) fn variable(path: &str) -> String {
    path.chars().fold("TASKCAST_".to_owned(), |mut name, c| {
        match c {
            '.' => name.push('_'),
            c if c.is_ascii_uppercase() => name.extend(['_', c]),
            c => name.push(c.to_ascii_uppercase()),
        }
        name
    })
}

fn properties(schema: &Value) -> Vec<Property> {
    let required = words(schema, "required");
    let entries = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    entries
        .map(|(name, schema)| property(name, schema, required.contains(name)))
        .collect()
}

fn property(name: &str, schema: &Value, required: bool) -> Property {
    let doc = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Property {
        name: name.to_owned(),
        aliases: words(schema, "x-aliases"),
        variables: words(schema, "x-variables"),
        doc: doc.split_whitespace().collect::<Vec<_>>().join(" "),
        default: schema.get("default").cloned().unwrap_or(Value::Null),
        secret: schema.get("format").and_then(Value::as_str) == Some("password"),
        required,
        shape: shape(present(schema)),
    }
}

/// An optional key's schema admits `null` beside the real one.
fn present(schema: &Value) -> &Value {
    let variants = schema.get("anyOf").and_then(Value::as_array);
    variants
        .and_then(|all| {
            all.iter()
                .find(|one| one.get("type") != Some(&Value::from("null")))
        })
        .unwrap_or(schema)
}

fn shape(schema: &Value) -> Shape {
    if let Some(words) = enumeration(schema) {
        return Shape::Word(words);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    let bound = |name| schema.get(name).and_then(Value::as_i64);
    match kind {
        Some("object") => Shape::Section(properties(schema)),
        Some("boolean") => Shape::Bool,
        Some("integer") => Shape::Integer {
            min: bound("minimum").unwrap_or(0),
            max: bound("maximum").unwrap_or(i64::MAX),
        },
        Some("array") => list(schema.get("items").unwrap_or(&Value::Null)),
        Some(_) => Shape::Text,
        None => Shape::Selection,
    }
}

fn list(items: &Value) -> Shape {
    match enumeration(items) {
        Some(words) => Shape::Words(words),
        None => Shape::Sections(properties(items)),
    }
}

/// The words of an enumeration: `enum`, or one `const` for each documented variant.
fn enumeration(schema: &Value) -> Option<Vec<String>> {
    if schema.get("enum").is_some() {
        return Some(words(schema, "enum"));
    }
    let variants = schema.get("oneOf").and_then(Value::as_array)?;
    let word = |variant: &Value| {
        variant
            .get("const")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    variants.iter().map(word).collect()
}

fn words(schema: &Value, name: &str) -> Vec<String> {
    let list = schema
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
