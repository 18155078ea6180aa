//! A small generator of random numbers that a seed replays (splitmix64).

use std::hash::{BuildHasher, RandomState};

pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(super) fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap_or(0)]
    }
}

/// The seeds to run: the one in `TASKCAST_SEED`, or else `count` fresh ones. Each is printed, so
/// that a failure shows what replays it.
pub(super) fn seeds(count: usize) -> Vec<u64> {
    match std::env::var("TASKCAST_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..count as u64)
            .map(|n| RandomState::new().hash_one(n))
            .collect(),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the test harness shows it when the test fails"
)]
pub(super) fn announce(seed: u64) {
    eprintln!("replay with TASKCAST_SEED={seed}");
}
