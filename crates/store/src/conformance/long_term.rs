//! Rules of a long-term store.

use super::LongTermSubject;
use super::given::{NOON, by_key, delta, event, publish, task_id};
pub use super::long_term_model::random_logs_read_the_same_as_from_the_reference;
use super::tiers::GivenHot;
use crate::tier::{ArchiveEntry, Archived, Kept, LongTermStore, Watermark};
use crate::{
    Create, ListAsk, LogReader, Partition, ReadAsk, ReadError, StoreError, TaskFilter, TaskState,
    Which,
};
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Slot, Status};

/// A memory store, and the archive of the subject behind it.
struct Given {
    from: GivenHot,
    archive: Arc<dyn LongTermStore>,
}

impl Given {
    async fn open(subject: &dyn LongTermSubject) -> Self {
        let from = GivenHot::memory();
        let limits = from.given.limits.clone();
        let archive = subject.open(from.given.clock.clone(), limits).await;
        Self { from, archive }
    }

    /// A task with so many events.
    async fn task(&self, id: &str, events: usize) -> TaskState {
        self.from.given.task(id).await;
        self.from.given.publish(id, vec![event("b"); events]).await;
        self.from.given.state(id).await
    }

    async fn follow(&self, id: &str) -> TaskState {
        self.from.archive(&*self.archive, id).await
    }

    async fn mark(&self, state: &TaskState) -> Option<Watermark> {
        let log = [(state.record.id.clone(), state.epoch)];
        self.archive.watermarks(&log).await.unwrap().remove(0)
    }

    async fn take(&self, entry: ArchiveEntry) -> Archived {
        self.archive.archive(vec![entry]).await.unwrap().remove(0)
    }

    async fn find(&self, id: &str) -> Option<Kept> {
        self.archive.find(&task_id(id)).await.unwrap()
    }

    async fn slots(&self, state: &TaskState) -> Vec<Slot> {
        slots(&*self.archive, state).await
    }
}

async fn slots<R: LogReader + ?Sized>(store: &R, state: &TaskState) -> Vec<Slot> {
    let ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: 10_000,
        max_bytes: 1 << 30,
    };
    let page = store.read(&state.record.id, state.epoch, ask).await;
    page.unwrap().slots
}

pub async fn an_entry_begins_where_the_watermark_stands(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    let state = given.task("a", 5).await;
    assert_eq!(given.mark(&state).await, None);
    let entry = given.from.gained(&state, None, 3).await;
    let late = ArchiveEntry {
        from: Index(1),
        slots: entry.slots[1..].to_vec(),
        ..entry.clone()
    };
    assert_eq!(given.take(late).await, Archived::Elsewhere(None));
    assert_eq!(given.mark(&state).await, None);
    let Archived::Done(mark) = given.take(entry.clone()).await else {
        panic!("it begins where the watermark stands");
    };
    assert_eq!(mark.tail, Index(3));
    assert_eq!(given.mark(&state).await, Some(mark));
    assert_eq!(given.take(entry).await, Archived::Elsewhere(Some(mark)));
    given.follow("a").await;
    let other = [(task_id("a"), Epoch(77)), (task_id("b"), state.epoch)];
    let marks = given.archive.watermarks(&other).await.unwrap();
    assert_eq!(marks, [None, None]);
}

pub async fn a_log_is_taken_bit_by_bit(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    given
        .from
        .given
        .publish("a", vec![delta("s", "x"); 3])
        .await;
    let state = given.from.given.state("a").await;
    let mut mark = None;
    for tail in [2, 4, 5] {
        let entry = given.from.gained(&state, mark, 2).await;
        let Archived::Done(at) = given.take(entry).await else {
            panic!("it begins where the watermark stands");
        };
        assert_eq!(at.tail, Index(tail));
        // A commit is kept when its last slot is.
        assert_eq!(at.commit == state.commit, tail == 5);
        let kept = given.find("a").await.unwrap();
        assert_eq!((kept.state.tail, kept.hot), (Index(tail), true));
        mark = Some(at);
    }
    assert_eq!(given.find("a").await.unwrap().state, state);
    let hot = slots(&*given.from.hot, &state).await;
    assert_eq!(given.slots(&state).await, hot);
    let last = hot.last().map(|slot| (slot.at(), slot.commit()));
    assert_eq!(mark.unwrap().last, last);
}

pub async fn changes_without_events_are_taken(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 1).await;
    given.follow("a").await;
    let named = by_key(publish("a", vec![]), "k", 1);
    given.from.given.take(named).await;
    let state = given.follow("a").await;
    assert_eq!(given.find("a").await.unwrap().state, state);
    let image = given.archive.image(&task_id("a"), state.epoch).await;
    let once = image.unwrap().once;
    assert_eq!(once.keys.len(), 1);
    given.from.given.step("a", Status::Running).await;
    given.from.given.step("a", Status::Completed).await;
    let state = given.follow("a").await;
    assert_eq!(given.find("a").await.unwrap().state, state);
}

