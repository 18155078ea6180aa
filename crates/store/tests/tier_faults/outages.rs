//! The archive is down.

use crate::support::{World, at_once, create, everything, publish, task_id, with_grace};
use taskcast_core::{Epoch, Status};
use taskcast_store::tier::LongTermStore;
use taskcast_store::{CommitError, Create, CreateError, LogReader, ReadError, StoreError, TaskLog};

fn unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn live_tasks_go_on_and_only_what_needs_the_archive_is_refused() {
    let mut world = World::new(at_once(everything()));
    world.create("cold", 1).await;
    world.publish("cold", 2).await;
    world.settle().await;
    world.create("hot", 2).await;
    world.archive.set_down(true);
    assert!(world.archiver.step().await.is_err());
    world.publish("hot", 3).await;
    let hot = world.state("hot").await;
    assert_eq!(world.slots(&hot).await.len(), 3);
    let drawn = Create {
        drawn: true,
        ..create("drawn", 3)
    };
    world.store.create(drawn).await.unwrap();
    let own = world.store.create(create("own", 4)).await;
    assert!(matches!(
        own,
        Err(CreateError::Store(StoreError::Unavailable { .. }))
    ));
    let taken = world.store.create(create("hot", 5)).await;
    assert!(matches!(taken, Err(CreateError::Exists(_))));
    assert!(unavailable(&world.store.load(&task_id("cold")).await));
    assert!(unavailable(
        &world.store.delete(&task_id("cold"), Epoch(1)).await
    ));
    let refused = world.store.commit(publish("cold", 1)).await;
    assert!(matches!(
        refused,
        Err(CommitError::Store(StoreError::Unavailable { .. }))
    ));
    world.archive.set_down(false);
    world.settle().await;
    let state = world.state("cold").await;
    assert_eq!(world.slots(&state).await.len(), 2);
    let kept = world.archive.find(&task_id("hot")).await.unwrap().unwrap();
    assert_eq!(kept.state.tail, hot.tail);
}

#[tokio::test]
async fn a_task_deleted_and_created_again_while_the_archive_is_down_never_shows_the_old_log() {
    let mut world = World::new(with_grace(everything()));
    world.create("a", 1).await;
    world.publish("a", 5).await;
    world.archiver.step().await.unwrap();
    world.publish("a", 1).await;
    let old = world.state("a").await;
    world.archive.set_down(true);
    assert!(world.store.delete(&task_id("a"), Epoch(1)).await.unwrap());
    world.create("a", 2).await;
    world.publish("a", 1).await;
    assert!(world.archiver.step().await.is_err());
    world.archive.set_down(false);
    for _ in 0..20 {
        let gone = world.store.heads(&task_id("a"), old.epoch).await;
        assert!(matches!(gone, Err(ReadError::Gone)));
        let state = world.state("a").await;
        assert_eq!(state.epoch, Epoch(2));
        assert_eq!(world.slots(&state).await.len(), 1);
        world.archiver.step().await.unwrap();
        world.clock.advance(4_000);
    }
    let state = world.state("a").await;
    assert!(
        world
            .store
            .delete(&task_id("a"), state.epoch)
            .await
            .unwrap()
    );
    for _ in 0..20 {
        assert_eq!(world.store.load(&task_id("a")).await.unwrap(), None);
        world.archiver.step().await.unwrap();
        world.clock.advance(4_000);
    }
    assert_eq!(world.archive.find(&task_id("a")).await.unwrap(), None);
    let notes = world.hot.notes(taskcast_store::Partition(0), 9).await;
    assert_eq!(notes.unwrap(), []);
}

#[tokio::test]
async fn what_waited_is_archived_in_order_and_once() {
    let mut world = World::new(at_once(None));
    world.create("a", 1).await;
    world.create("b", 2).await;
    world.archive.set_down(true);
    for _ in 0..50 {
        world.publish("a", 3).await;
        world.publish("b", 1).await;
        assert!(world.archiver.step().await.is_err());
    }
    world.step_to("b", Status::Running).await;
    world.archive.set_down(false);
    world.settle().await;
    for id in ["a", "b"] {
        let state = world.state(id).await;
        let kept = world.archive.find(&task_id(id)).await.unwrap().unwrap();
        assert_eq!(kept.state, state);
        let hot = crate::support::slots(&*world.hot, &state).await;
        assert_eq!(crate::support::slots(&*world.archive, &state).await, hot);
    }
    assert_eq!(world.store.backlog().bytes, 0);
}
