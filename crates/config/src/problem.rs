//! What is wrong with a configuration, said so that it can be put right.

use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "source")]
pub enum Place {
    /// In a file; the line and column start at 1 and are absent where the file itself is at fault.
    #[serde(rename_all = "camelCase")]
    File {
        /// The file.
        path: PathBuf,
        /// The line and column, where known.
        at: Option<Position>,
    },
    /// In an environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// On the command line.
    Flag {
        /// The flag, with its dashes.
        name: String,
    },
}

/// A place in a file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, at: None } => write!(f, "{}", path.display()),
            Self::File { path, at: Some(at) } => {
                write!(f, "{}:{}:{}", path.display(), at.line, at.column)
            }
            Self::Variable { name } | Self::Flag { name } => f.write_str(name),
        }
    }
}

/// One thing that is wrong. Never holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problem {
    /// Where it was found.
    pub place: Place,
    /// The key it concerns, as `auth.jwt.secret`.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(place: Place, key: &str, message: impl Into<String>) -> Self {
        Self {
            place,
            key: Some(key.to_owned()),
            message: message.into(),
            hint: None,
        }
    }

    /// A problem of a file as a whole, or of its syntax.
    pub(crate) fn of_file(
        path: impl Into<PathBuf>,
        at: Option<Position>,
        message: impl Into<String>,
    ) -> Self {
        let place = Place::File {
            path: path.into(),
            at,
        };
        Self {
            place,
            key: None,
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    #[must_use]
    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            write!(f, "{}: ", OneLine(key))?;
        }
        write!(f, "{}", OneLine(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "; {}", OneLine(hint)),
            None => Ok(()),
        }
    }
}

/// Text of a file inside a message: it can neither break the line nor flood it.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 400;
        for c in self.0.chars().take(LONGEST) {
            match c.is_control() {
                true => write!(f, "{}", c.escape_default())?,
                false => write!(f, "{c}")?,
            }
        }
        f.write_str(if self.0.chars().nth(LONGEST).is_some() {
            "…"
        } else {
            ""
        })
    }
}

/// Everything that is wrong with a configuration, in the order of files, variables, flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigErrors(pub Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
