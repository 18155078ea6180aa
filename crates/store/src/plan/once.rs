//! What makes a commit happen once: positions of producers, and keys of requests.

use super::{CommitView, KeptKey, KeptProducer};
use crate::{CommitError, KeyClaim, Once, ProducerClaim};
use taskcast_core::{Limits, Millis};

/// Refuses a commit that happened before, or that does not follow what its producer sent before.
pub(super) fn check(
    once: Option<&Once>,
    now: Millis,
    limits: &Limits,
    view: &mut dyn CommitView,
) -> Result<(), CommitError> {
    match once {
        Some(Once::Producer(claim)) => check_producer(claim, view.producer(&claim.id)?),
        Some(Once::Key(claim)) => check_key(claim, view.key(&claim.key)?, now, limits),
        None => Ok(()),
    }
}

fn check_producer(claim: &ProducerClaim, kept: Option<KeptProducer>) -> Result<(), CommitError> {
    let fits = |expected: u64| match claim.first {
        first if first == expected => Ok(()),
        received => Err(CommitError::ProducerGap { expected, received }),
    };
    let Some(kept) = kept else {
        return start(claim);
    };
    let position = kept.position;
    match claim.epoch {
        epoch if epoch < position.epoch => Err(CommitError::ProducerFenced {
            current: position.epoch,
        }),
        epoch if epoch > position.epoch => start(claim),
        _ if claim.last <= position.seq => {
            let newest = claim.first == kept.first && claim.last == position.seq;
            Err(CommitError::Duplicate {
                original: newest.then_some(kept.original),
            })
        }
        _ => fits(position.seq.saturating_add(1)),
    }
}

fn start(claim: &ProducerClaim) -> Result<(), CommitError> {
    if claim.first == 0 {
        return Ok(());
    }
    Err(CommitError::ProducerStart {
        received: claim.first,
    })
}

fn check_key(
    claim: &KeyClaim,
    kept: Option<KeptKey>,
    now: Millis,
    limits: &Limits,
) -> Result<(), CommitError> {
    let age = u64::try_from(limits.idempotency_key_age.as_millis()).unwrap_or(u64::MAX);
    match kept.filter(|kept| now < kept.at.plus_millis(age)) {
        None => Ok(()),
        Some(kept) if kept.body == claim.body => Err(CommitError::Duplicate {
            original: Some(kept.original),
        }),
        Some(_) => Err(CommitError::KeyReused),
    }
}
