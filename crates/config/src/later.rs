//! Keys and variables that are known and refused, or ignored: of features that this build does not
//! have, and of work that needs no setting here.

/// Keys and why each is refused: the feature they belong to is not built.
const LATER: [(&str, &str); 4] = [
    ("webhook", "webhook delivery"),
    ("cleanup", "cleanup rules"),
    ("workers", "worker assignment"),
    ("metrics", "metrics"),
];

/// Keys that would have no effect.
const NEEDLESS: [(&str, &str); 2] = [
    ("storageLifecycle.ttlSweepIntervalSeconds", SWEEP),
    ("storageLifecycle.ttlSweepBatchSize", SWEEP),
];

const SWEEP: &str = "deadlines are kept in order and fire by themselves: there is no sweep to tune";

/// Beginnings of variables that tune something this build does not have.
const LATER_VARIABLES: [&str; 5] = [
    "TASKCAST_SENTRY_",
    "TASKCAST_WEBHOOK_",
    "TASKCAST_CLEANUP_",
    "TASKCAST_WORKERS_",
    "TASKCAST_METRICS_",
];

/// Beginnings of variables that would have no effect.
const NEEDLESS_VARIABLES: [(&str, &str); 2] = [
    ("TASKCAST_TTL_SWEEP_", SWEEP),
    (
        "TASKCAST_REDIS_LEGACY_",
        "the keys of other versions are not written",
    ),
];

/// Why a key is refused, and what to do about it.
pub(crate) fn refusal(path: &str) -> Option<String> {
    let of = |table: &[(&'static str, &'static str)]| {
        let found = table.iter().find(|(key, _)| *key == path);
        found.map(|(_, why)| *why)
    };
    of(&LATER)
        .map(|feature| format!("not supported yet by this build ({feature})"))
        .or_else(|| of(&NEEDLESS).map(str::to_owned))
}

/// Whether the key is refused whatever it says.
pub(crate) fn is_refused(path: &str) -> bool {
    refusal(path).is_some()
}

/// The names of keys directly below `section` whose feature is not built.
pub(crate) fn names_below(section: &str) -> impl Iterator<Item = &str> {
    LATER
        .iter()
        .filter_map(move |(key, _)| section.is_empty().then_some(*key))
}

/// Why a variable is ignored, when it is known.
pub(crate) fn why_ignored(name: &str) -> Option<&'static str> {
    if LATER_VARIABLES.iter().any(|one| name.starts_with(one)) {
        return Some("not supported yet by this build");
    }
    let needless = NEEDLESS_VARIABLES
        .iter()
        .find(|(one, _)| name.starts_with(one));
    needless.map(|(_, why)| *why)
}
