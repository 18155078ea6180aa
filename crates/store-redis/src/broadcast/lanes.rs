//! Which lane brings the messages of which partition.

use super::wanted::Wanted;
use crate::keys::Keys;
use parking_lot::Mutex;
use std::sync::Arc;
use taskcast_core::TaskId;
use taskcast_store::{Interest, Partition};

/// The lanes of a listener, partition by partition.
pub(super) struct Lanes {
    keys: Keys,
    /// Before a lane is known a set stands here that no lane serves. Held for memory operations
    /// only.
    of_partition: Mutex<Vec<Arc<Wanted>>>,
}

impl Lanes {
    pub(super) fn new(keys: Keys) -> Self {
        let parked = Arc::new(Wanted::default());
        let of_partition = keys.all().map(|_| parked.clone()).collect();
        Self {
            keys,
            of_partition: Mutex::new(of_partition),
        }
    }

    /// Gives every partition its lane, and moves the tasks along. Without one it keeps what it has.
    pub(super) fn route(&self, lane: impl Fn(Partition) -> Option<Arc<Wanted>>) {
        let mut of_partition = self.of_partition.lock();
        let lanes = self.keys.all().zip(of_partition.iter());
        let new: Vec<Arc<Wanted>> = lanes
            .map(|(partition, old)| lane(partition).unwrap_or_else(|| old.clone()))
            .collect();
        let of = |task: &TaskId| new.get(usize::from(self.keys.partition(task).0));
        for old in of_partition.iter() {
            let elsewhere = |task: &TaskId| of(task).is_some_and(|lane| !Arc::ptr_eq(lane, old));
            for task in old.take(elsewhere) {
                if let Some(lane) = of(&task) {
                    lane.add(&task);
                }
            }
        }
        *of_partition = new;
    }

    fn with(&self, task: &TaskId, change: impl Fn(&Wanted)) {
        // The lock is held until the change is made, so that no task is left behind by `route`.
        let of_partition = self.of_partition.lock();
        let partition = usize::from(self.keys.partition(task).0);
        if let Some(lane) = of_partition.get(partition) {
            change(lane);
        }
    }
}

impl Interest for Lanes {
    fn follow(&self, task: &TaskId) {
        self.with(task, |lane| lane.add(task));
    }

    fn unfollow(&self, task: &TaskId) {
        self.with(task, |lane| lane.remove(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_go_along_when_their_partition_gets_another_lane() {
        let lanes = Lanes::new(Keys::new("t", 2));
        let task = TaskId::new("a").unwrap();
        lanes.follow(&task);
        let (first, second) = (Arc::new(Wanted::default()), Arc::new(Wanted::default()));
        lanes.route(|_| Some(first.clone()));
        assert_eq!(first.changes().await, [(task.clone(), true)]);
        lanes.route(|_| Some(second.clone()));
        assert_eq!(first.changes().await, [(task.clone(), false)]);
        assert_eq!(second.changes().await, [(task.clone(), true)]);
        lanes.route(|_| None);
        lanes.unfollow(&task);
        assert_eq!(second.changes().await, [(task, false)]);
    }
}