pub async fn only_the_newest_commit_cools_a_log(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    let first = given.task("a", 2).await;
    given.follow("a").await;
    given.from.given.publish("a", vec![event("b")]).await;
    let state = given.follow("a").await;
    let (id, epoch) = (task_id("a"), state.epoch);
    let cool = async |epoch, commit| given.archive.cool(&id, epoch, commit).await.unwrap();
    assert!(!cool(epoch, first.commit).await);
    assert!(!cool(Epoch(77), state.commit).await);
    let hot = given.find("a").await.unwrap();
    assert!(cool(epoch, state.commit).await);
    let cold = given.find("a").await.unwrap();
    assert!(hot.hot && !cold.hot && cold.version > hot.version);
    assert!(cool(epoch, state.commit).await, "repeated");
    assert_eq!(given.find("a").await.unwrap(), cold);
    given.from.given.publish("a", vec![event("b")]).await;
    given.follow("a").await;
    let again = given.find("a").await.unwrap();
    assert!(again.hot && again.version > cold.version);
}

pub async fn an_entry_that_repeats_what_is_kept_leaves_a_log_cold(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    let state = given.follow("a").await;
    let late = given.from.gained(&state, given.mark(&state).await, 9).await;
    let (id, commit) = (task_id("a"), state.commit);
    assert!(given.archive.cool(&id, state.epoch, commit).await.unwrap());
    let cold = given.find("a").await.unwrap();
    given.take(late.clone()).await;
    assert_eq!(given.find("a").await.unwrap(), cold);
    // A log that came back has a newer commit.
    let mut back = late;
    back.state.commit = CommitNumber(commit.0 + 5);
    given.take(back).await;
    let hot = given.find("a").await.unwrap();
    assert!(hot.hot && hot.version > cold.version, "{hot:?}");
    assert_eq!(hot.state.commit, CommitNumber(commit.0 + 5));
}

pub async fn a_log_is_revived_as_it_was_found_or_not_at_all(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    let state = given.follow("a").await;
    let found = given.find("a").await.unwrap();
    let id = task_id("a");
    let cool = given.archive.cool(&id, state.epoch, state.commit);
    assert!(cool.await.unwrap());
    let revived = given.archive.revive(&found, Epoch(900)).await.unwrap();
    assert!(!revived, "it has changed since it was found");
    let found = given.find("a").await.unwrap();
    assert!(given.archive.revive(&found, Epoch(900)).await.unwrap());
    assert!(!given.archive.revive(&found, Epoch(901)).await.unwrap());
    let kept = given.find("a").await.unwrap();
    let epoch = Epoch(900);
    assert_eq!(
        kept.state,
        TaskState {
            epoch,
            ..state.clone()
        }
    );
    assert!(!kept.hot && kept.version > found.version);
    assert_eq!(given.slots(&kept.state).await.len(), 2);
    let old = given.archive.heads(&id, state.epoch).await;
    assert!(matches!(old, Err(ReadError::Gone)), "{old:?}");
}

pub async fn what_was_taken_back_is_gone_and_comes_again(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    given
        .from
        .given
        .publish("a", vec![delta("s", "one"); 2])
        .await;
    let third = given
        .from
        .given
        .publish("a", vec![delta("s", "two"); 2])
        .await
        .commit;
    let state = given.follow("a").await;
    let id = task_id("a");
    given
        .archive
        .rewind(&id, state.epoch, Index(5))
        .await
        .unwrap();
    let mark = given.mark(&state).await.unwrap();
    assert_eq!(mark.tail, Index(5));
    assert!(mark.commit < third, "a commit that was cut is not whole");
    let hot = slots(&*given.from.hot, &state).await;
    assert_eq!(given.slots(&state).await, hot[..5]);
    let heads = given.archive.heads(&id, state.epoch).await.unwrap();
    assert_eq!(heads.heads[0].newest.index, Index(4));
    // The record of the short-term store counts, though its revision is an older one.
    let mut older = given.from.gained(&state, Some(mark), 9).await;
    older.state.record = Arc::new(taskcast_core::TaskRecord {
        updated_at: Millis(NOON.0 + 7),
        ..taskcast_core::TaskRecord::clone(&state.record)
    });
    assert!(matches!(given.take(older.clone()).await, Archived::Done(_)));
    assert_eq!(given.find("a").await.unwrap().state, older.state);
    assert_eq!(given.slots(&state).await, hot);
    given
        .archive
        .rewind(&id, state.epoch, state.tail)
        .await
        .unwrap();
    assert_eq!(given.slots(&state).await, hot);
}

