//! Names that callers choose: parsed once, right everywhere after.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The longest name of any kind, in UTF-8 bytes.
pub(crate) const MAX_BYTES: usize = 256;

/// What a name was meant for; makes [`IdError`] readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// The id of a task.
    Task,
    /// The type of an event or a task.
    Type,
    /// The id of a series within a task.
    Series,
    /// The id of an exactly-once producer within a task.
    Producer,
    /// A tag of a task.
    Tag,
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task => "task id",
            Self::Type => "type",
            Self::Series => "series id",
            Self::Producer => "producer id",
            Self::Tag => "tag",
        })
    }
}

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The name is the empty string.
    #[error("a {0} must not be empty")]
    Empty(IdKind),
    /// The name has more than 256 bytes of UTF-8.
    #[error("a {kind} has at most 256 bytes; this one has {bytes}")]
    TooLong {
        /// What the name was meant for.
        kind: IdKind,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The name holds a control character (line ends and NUL among them).
    #[error("a {0} must not contain control characters")]
    Control(IdKind),
    /// The name is `.` or `..`, which clients and proxies fold out of paths.
    #[error("`.` and `..` cannot be a {0}, because paths fold them away")]
    Dots(IdKind),
}

impl IdError {
    /// What the name was meant for.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        match self {
            Self::Empty(kind) | Self::Control(kind) | Self::Dots(kind) => *kind,
            Self::TooLong { kind, .. } => *kind,
        }
    }
}

fn check(text: &str, kind: IdKind) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty(kind));
    }
    if text.len() > MAX_BYTES {
        return Err(IdError::TooLong {
            kind,
            bytes: text.len(),
        });
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::Control(kind));
    }
    if kind == IdKind::Task && matches!(text, "." | "..") {
        return Err(IdError::Dots(kind));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        ///
        /// 1 to 256 bytes of UTF-8 without control characters. Cheap to clone.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes the name.
            ///
            /// # Errors
            /// When the name breaks a rule of [`IdError`].
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check(text, $kind)?;
                Ok(Self(Arc::from(text)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// The id of a task. `.` and `..` are refused.
    TaskId, IdKind::Task
}
name! {
    /// The type of an event (`llm.delta`) or of a task (`llm.chat`); dots separate words.
    EventType, IdKind::Type
}
name! {
    /// The id of a series within a task.
    SeriesId, IdKind::Series
}
name! {
    /// The id of an exactly-once producer within a task.
    ProducerId, IdKind::Producer
}
name! {
    /// A tag of a task.
    Tag, IdKind::Tag
}

impl TaskId {
    /// The id that has the form of a ULID with the bits of an [`crate::EventId`].
    #[must_use]
    pub fn from_ulid(bits: &crate::EventId) -> Self {
        Self(Arc::from(bits.to_string()))
    }
}

impl EventType {
    /// The prefix of types that only Taskcast itself publishes.
    pub const RESERVED_PREFIX: &'static str = "taskcast:";
    /// The type of the event that every transition appends.
    pub const STATUS: &'static str = "taskcast:status";
    /// The type of the event that tells what a blocked task asks for.
    pub const BLOCKED: &'static str = "taskcast:blocked";
    /// The type of the event that tells how a blocked task was answered.
    pub const RESOLVED: &'static str = "taskcast:resolved";

    /// Whether only Taskcast itself may publish this type.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.as_str().starts_with(Self::RESERVED_PREFIX)
    }

    /// A type that the code itself names.
    pub(crate) fn builtin(text: &'static str) -> Self {
        Self(Arc::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_1_to_256_bytes_and_no_control_characters() {
        assert_eq!(TaskId::new(""), Err(IdError::Empty(IdKind::Task)));
        assert!(TaskId::new("a".repeat(256)).is_ok());
        assert!(matches!(
            TaskId::new("a".repeat(257)),
            Err(IdError::TooLong { bytes: 257, .. })
        ));
        for hostile in ["a\nb", "a\rb", "a\0b", "\u{85}", "\u{7f}"] {
            assert_eq!(EventType::new(hostile), Err(IdError::Control(IdKind::Type)));
        }
        assert_eq!(TaskId::new(".."), Err(IdError::Dots(IdKind::Task)));
        assert!(EventType::new("..").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_accepted_comes_back_unchanged(text in "\\PC{1,60}") {
            if let Ok(id) = SeriesId::new(&text) {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
