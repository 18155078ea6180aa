//! A bounded map that forgets what was written longest ago.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use taskcast_core::CommitNumber;

/// Values by key, each with the commit that wrote it; a commit writes one at most.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    values: HashMap<K, (CommitNumber, V)>,
    by_commit: BTreeMap<CommitNumber, K>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            by_commit: BTreeMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    pub(super) fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key).map(|(_, value)| value)
    }

    /// Writes a value and forgets the oldest ones beyond `limit`.
    pub(super) fn put(&mut self, key: K, value: V, commit: CommitNumber, limit: usize) {
        if let Some((before, _)) = self.values.insert(key.clone(), (commit, value)) {
            self.by_commit.remove(&before);
        }
        self.by_commit.insert(commit, key);
        while self.values.len() > limit {
            self.forget_oldest();
        }
    }

    /// What was written by commits after `after`, in their order.
    pub(super) fn since(&self, after: CommitNumber) -> Vec<(K, V)>
    where
        V: Clone,
    {
        let keys = self.by_commit.range(after.next()..).map(|(_, key)| key);
        keys.filter_map(|key| Some((key.clone(), self.get(key)?.clone())))
            .collect()
    }

    /// Forgets the oldest values as long as `old` says so.
    pub(super) fn forget_while(&mut self, old: impl Fn(&V) -> bool) {
        while let Some((_, key)) = self.by_commit.first_key_value()
            && self.get(key).is_some_and(&old)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_commit.pop_first() {
            self.values.remove(&key);
        }
    }
}
