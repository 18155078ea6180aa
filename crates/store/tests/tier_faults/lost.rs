//! The short-term store has lost something.

use crate::support::{World, at_once, everything, memory, slots, task_id};
use taskcast_core::{Epoch, Index, Status};
use taskcast_store::tier::{LongTermStore, Place};
use taskcast_store::{LogReader, Partition, ReadError, TaskLog};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_lost_log_comes_back_under_one_new_epoch() {
    let mut world = World::new(at_once(None));
    world.create("a", 1).await;
    world.publish("a", 5).await;
    world.settle().await;
    world.publish("a", 3).await;
    let world = world.after_loss();
    let mut loads = JoinSet::new();
    for _ in 0..8 {
        let store = world.store.clone();
        loads.spawn(async move { store.load(&task_id("a")).await.unwrap().unwrap().epoch });
    }
    let epochs = loads.join_all().await;
    let state = world.state("a").await;
    assert!(
        epochs.iter().all(|epoch| *epoch == state.epoch),
        "{epochs:?}"
    );
    assert_ne!(state.epoch, Epoch(1));
    assert_eq!(state.tail, Index(5), "what was archived is there");
    let old = world.store.heads(&task_id("a"), Epoch(1)).await;
    assert!(matches!(old, Err(ReadError::Gone)));
    let next = world.publish("a", 1).await;
    assert_eq!((next.epoch, next.events[0].index), (state.epoch, Index(5)));
    assert_eq!(world.slots(&state).await.len(), 6);
}

#[tokio::test]
async fn a_sealed_log_that_is_archived_whole_keeps_its_epoch() {
    let mut world = World::new(at_once(None));
    world.create("a", 1).await;
    world.step_to("a", Status::Running).await;
    world.step_to("a", Status::Completed).await;
    let before = world.state("a").await;
    world.settle().await;
    let world = world.after_loss();
    assert_eq!(world.state("a").await, before);
    assert_eq!(world.slots(&before).await.len(), 2);
}

#[tokio::test]
async fn a_sealed_log_of_which_the_end_is_missing_does_not() {
    let options = taskcast_store::tier::TierOptions {
        batch_slots: 3,
        ..at_once(None)
    };
    let mut world = World::new(options);
    world.create("a", 1).await;
    world.publish("a", 5).await;
    world.step_to("a", Status::Running).await;
    world.step_to("a", Status::Completed).await;
    world.archiver.step().await.unwrap();
    let kept = world.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert!(kept.state.is_sealed() && kept.state.tail == Index(3));
    let world = world.after_loss();
    assert_ne!(world.state("a").await.epoch, Epoch(1));
}

/// Two worlds that did the same, of which one goes on and is archived, and the other one is what a
/// restart brought back.
async fn forked() -> (World, World) {
    let mut lost = World::new(at_once(None));
    lost.create("a", 1).await;
    lost.publish("a", 4).await;
    let back = lost.before(memory(lost.clock.clone(), 0), at_once(None));
    back.hot
        .create(crate::support::create("a", 1))
        .await
        .unwrap();
    back.hot
        .commit(crate::support::publish("a", 4))
        .await
        .unwrap();
    lost.clock.advance(10);
    lost.publish("a", 3).await;
    lost.step_to("a", Status::Running).await;
    lost.settle().await;
    // Commits are never numbered twice.
    for n in 0..9 {
        let other = crate::support::create(&format!("other{n}"), 100 + n);
        back.hot.create(other).await.unwrap();
    }
    (lost, back)
}

#[tokio::test]
async fn the_archive_is_taken_back_to_what_the_hot_store_has() {
    for more in [0, 2, 40] {
        let (lost, mut back) = forked().await;
        let old = slots(&*lost.store, &lost.state("a").await).await;
        assert_eq!(old.len(), 8);
        back.clock.advance(10);
        back.publish("a", more).await;
        let state = back.state("a").await;
        assert_eq!(state.tail.0, 4 + more as u64);
        back.settle().await;
        let kept = back.archive.find(&task_id("a")).await.unwrap().unwrap();
        assert_eq!(kept.state, state, "the record too");
        let hot = slots(&*back.hot, &state).await;
        assert_eq!(slots(&*back.archive, &state).await, hot);
        assert_eq!(hot[..4], old[..4]);
    }
}

#[tokio::test]
async fn a_log_released_in_a_past_that_came_back_gets_a_new_epoch() {
    let (_, mut back) = forked().await;
    let state = back.hot.load(&task_id("a")).await.unwrap().unwrap();
    // The hot store only remembers that it released the log long before it went on.
    let id = task_id("a");
    let released = back.hot.release(&id, Epoch(1), state.commit).await;
    assert!(released.unwrap());
    back.settle().await;
    let now = back.state("a").await;
    assert_ne!(now.epoch, Epoch(1));
    assert_eq!(now.tail, Index(8));
    assert_eq!(back.hot.notes(Partition(0), 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_log_brought_back_while_it_was_taken_for_lost_keeps_its_epoch() {
    let mut world = World::new(at_once(everything()));
    world.create("a", 1).await;
    world.publish("a", 5).await;
    world.settle().await;
    let image = world.archive.image(&task_id("a"), Epoch(1)).await.unwrap();
    let found = world.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert!(world.archive.revive(&found, Epoch(9)).await.unwrap());
    // Somebody slow had read the image before.
    let until = world.hot.clock().now();
    world.hot.restore(image, until).await.unwrap();
    world.publish("a", 1).await;
    // Another archiver, after the lease of the first.
    world.clock.advance(60_000);
    let mut world = world.before(world.hot.clone(), at_once(None));
    world.settle().await;
    let kept = world.archive.find(&task_id("a")).await.unwrap().unwrap();
    assert_eq!(kept.state, world.state("a").await);
    assert_eq!((kept.state.epoch, kept.state.tail), (Epoch(1), Index(6)));
    assert_eq!(world.slots(&kept.state).await.len(), 6);
}

#[tokio::test]
async fn an_archive_that_lost_slots_is_said_and_stops_nothing() {
    let mut world = World::new(at_once(everything()));
    world.create("a", 1).await;
    world.publish("a", 5).await;
    world.settle().await;
    world.publish("a", 1).await;
    world.archive.delete(&task_id("a"), Epoch(1)).await.unwrap();
    world.create("b", 2).await;
    world.publish("b", 1).await;
    world.settle().await;
    let state = world.hot.load(&task_id("a")).await.unwrap();
    assert!(state.is_some(), "it is not released");
    let place = world.hot.places(&[task_id("a")]).await.unwrap().remove(0);
    assert!(matches!(place, Place::Here { base: Index(5), .. }));
    assert!(world.archive.find(&task_id("b")).await.unwrap().is_some());
    let ask = world.store.heads(&task_id("a"), Epoch(1)).await;
    assert!(ask.is_ok());
}
