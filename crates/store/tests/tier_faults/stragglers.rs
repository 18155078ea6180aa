//! Somebody slow comes with what was true before.

use crate::support::{World, everything, publish, task_id, with_grace};
use taskcast_core::{Epoch, Index};
use taskcast_store::tier::{LongTermStore, ReleaseError, Restored, StorageState};
use taskcast_store::{Partition, TaskLog};

/// A task that is only in the archive.
async fn cold() -> World {
    let mut world = World::new(with_grace(everything()));
    world.create("a", 1).await;
    world.publish("a", 3).await;
    world.settle().await;
    assert_eq!(world.hot.load(&task_id("a")).await.unwrap(), None);
    world
}

#[tokio::test]
async fn a_log_that_came_back_and_went_on_is_not_released_while_an_older_image_may_come() {
    let mut world = cold().await;
    let until = world.clock_now(5_000);
    let image = world.archive.image(&task_id("a"), Epoch(1)).await.unwrap();
    let committed = world.publish("a", 1).await;
    while world.clock_now(0) <= until {
        world.settle().await;
        assert!(world.hot.load(&task_id("a")).await.unwrap().is_some());
        let restored = world.hot.restore(image.clone(), until).await.unwrap();
        assert_eq!(restored, Restored::Overtaken);
        world.clock.advance(1_000);
    }
    let now = world.clock_now(0);
    let refused = world
        .store
        .release(&task_id("a"), Some(Index(3)), now)
        .await;
    assert!(matches!(refused, Err(ReleaseError::Busy)), "{refused:?}");
    world.clock.advance(5_000);
    world.settle().await;
    assert_eq!(world.hot.load(&task_id("a")).await.unwrap(), None);
    let restored = world.hot.restore(image, until).await.unwrap();
    assert_eq!(restored, Restored::TooLate);
    assert_eq!(world.state("a").await.tail, committed.tail);
}

#[tokio::test]
async fn a_deletion_is_remembered_while_an_older_image_may_come() {
    let mut world = cold().await;
    let until = world.clock_now(5_000);
    let image = world.archive.image(&task_id("a"), Epoch(1)).await.unwrap();
    assert!(world.store.delete(&task_id("a"), Epoch(1)).await.unwrap());
    while world.clock_now(0) <= until {
        world.settle().await;
        let restored = world.hot.restore(image.clone(), until).await.unwrap();
        assert_eq!(restored, Restored::Overtaken);
        assert_eq!(world.store.load(&task_id("a")).await.unwrap(), None);
        world.clock.advance(1_000);
    }
    world.clock.advance(60_000);
    world.settle().await;
    assert_eq!(world.hot.notes(Partition(0), 9).await.unwrap(), []);
}

#[tokio::test]
async fn the_archive_knows_at_once_that_a_log_came_back() {
    let world = cold().await;
    let kept = world.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert!(!kept.hot);
    world.publish("a", 1).await;
    let kept = world.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert!(kept.hot, "what follows may be lost");
    let world = world.after_loss();
    let state = world.state("a").await;
    assert_ne!(state.epoch, Epoch(1), "one event was lost");
    assert_eq!(state.tail, Index(3));
}

#[tokio::test]
async fn nothing_is_released_before_the_archiver_has_passed_it() {
    let world = World::new(with_grace(None));
    world.create("a", 1).await;
    world.publish("a", 2).await;
    let now = world.clock_now(0);
    let released = world
        .store
        .release(&task_id("a"), Some(Index(1)), now)
        .await;
    let released = released.unwrap();
    assert_eq!(
        (released.state, released.released),
        (StorageState::Releasing, false)
    );
    assert!(world.store.commit(publish("a", 1)).await.is_ok());
}

impl World {
    fn clock_now(&self, plus: u64) -> taskcast_core::Millis {
        self.hot.clock().now().plus_millis(plus)
    }
}
