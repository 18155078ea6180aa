//! The tree that both formats become.

use super::{MAX_NODES, SyntaxError};
use crate::problem::Position;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What a node holds. Numbers keep their text: the key decides what they may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// Text, and where it came from: what came from a variable is never shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) written: Written,
}

/// How a text came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It stands in the file.
    Literally,
    /// Variables are part of it.
    WithVariables,
    /// It is exactly one variable, and takes the type its key needs.
    AsVariable,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text {
            text: text.into(),
            written: Written::Literally,
        })
    }

    /// What a person would call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a section",
        }
    }
}

/// Counts nodes, so that neither length nor aliases can make a tree large.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    used: usize,
}

impl Budget {
    pub(crate) fn take(&mut self, nodes: usize, at: Position) -> Result<(), SyntaxError> {
        self.used = self.used.saturating_add(nodes);
        if self.used > MAX_NODES {
            return Err(SyntaxError::at(
                at,
                format!("a configuration holds at most {MAX_NODES} values (aliases count in full)"),
            ));
        }
        Ok(())
    }
}

/// The most keys one section may hold; it also bounds the search for duplicates.
const MAX_KEYS: usize = 512;

/// Adds an entry unless its key is there already.
pub(crate) fn insert(entries: &mut Vec<Entry>, entry: Entry) -> Result<(), SyntaxError> {
    if entries.len() >= MAX_KEYS {
        let message = format!("a section holds at most {MAX_KEYS} keys");
        return Err(SyntaxError::at(entry.at, message));
    }
    if let Some(first) = entries.iter().find(|known| known.key == entry.key) {
        let message = format!(
            "`{}` is given twice; first on line {}",
            entry.key, first.at.line
        );
        return Err(SyntaxError::at(entry.at, message));
    }
    entries.push(entry);
    Ok(())
}
