//! Keys, words and variables of features that this build does not have: known, and refused.

use crate::parse::{Entry, Value};

/// Keys and what they belong to.
const KEYS: [(&str, &str); 11] = [
    ("webhook", "webhook delivery"),
    ("cleanup", "cleanup rules"),
    ("workers", "worker assignment"),
    ("storageLifecycle", "moving tasks between stores"),
    ("longTerm", "a long-term store"),
    ("metrics", "metrics"),
    ("adapters.longTerm", "a long-term store"),
    ("adapters.longTermStore", "a long-term store"),
    ("adapters.broadcast.url", "a Redis broadcast"),
    ("adapters.shortTerm.url", "a Redis or PostgreSQL store"),
    ("adapters.shortTermStore.url", "a Redis or PostgreSQL store"),
];

/// Variables that choose something this build cannot do; ignoring them could lose data.
pub(crate) const REFUSED_VARIABLES: [(&str, &str); 2] = [
    ("TASKCAST_REDIS_URL", "Redis"),
    ("TASKCAST_POSTGRES_URL", "PostgreSQL"),
];

/// Beginnings of variables that tune something this build does not have.
const IDLE_VARIABLES: [&str; 14] = [
    "TASKCAST_SENTRY_",
    "TASKCAST_WEBHOOK_",
    "TASKCAST_CLEANUP_",
    "TASKCAST_WORKERS_",
    "TASKCAST_METRICS_",
    "TASKCAST_LONG_TERM_",
    "TASKCAST_STORAGE_LIFECYCLE_",
    "TASKCAST_ADAPTERS_LONG_TERM_",
    "TASKCAST_HOT_RETENTION_",
    "TASKCAST_STORAGE_LOCK_TTL_SECONDS",
    "TASKCAST_TTL_SWEEP_",
    "TASKCAST_REDIS_",
    "TASKCAST_POSTGRES_",
    "TASKCAST_AUTO_MIGRATE",
];

/// What a key belongs to, when its feature is not built.
pub(crate) fn feature(path: &str) -> Option<&'static str> {
    KEYS.iter()
        .find(|(key, _)| *key == path)
        .map(|(_, feature)| *feature)
}

/// Whether the key's feature is not built.
pub(crate) fn is_later(path: &str) -> bool {
    feature(path).is_some()
}

/// The names of such keys directly below `section`.
pub(crate) fn names_below(section: &str) -> impl Iterator<Item = &str> {
    KEYS.iter()
        .filter_map(move |(key, _)| match key.rsplit_once('.') {
            Some((parent, name)) => (parent == section).then_some(name),
            None => section.is_empty().then_some(*key),
        })
}

/// Whether a variable belongs to a feature that is not built.
pub(crate) fn is_idle_variable(name: &str) -> bool {
    IDLE_VARIABLES
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

/// A `url` beside a provider that is refused itself needs no words of its own.
pub(crate) fn goes_without_saying(key: &str, siblings: &[Entry]) -> bool {
    let later = |entry: &Entry| {
        entry.key == "provider"
            && matches!(&entry.node.value, Value::Text(text)
                if ["redis", "postgres"].contains(&text.text.as_str()))
    };
    key == "url" && siblings.iter().any(later)
}
