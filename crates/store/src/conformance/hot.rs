//! Rules of a short-term store before an archive: what it lets go of, takes back and notes.

use super::HotSubject;
use super::given::{
    at_level, by_key, by_producer, delta, event, imported, latest, publish, task_id,
};
use super::snapshot::{changed_all, filters};
use super::tiers::GivenHot;
use crate::tier::{Note, NoteKind, Place, Usage};
use crate::{Create, Page, ReadAsk, ReadError, Seek, TaskState, Which};
use taskcast_core::{CommitNumber, Epoch, EventFilter, Index, Level, Millis, Status, Transition};

pub(super) fn away(released: Option<Epoch>, dead: &[Epoch]) -> Place {
    let dead = dead.to_vec();
    Place::Away { released, dead }
}

pub(super) async fn notes(given: &GivenHot, id: &str) -> Vec<Note> {
    let notes = given.hot.notes(given.partition(id), 100).await.unwrap();
    notes
        .into_iter()
        .filter(|note| note.id == task_id(id))
        .collect()
}

pub async fn a_task_is_here_or_away(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    let ids = [task_id("b"), task_id("a")];
    let places = given.hot.places(&ids).await.unwrap();
    let here = Place::Here {
        state,
        base: Index::START,
        dead: Vec::new(),
    };
    assert_eq!(places, [away(None, &[]), here]);
    assert!(given.hot.places(&[]).await.unwrap().is_empty());
}

pub async fn a_deleted_log_is_noted_until_that_is_settled(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let first = given.given.task("a").await;
    given.given.delete(&first).await;
    assert_eq!(given.place("a").await, away(None, &[first.epoch]));
    let second = given.given.task("a").await;
    let replacing = Create {
        replace: true,
        ..given.given.new_task("a")
    };
    let third = given.hot.create(replacing).await.unwrap();
    let Place::Here {
        state, mut dead, ..
    } = given.place("a").await
    else {
        panic!("the task is here");
    };
    dead.sort_unstable_by_key(|epoch| epoch.0);
    assert_eq!((state, dead), (third, vec![first.epoch, second.epoch]));
    for note in notes(&given, "a").await {
        assert_eq!(note.kind, NoteKind::Deleted);
        given.hot.settle(&note).await.unwrap();
        given.hot.settle(&note).await.unwrap();
    }
    assert!(notes(&given, "a").await.is_empty());
    let Place::Here { dead, .. } = given.place("a").await else {
        panic!("the task is here");
    };
    assert!(dead.is_empty(), "{dead:?}");
}

pub async fn a_log_that_is_elsewhere_can_be_noted_as_deleted(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    given.given.task("a").await;
    given.given.publish("a", vec![event("b")]).await;
    let state = given.release("a").await;
    given
        .hot
        .note_deleted(&task_id("a"), state.epoch)
        .await
        .unwrap();
    assert_eq!(given.place("a").await, away(None, &[state.epoch]));
    let note = Note {
        id: task_id("a"),
        epoch: state.epoch,
        kind: NoteKind::Deleted,
    };
    assert_eq!(notes(&given, "a").await, [note]);
}

pub(super) async fn page(given: &GivenHot, state: &TaskState, from: u64, to: u64) -> Page {
    let ask = ReadAsk {
        from: Index(from),
        to: Index(to),
        which: Which::All,
        max_slots: 100,
        max_bytes: 1 << 20,
    };
    let read = given.hot.read(&state.record.id, state.epoch, ask);
    read.await.unwrap()
}

fn indexes(page: &Page) -> Vec<u64> {
    page.slots.iter().map(|slot| slot.index().0).collect()
}

pub async fn released_slots_are_below_the_base(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    given.given.publish("a", vec![event("b"); 10]).await;
    given.given.trim(&state, 2).await;
    let id = task_id("a");
    given
        .hot
        .release_below(&id, state.epoch, Index(6))
        .await
        .unwrap();
    let all = page(&given, &state, 0, 100).await;
    assert_eq!(indexes(&all), [6, 7, 8, 9]);
    assert_eq!(
        (all.trim, all.base, all.tail),
        (Index(2), Index(6), Index(10))
    );
    assert_eq!(all.next, Index(10));
    let below = page(&given, &state, 3, 5).await;
    assert_eq!((indexes(&below), below.base), (vec![], Index(6)));
    let Place::Here {
        state: now, base, ..
    } = given.place("a").await
    else {
        panic!("the task is here");
    };
    assert_eq!((now.trim, base, now.tail), (Index(2), Index(6), Index(10)));
    // Repeated or less: nothing happens. A trim point beyond takes the base along.
    for to in [6, 4] {
        let released = given.hot.release_below(&id, state.epoch, Index(to));
        released.await.unwrap();
    }
    assert_eq!(page(&given, &state, 0, 100).await, all);
    given.given.trim(&state, 8).await;
    let trimmed = page(&given, &state, 0, 100).await;
    assert_eq!((trimmed.trim, trimmed.base), (Index(8), Index(8)));
    assert_eq!(indexes(&trimmed), [8, 9]);
    let gone = given.hot.release_below(&id, Epoch(77), Index(9)).await;
    assert!(matches!(gone, Err(ReadError::Gone)), "{gone:?}");
}

