//! Random choices that a seed repeats.

use std::hash::{BuildHasher, RandomState};

/// A small generator (SplitMix64): good enough to choose, repeatable everywhere.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// From `TASKCAST_TEST_SEED`, or a fresh seed; prints it either way.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("TASKCAST_TEST_SEED").ok();
        let seed = match given {
            Some(text) => text.parse().unwrap(),
            None => RandomState::new().hash_one(std::process::id()),
        };
        println!("TASKCAST_TEST_SEED={seed}");
        Self(seed)
    }

    /// One more generator, which goes its own way.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// The same for sizes.
    pub(crate) fn size(&mut self, low: usize, high: usize) -> usize {
        let span = (high - low + 1) as u64;
        low + usize::try_from(self.next() % span).unwrap()
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.size(0, choices.len() - 1)]
    }
}
