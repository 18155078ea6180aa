//! Who may do what with a task: asked on every publish, so it is remembered.
//!
//! The rules of a task never change while its log lives, so they are kept by task together with
//! the epoch they belong to. A commit made on the strength of remembered rules is fenced by that
//! epoch: if the task was recreated meanwhile, the commit fails and the rules are read again.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use taskcast_core::{AuthConfig, Epoch, TaskId};
use taskcast_store::TaskState;

/// What decides about access to a task.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) epoch: Epoch,
    pub(crate) rules: Option<Arc<AuthConfig>>,
}

impl Access {
    pub(crate) fn of(state: &TaskState) -> Self {
        let rules = state.record.auth_config.clone().map(Arc::new);
        Self {
            epoch: state.epoch,
            rules,
        }
    }
}

/// Remembered access, bounded: two generations, of which the older is dropped when the younger is
/// full, so what is in use stays.
#[derive(Debug, Default)]
pub(crate) struct AccessMemory(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<TaskId, Access>,
    old: HashMap<TaskId, Access>,
    /// Bytes of the rules that were put among the young, about.
    young_bytes: usize,
}

impl AccessMemory {
    const PER_GENERATION: usize = 8_192;
    const BYTES_PER_GENERATION: usize = 16 << 20;

    pub(crate) fn get(&self, id: &TaskId) -> Option<Access> {
        let mut generations = self.0.lock();
        if let Some(access) = generations.young.get(id) {
            return Some(access.clone());
        }
        let access = generations.old.remove(id)?;
        generations.insert(id.clone(), access.clone());
        Some(access)
    }

    pub(crate) fn put(&self, id: TaskId, access: Access) {
        self.0.lock().insert(id, access);
    }

    pub(crate) fn forget(&self, id: &TaskId) {
        let mut generations = self.0.lock();
        generations.young.remove(id);
        generations.old.remove(id);
    }
}

impl Generations {
    fn insert(&mut self, id: TaskId, access: Access) {
        if self.young.len() >= AccessMemory::PER_GENERATION
            || self.young_bytes >= AccessMemory::BYTES_PER_GENERATION
        {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += access.rules.as_ref().map_or(0, |rules| rules.weight());
        self.young.insert(id, access);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rules_are_remembered_within_a_bound_of_bytes() {
        let rules = format!(
            r#"{{"rules":[{{"match":{{"scope":["*"]}},"require":{{"sub":["{}"]}}}}]}}"#,
            "x".repeat(1 << 20)
        );
        let access = Access {
            epoch: Epoch(1),
            rules: Some(Arc::new(serde_json::from_str(&rules).unwrap())),
        };
        let memory = AccessMemory::default();
        let id = |n: usize| TaskId::new(format!("t{n}")).unwrap();
        for n in 0..100 {
            memory.put(id(n), access.clone());
        }
        let kept = (0..100).filter(|n| memory.get(&id(*n)).is_some()).count();
        assert!((16..=33).contains(&kept), "{kept} are kept");
        assert!(memory.get(&id(99)).is_some());
    }
}
