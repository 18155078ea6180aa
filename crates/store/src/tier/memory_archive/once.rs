//! What a log remembers so that commits happen once, in the order of use.

use crate::plan::{KeptKey, KeptProducer};
use crate::tier::OnceImage;
use taskcast_core::{Index, Limits, ProducerId};

#[derive(Debug, Default)]
pub(super) struct KeptOnce(OnceImage);

impl KeptOnce {
    /// Takes what is newer; what was unused longest gives way.
    pub(super) fn take(&mut self, newer: &OnceImage, limits: &Limits) {
        let OnceImage { producers, keys } = &mut self.0;
        merge(producers, &newer.producers, limits.producers_per_task);
        merge(keys, &newer.keys, limits.idempotency_keys_per_task);
    }

    /// Forgets what names events from `to` on.
    pub(super) fn rewind(&mut self, to: Index) {
        let producer = |(_, kept): &(ProducerId, KeptProducer)| {
            kept.original.first.plus(kept.original.count) <= to
        };
        let key =
            |(_, kept): &(Box<str>, KeptKey)| kept.original.first.plus(kept.original.count) <= to;
        self.0.producers.retain(producer);
        self.0.keys.retain(key);
    }

    pub(super) fn image(&self) -> OnceImage {
        self.0.clone()
    }
}

fn merge<K: Clone + PartialEq, V: Clone>(kept: &mut Vec<(K, V)>, newer: &[(K, V)], limit: usize) {
    for (key, value) in newer {
        kept.retain(|(known, _)| known != key);
        kept.push((key.clone(), value.clone()));
    }
    let over = kept.len().saturating_sub(limit);
    kept.drain(..over);
}