pub async fn a_deleted_log_is_gone_with_those_before_it(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    let first = given.follow("a").await;
    given.from.given.delete(&first).await;
    given.task("a", 3).await;
    let second = given.follow("a").await;
    let id = task_id("a");
    let delete = async |epoch| given.archive.delete(&id, epoch).await.unwrap();
    assert!(!delete(Epoch(77)).await);
    assert!(delete(second.epoch).await);
    assert_eq!(given.find("a").await, None);
    for state in [first, second] {
        let heads = given.archive.heads(&id, state.epoch).await;
        assert!(matches!(heads, Err(ReadError::Gone)), "{heads:?}");
        assert!(!delete(state.epoch).await);
    }
    given.task("other", 1).await;
    given.follow("other").await;
}

pub async fn a_task_created_again_is_another_log(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 2).await;
    let first = given.follow("a").await;
    given.from.given.delete(&first).await;
    given.task("a", 3).await;
    let second = given.follow("a").await;
    assert_eq!(given.find("a").await.unwrap().state, second);
    assert_eq!(given.slots(&second).await.len(), 3);
    assert_eq!(given.slots(&first).await.len(), 2);
    let deleted = given.archive.delete(&task_id("a"), first.epoch).await;
    assert!(deleted.unwrap());
    assert_eq!(given.find("a").await.unwrap().state, second);
    assert_eq!(given.slots(&second).await.len(), 3);
}

pub async fn lists_go_newest_first_and_page_without_loss(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    for id in ["a", "b", "c", "d", "e"] {
        given.task(id, 1).await;
        given.follow(id).await;
        given.from.given.clock.advance(u64::from(id > "b"));
    }
    let again = Create {
        replace: true,
        ..given.from.given.new_task("a")
    };
    given.from.given.store.create(again).await.unwrap();
    given.follow("a").await;
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let ask = ListAsk {
            filter: TaskFilter::default(),
            after: after.clone(),
            limit: 2,
        };
        let page = given.archive.list(ask).await.unwrap();
        let of = |kept: &Kept| kept.state.record.id.as_str().to_owned();
        ids.extend(page.tasks.iter().map(of));
        if page.next.is_none() {
            break;
        }
        assert_ne!(page.next, after, "a page has to make progress");
        after = page.next;
    }
    assert_eq!(ids, ["a", "e", "d", "c", "b"]);
    let ask = ListAsk {
        filter: TaskFilter {
            statuses: vec![Status::Running],
            ..TaskFilter::default()
        },
        after: None,
        limit: 9,
    };
    given.from.given.step("d", Status::Running).await;
    given.follow("d").await;
    let page = given.archive.list(ask).await.unwrap();
    assert_eq!(page.tasks.len(), 1);
}

pub async fn appended_events_come_by_partition_in_commit_order(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    for id in ["a", "b"] {
        given.from.given.task(id).await;
    }
    for _ in 0..4 {
        for id in ["b", "a"] {
            given.from.given.publish(id, vec![event("b"); 2]).await;
        }
    }
    given.follow("a").await;
    given.follow("b").await;
    let partition = Partition(0);
    let hot = given
        .from
        .given
        .store
        .appended(partition, CommitNumber(0), 99);
    let hot = hot.await.unwrap();
    let (first, upto) = (hot.slots[3].slot.commit(), hot.slots[12].slot.commit());
    let wanted = |it: &&crate::Appended| it.slot.commit() > first && it.slot.commit() <= upto;
    let expected: Vec<_> = hot.slots.iter().filter(wanted).cloned().collect();
    let (mut found, mut after) = (Vec::new(), first);
    while after < upto {
        let page = given.archive.appended(partition, after, upto, 3).await;
        let page = page.unwrap();
        assert!(page.upto > after && page.slots.len() <= 4, "{page:?}");
        assert_eq!(page.newest, upto);
        after = page.upto;
        found.extend(page.slots);
    }
    assert_eq!(found, expected);
    let other = given
        .archive
        .appended(Partition(1), CommitNumber(0), upto, 9);
    assert!(other.await.unwrap().slots.is_empty());
}

pub async fn a_closed_archive_is_unavailable(subject: &dyn LongTermSubject) {
    let given = Given::open(subject).await;
    given.task("a", 1).await;
    let state = given.follow("a").await;
    assert!(!given.archive.info().provider.is_empty());
    given.archive.check().await.unwrap();
    given.archive.close().await;
    given.archive.close().await;
    let id = task_id("a");
    let outcomes = [
        given.archive.check().await.err(),
        given.archive.find(&id).await.err(),
        given.archive.delete(&id, state.epoch).await.err(),
        given
            .archive
            .watermarks(&[(id.clone(), state.epoch)])
            .await
            .err(),
    ];
    for outcome in outcomes {
        let unavailable = matches!(outcome, Some(StoreError::Unavailable { .. }));
        assert!(unavailable, "{outcome:?}");
    }
    let heads = given.archive.heads(&id, state.epoch).await;
    let unavailable = matches!(heads, Err(ReadError::Store(StoreError::Unavailable { .. })));
    assert!(unavailable, "{heads:?}");
}
