//! A number for waiting times, so that instances do not all come back at one moment.

use std::hash::{BuildHasher, RandomState};

/// From 0 to 1, another one each time.
pub(crate) fn part() -> f64 {
    let drawn = RandomState::new().hash_one(0) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = drawn as f64 / (1_u64 << 53) as f64;
    part
}

/// Any number.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(0)
}
