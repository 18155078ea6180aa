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
}

impl AccessMemory {
    const PER_GENERATION: usize = 8_192;

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
        if self.young.len() >= AccessMemory::PER_GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, access);
    }
}