/// A log of every kind of event.
pub(super) async fn mixed(given: &GivenHot, id: &str) -> TaskState {
    let import = Create {
        events: vec![imported(event("b"), "foreign", Millis(5))],
        ..given.given.new_task(id)
    };
    given.hot.create(import).await.unwrap();
    for n in 0..4 {
        given.given.clock.advance(5);
        let warning = at_level("a.x", Level::Warn);
        let batch = publish(id, vec![delta("s", "x\u{e9}"), latest("l", "1"), warning]);
        given.given.take(by_producer(batch, "p1", 1, n, n)).await;
    }
    let named = by_key(publish(id, vec![delta("t", "once")]), "k", 1);
    given.given.take(named).await;
    given.given.state(id).await
}

pub async fn released_slots_still_count_and_heads_stay(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = mixed(&given, "a").await;
    let (id, epoch) = (task_id("a"), state.epoch);
    let counts = async |from: u64| {
        let mut counts = Vec::new();
        for filter in filters() {
            for upto in from..=state.tail.0 {
                let count = given.hot.count(&id, epoch, &filter, Index(upto)).await;
                counts.push(count.unwrap());
            }
        }
        counts
    };
    let base = 9;
    let (before, heads) = (
        counts(base).await,
        given.hot.heads(&id, epoch).await.unwrap(),
    );
    given
        .hot
        .release_below(&id, epoch, Index(base))
        .await
        .unwrap();
    assert_eq!(counts(base).await, before);
    assert_eq!(given.hot.heads(&id, epoch).await.unwrap(), heads);
    for filter in filters().into_iter().filter(|filter| !filter.is_all()) {
        let at_base = given.hot.count(&id, epoch, &filter, Index(base)).await;
        let below = given.hot.count(&id, epoch, &filter, Index(3)).await;
        assert_eq!(below.unwrap(), at_base.unwrap(), "{filter:?}");
    }
    for head in heads.heads {
        let fold = head.newest.fold.unwrap();
        let text = given
            .hot
            .text(&id, epoch, &head.series, fold.run, 0..fold.end())
            .await
            .unwrap();
        assert_eq!(text.len() as u64, fold.end());
    }
    // What is held is found exactly; what is not, at the base or not at all.
    let last = given.hot.seek(&id, epoch, Seek::After(Millis(0))).await;
    assert!(last.unwrap().unwrap() <= Index(base));
    let past = Seek::Past {
        filter: EventFilter::default(),
        count: state.tail.0,
    };
    let found = given.hot.seek(&id, epoch, past).await.unwrap();
    assert_eq!(found, Some(state.tail));
}

pub async fn nothing_is_released_past_the_tail(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    given.given.publish("a", vec![delta("s", "x"); 3]).await;
    given
        .hot
        .release_below(&task_id("a"), state.epoch, Index(9))
        .await
        .unwrap();
    let empty = page(&given, &state, 0, 100).await;
    assert_eq!((empty.base, empty.tail), (Index(3), Index(3)));
    let next = given.given.publish("a", vec![delta("s", "y")]).await;
    assert_eq!(next.events[0].index, Index(3));
    assert_eq!(next.events[0].fold.unwrap().offset, 3);
    assert_eq!(indexes(&page(&given, &state, 0, 100).await), [3]);
}

pub async fn a_log_is_released_only_at_its_newest_commit(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    let first = given.given.publish("a", vec![event("b")]).await.commit;
    let newest = given.given.publish("a", vec![event("b")]).await.commit;
    let (id, epoch) = (task_id("a"), state.epoch);
    assert!(!given.hot.release(&id, epoch, first).await.unwrap());
    assert!(!given.hot.release(&id, Epoch(77), newest).await.unwrap());
    assert!(matches!(given.place("a").await, Place::Here { .. }));
    assert!(given.hot.release(&id, epoch, newest).await.unwrap());
    assert!(!given.hot.release(&id, epoch, newest).await.unwrap());
}

