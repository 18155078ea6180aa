//! Randomness, passed in: ids of tasks and epochs of logs.

use taskcast_core::{Epoch, EventId, Index, Millis, TaskId};

/// A source of random numbers.
pub trait Random: Send + Sync + 'static {
    /// The next number; all 64 bits are random.
    fn next(&self) -> u64;
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next(&self) -> u64 {
        // Without a working random source nothing can be told apart; the kernel does not fail here
        // once it has booted. The address of a local is a poor, but not a constant, substitute.
        getrandom::u64().unwrap_or_else(|_| std::ptr::from_ref(&0_u8).addr() as u64)
    }
}

/// A ULID for a new task: sorts by time, and cannot be guessed.
pub(crate) fn task_id(random: &dyn Random, now: Millis) -> TaskId {
    let (high, low) = (random.next(), random.next());
    ulid(now, high, low)
}

/// The ULID made of a time and 80 of the given bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "32 of the 64 bits are wanted"
)]
pub(crate) fn ulid(now: Millis, high: u64, low: u64) -> TaskId {
    let bits = EventId {
        at: now,
        epoch: Epoch(high as u32),
        index: Index(low & (Index::LIMIT.0 - 1)),
    };
    TaskId::from_ulid(&bits)
}

/// The epoch of a new log.
#[expect(
    clippy::cast_possible_truncation,
    reason = "32 of the 64 bits are wanted"
)]
pub(crate) fn epoch(random: &dyn Random) -> Epoch {
    Epoch(random.next() as u32)
}
