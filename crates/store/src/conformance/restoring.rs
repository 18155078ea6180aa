//! Rules of logs that come back into a short-term store.

use super::HotSubject;
use super::given::{by_key, by_producer, delta, event, latest, publish, series_id, task_id};
use super::hot::{away, mixed, notes, page};
use super::snapshot::filters;
use super::tiers::GivenHot;
use crate::tier::{LongTermStore, Place, Restored};
use crate::{CommitError, TaskState};
use taskcast_core::{CommitNumber, EventFilter, Index, Millis, Slot, Status, Transition};

pub async fn a_restored_log_goes_on_as_if_it_had_stayed(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    // The same log twice: one goes away and comes back.
    let stays = mixed(&given, "stays").await;
    mixed(&given, "moves").await;
    let moves = given.release("moves").await;
    restore(&given, &moves).await;
    assert_eq!(given.given.state("moves").await.record, moves.record);
    let repeat = |id| by_producer(publish(id, vec![]), "p1", 1, 3, 3);
    let named = |id, body| by_key(publish(id, vec![]), "k", body);
    let outcome = async |commit| format!("{:?}", given.given.refused(commit).await);
    assert_eq!(
        outcome(repeat("moves")).await,
        outcome(repeat("stays")).await
    );
    assert_eq!(
        outcome(named("moves", 1)).await,
        outcome(named("stays", 1)).await
    );
    let reused = given.given.refused(named("moves", 2)).await;
    assert!(matches!(reused, CommitError::KeyReused), "{reused}");
    let more = |id| {
        let events = vec![
            delta("s", "!"),
            latest("l", "2"),
            delta("new", "n"),
            event("b"),
        ];
        by_producer(publish(id, events), "p1", 1, 4, 4)
    };
    let (one, other) = (
        given.given.take(more("moves")).await,
        given.given.take(more("stays")).await,
    );
    let folds = |committed: &crate::Committed| {
        let events = committed.events.iter();
        events
            .map(|it| (it.index, it.at, it.fold))
            .collect::<Vec<_>>()
    };
    assert_eq!(folds(&one), folds(&other));
    let filters: Vec<EventFilter> = filters().into_iter().filter(|it| !it.is_all()).collect();
    for filter in filters {
        let upto = Index(stays.tail.0 + 2);
        let moved = given
            .hot
            .count(&moves.record.id, moves.epoch, &filter, upto);
        let stayed = given
            .hot
            .count(&stays.record.id, stays.epoch, &filter, upto);
        assert_eq!(moved.await.unwrap(), stayed.await.unwrap(), "{filter:?}");
    }
    compare_heads(&given, &moves, &stays).await;
    given.given.step("moves", Status::Running).await;
}

async fn compare_heads(given: &GivenHot, moves: &TaskState, stays: &TaskState) {
    let bare = |mut head: taskcast_core::Head| {
        (head.newest.commit, head.newest.at) = (CommitNumber(0), Millis(0));
        head
    };
    let heads = async |of: &TaskState| {
        let heads = given.hot.heads(&of.record.id, of.epoch).await.unwrap();
        heads.heads.into_iter().map(bare).collect::<Vec<_>>()
    };
    assert_eq!(heads(moves).await, heads(stays).await);
    for head in heads(moves).await {
        let fold = head.newest.fold.unwrap();
        let text = async |of: &TaskState| {
            let (id, range) = (&of.record.id, 0..fold.end());
            let text = given.hot.text(id, of.epoch, &head.series, fold.run, range);
            text.await.unwrap()
        };
        assert_eq!(text(moves).await, text(stays).await);
        assert_eq!(text(moves).await.len() as u64, fold.end());
    }
    let nobody = series_id("nobody");
    let none = given
        .hot
        .text(&moves.record.id, moves.epoch, &nobody, Index(0), 0..9);
    assert!(none.await.unwrap().is_empty());
}

async fn restore(given: &GivenHot, state: &TaskState) {
    let image = given.archive.image(&state.record.id, state.epoch).await;
    let until = given.hot.clock().now();
    let restored = given.hot.restore(image.unwrap(), until).await;
    assert_eq!(restored.unwrap(), Restored::Done);
}

pub async fn a_restored_log_stands_in_the_feed_and_its_note_is_gone(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    given.given.task("a").await;
    let ttl = Transition {
        ttl: Some(9),
        ..Transition::to(Status::Running)
    };
    given.given.transit("a", &ttl).await;
    given.given.task("later").await;
    let state = given.release("a").await;
    let newest = given.given.state("later").await.commit;
    restore(&given, &state).await;
    let Place::Here {
        state: back,
        base,
        dead,
    } = given.place("a").await
    else {
        panic!("the task is here");
    };
    assert!(back.commit > state.commit && back.commit > newest.min(back.commit));
    assert_eq!((base, dead), (state.tail, vec![]));
    let commit = back.commit;
    assert_eq!(
        TaskState {
            commit: state.commit,
            ..back
        },
        state
    );
    assert!(notes(&given, "a").await.is_empty());
    let changed = given.hot.changed(given.partition("a"), state.commit, 10);
    let changed = changed.await.unwrap();
    let stands = |task: &crate::ChangedTask| task.commit == commit && task.id == task_id("a");
    assert!(changed.iter().any(stands), "{changed:?}");
    let due = given.hot.due(Millis(1 << 52), 10).await.unwrap().due;
    assert_eq!(due.len(), 1);
    let next = given.given.publish("a", vec![event("b")]).await;
    assert_eq!(next.events[0].index, state.tail);
    assert_eq!(next.events[0].at, state.last_at);
    let slots = page(&given, &state, 0, 100).await;
    assert_eq!(
        slots.slots.iter().map(Slot::index).collect::<Vec<_>>(),
        [state.tail]
    );
}

pub async fn nothing_is_restored_too_late_or_twice_or_after_its_deletion(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    given.given.task("a").await;
    given.given.publish("a", vec![event("b")]).await;
    let state = given.release("a").await;
    let image = given.archive.image(&task_id("a"), state.epoch).await;
    let image = image.unwrap();
    let now = given.hot.clock().now();
    given.given.clock.advance(1);
    let restored = given.hot.restore(image.clone(), now).await.unwrap();
    assert_eq!(restored, Restored::TooLate);
    assert_eq!(given.place("a").await, away(Some(state.epoch), &[]));
    let now = given.hot.clock().now();
    let restored = given.hot.restore(image.clone(), now).await.unwrap();
    assert_eq!(restored, Restored::Done);
    let committed = given.given.publish("a", vec![event("b")]).await;
    let restored = given.hot.restore(image.clone(), now).await.unwrap();
    assert_eq!(restored, Restored::Overtaken);
    assert_eq!(given.given.state("a").await.tail, committed.tail);
    given.given.delete(&state).await;
    let restored = given.hot.restore(image.clone(), now).await.unwrap();
    assert_eq!(restored, Restored::Overtaken);
    given.given.task("a").await;
    let restored = given.hot.restore(image, now).await.unwrap();
    assert_eq!(restored, Restored::Overtaken);
}
