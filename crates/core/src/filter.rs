//! Filters: which events a reader asked for.

use crate::{EventType, Level};

/// A pattern over types: `*` matches all, `p.*` what begins with `p.`, anything else itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypePattern {
    /// `*`
    Any,
    /// `p.*`, kept with its dot.
    Prefix(Box<str>),
    /// Anything else.
    Exact(Box<str>),
}

impl TypePattern {
    /// Reads a pattern; every text is one.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some("") => Self::Any,
            Some(prefix) if prefix.ends_with('.') => Self::Prefix(prefix.into()),
            _ => Self::Exact(text.into()),
        }
    }

    /// Whether the pattern matches a type.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Exact(exact) => **exact == *text,
        }
    }
}

/// A filter with more patterns than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a filter has at most {limit} patterns and levels; this one has {given}")]
pub struct FilterError {
    /// The most patterns taken.
    pub limit: usize,
    /// How many were given.
    pub given: usize,
}

/// Which events a reader asked for. All conditions have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventFilter {
    /// Patterns of which one has to match; absent: every type; empty: none.
    pub types: Option<Vec<TypePattern>>,
    /// Levels of which one has to match; absent: every level; empty: none.
    pub levels: Option<Vec<Level>>,
    /// Whether `taskcast:status` events are wanted.
    pub include_status: bool,
}

impl Default for EventFilter {
    /// Everything.
    fn default() -> Self {
        Self {
            types: None,
            levels: None,
            include_status: true,
        }
    }
}

impl EventFilter {
    /// Whether every event matches, so that filtered positions are indexes.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.levels.is_none()
            && self.include_status
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.contains(&TypePattern::Any))
    }

    /// Whether events of this type and level were asked for.
    #[must_use]
    pub fn matches(&self, event_type: &EventType, level: Level) -> bool {
        let text = event_type.as_str();
        (self.include_status || text != EventType::STATUS)
            && self
                .levels
                .as_ref()
                .is_none_or(|levels| levels.contains(&level))
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.iter().any(|p| p.matches(text)))
    }

    /// Refuses a filter with more than `limit` patterns.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn check(&self, limit: usize) -> Result<(), FilterError> {
        let given = self
            .types
            .as_ref()
            .map_or(0, Vec::len)
            .max(self.levels.as_ref().map_or(0, Vec::len));
        if given > limit {
            Err(FilterError { limit, given })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matches: &[&str], misses: &[&str]) {
        let parsed = TypePattern::parse(pattern);
        for text in matches {
            assert!(parsed.matches(text), "{pattern} should match {text}");
        }
        for text in misses {
            assert!(!parsed.matches(text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn patterns_are_a_name_a_prefix_or_everything() {
        check("*", &["", "a", "a.b"], &[]);
        check("llm.*", &["llm.a", "llm.a.b"], &["llm", "llmx.a"]);
        check("llm", &["llm"], &["llm.a"]);
        check("p*", &["p*"], &["px"]);
        check("a.*.c", &["a.*.c"], &["a.b.c"]);
    }

    #[test]
    fn conditions_are_joined_and_empty_lists_match_nothing() {
        let status = EventType::builtin(EventType::STATUS);
        let all = EventFilter::default();
        assert!(all.is_all() && all.matches(&status, Level::Debug));
        let hidden = EventFilter {
            include_status: false,
            ..all.clone()
        };
        assert!(!hidden.matches(&status, Level::Info));
        let none = EventFilter {
            types: Some(vec![]),
            ..all.clone()
        };
        assert!(!none.matches(&status, Level::Info));
        let levels = EventFilter {
            levels: Some(vec![Level::Warn]),
            ..all
        };
        assert!(levels.matches(&status, Level::Warn) && !levels.matches(&status, Level::Info));
    }
}
