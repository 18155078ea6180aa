//! What a task remembers so that a commit happens at most once.

use super::remembered::Remembered;
use crate::plan::{KeptKey, KeptProducer};
use taskcast_core::{CommitNumber, Limits, Millis, ProducerId};

pub(super) type Producers = Remembered<ProducerId, KeptProducer>;
pub(super) type Keys = Remembered<Box<str>, KeptKey>;

/// Remembers a key, and forgets those whose time has passed.
pub(super) fn remember_key(
    keys: &mut Keys,
    (key, kept): (Box<str>, KeptKey),
    commit: CommitNumber,
    now: Millis,
    limits: &Limits,
) {
    let age = u64::try_from(limits.idempotency_key_age.as_millis()).unwrap_or(u64::MAX);
    keys.forget_while(|kept| kept.at.plus_millis(age) <= now);
    keys.put(key, kept, commit, limits.idempotency_keys_per_task);
}