pub async fn a_released_log_is_gone_from_everywhere_and_noted(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    given.given.task("a").await;
    let ttl = Transition {
        ttl: Some(9),
        ..Transition::to(Status::Running)
    };
    given.given.transit("a", &ttl).await;
    let state = given.release("a").await;
    let (id, epoch) = (task_id("a"), state.epoch);
    assert_eq!(given.place("a").await, away(Some(epoch), &[]));
    assert_eq!(given.hot.load(&id).await.unwrap(), None);
    let heads = given.hot.heads(&id, epoch).await;
    assert!(matches!(heads, Err(ReadError::Gone)), "{heads:?}");
    let due = given.hot.due(Millis(1 << 52), 10).await.unwrap();
    assert_eq!((due.due, due.next), (vec![], None));
    assert!(changed_all(&*given.given.store, 10).await.is_empty());
    let note = Note {
        id: id.clone(),
        epoch,
        kind: NoteKind::Released(state.commit),
    };
    assert_eq!(notes(&given, "a").await, std::slice::from_ref(&note));
    let other = Note {
        kind: NoteKind::Released(CommitNumber(state.commit.0 + 1)),
        ..note.clone()
    };
    given.hot.settle(&other).await.unwrap();
    assert_eq!(given.place("a").await, away(Some(epoch), &[]));
    given.hot.settle(&note).await.unwrap();
    assert_eq!(given.place("a").await, away(None, &[]));
}

pub async fn appended_events_tell_what_was_released(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    let first = given.given.publish("a", vec![event("b"); 3]).await.commit;
    let second = given.given.publish("a", vec![event("b"); 3]).await.commit;
    let partition = given.partition("a");
    given
        .hot
        .release_below(&task_id("a"), state.epoch, Index(3))
        .await
        .unwrap();
    let page = given.hot.appended(partition, CommitNumber(0), 10);
    let page = page.await.unwrap();
    assert!(
        page.earliest >= first && page.earliest <= second,
        "{page:?}"
    );
    // A commit of which a part is left is not whole.
    let id = task_id("a");
    let inside = given.hot.release_below(&id, state.epoch, Index(4));
    inside.await.unwrap();
    let page = given.hot.appended(partition, first, 10).await.unwrap();
    assert!(page.earliest >= second, "{page:?}");
    assert!(page.slots.iter().all(|slot| slot.slot.commit() == second));
    let state = given.release("a").await;
    let page = given.hot.appended(partition, CommitNumber(0), 10);
    let page = page.await.unwrap();
    assert!(page.slots.is_empty() && page.earliest >= state.commit);
}

pub async fn what_was_used_once_is_told_since_a_commit(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let state = given.given.task("a").await;
    let one = || vec![event("b")];
    given
        .given
        .take(by_producer(publish("a", one()), "p1", 0, 0, 0))
        .await;
    given.given.take(by_key(publish("a", one()), "k1", 1)).await;
    let second = given
        .given
        .take(by_producer(publish("a", one()), "p2", 3, 0, 4))
        .await;
    given.given.take(by_key(publish("a", one()), "k2", 2)).await;
    given
        .given
        .take(by_producer(publish("a", one()), "p1", 0, 1, 1))
        .await;
    let id = task_id("a");
    let all = given.hot.once_since(&id, state.epoch, CommitNumber(0));
    let all = all.await.unwrap();
    let producers: Vec<_> = all
        .producers
        .iter()
        .map(|(id, kept)| (id.as_str(), kept.position.seq))
        .collect();
    assert_eq!(producers, [("p2", 4), ("p1", 1)]);
    let keys: Vec<_> = all
        .keys
        .iter()
        .map(|(key, kept)| (&**key, kept.body[0], kept.original.first.0))
        .collect();
    assert_eq!(keys, [("k1", 1, 1), ("k2", 2, 3)]);
    let newer = given.hot.once_since(&id, state.epoch, second.commit);
    let newer = newer.await.unwrap();
    assert_eq!(newer.producers, all.producers[1..]);
    assert_eq!(newer.keys, all.keys[1..]);
    let gone = given.hot.once_since(&id, Epoch(77), CommitNumber(0)).await;
    assert!(matches!(gone, Err(ReadError::Gone)), "{gone:?}");
}

pub async fn usage_counts_what_was_appended(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let written = async || given.hot.usage().await.unwrap().written.iter().sum::<u64>();
    let before = written().await;
    let state = given.given.task("a").await;
    let committed = given
        .given
        .publish("a", vec![event("b"), delta("s", "text")])
        .await;
    let expected: u64 = committed.events.iter().map(Usage::of).sum();
    assert_eq!(written().await - before, expected);
    given.given.delete(&state).await;
    assert_eq!(written().await - before, expected, "it never decreases");
    let partitions = usize::from(given.hot.info().partitions);
    assert_eq!(given.hot.usage().await.unwrap().written.len(), partitions);
}
