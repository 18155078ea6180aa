//! Text to a tree of nodes that remember their place; YAML and JSON, both bounded.

mod json;
mod node;
mod yaml;

pub(crate) use node::{Entry, Node, Text, Value, Written};

use crate::problem::Position;
use std::path::Path;

/// The largest configuration file, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most nodes a file may hold, each expansion of an alias counted.
pub(crate) const MAX_NODES: usize = 20_000;
/// The deepest nesting.
pub(crate) const MAX_DEPTH: usize = 32;

/// Why a text is not a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Option<Position>,
    pub(crate) message: String,
}

impl SyntaxError {
    pub(crate) fn at(at: Position, message: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            message: message.into(),
        }
    }
}

/// Parses by the file's extension: `.json` is JSON, everything else YAML.
///
/// An empty file, or one of comments only, is an empty configuration.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Option<Node>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    {
        json::parse(text).map(Some)
    } else {
        yaml::parse(text)
    }
}
