//! How often things are done: reduced for every change, full for a release.

/// Whether the full counts are asked for.
pub(crate) fn full() -> bool {
    std::env::var("TASKCAST_TEST_COUNTS").is_ok_and(|counts| counts == "full")
}

/// The reduced or the full count.
pub(crate) fn count(reduced: usize, full_count: usize) -> usize {
    if full() { full_count } else { reduced }
}
