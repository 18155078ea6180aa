//! Bytes that things take in memory, about: what the budget of the store counts.

use crate::plan::Plan;
use taskcast_core::{Slot, TaskRecord};

/// A task with nothing in it: its record, its log, its places in the indexes.
const TASK: u64 = 1_500;
/// A tombstone, a producer, an idempotency key.
const SMALL: u64 = 200;

/// A slot as it lies in a log.
pub(super) fn slot(slot: &Slot) -> u64 {
    match slot {
        Slot::Event(event) => event.weight() as u64,
        Slot::Tombstone(tombstone) => SMALL + tombstone.event_type.as_str().len() as u64,
    }
}

/// A record with all that belongs to a task but its log.
pub(super) fn record(record: &TaskRecord) -> u64 {
    TASK + record.weight() as u64
}

/// What a commit appends to a task, apart from its record.
pub(super) fn appended(plan: &Plan) -> u64 {
    let events = plan.events.iter().map(|event| event.weight() as u64);
    let texts = plan.joined.iter().map(|piece| piece.span.len());
    let once = u64::from(plan.producer.is_some()) + u64::from(plan.key.is_some());
    events.sum::<u64>() + texts.sum::<u64>() + once * SMALL
}
