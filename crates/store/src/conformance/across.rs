//! Rules of questions across tasks: lists, deadlines, the change feed, appended events.

use super::Subject;
use super::given::{Given, NOON, delta, event, latest, record, task_id, with_data};
use super::rng::Rng;
use super::snapshot::{appended_all, changed_all, list_all};
use crate::{AppendedPage, DuePage, ListAsk, Partition, TaskFilter, TaskPage, TaskState};
use taskcast_core::{
    CommitNumber, EventType, Millis, RawJson, Slot, Status, Tag, TaskRecord, Transition,
    TypePattern,
};

fn ids(tasks: &[TaskState]) -> Vec<&str> {
    tasks.iter().map(|task| task.record.id.as_str()).collect()
}

pub async fn lists_go_newest_first_and_page_without_loss(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let mut expected = Vec::new();
    let mut rng = Rng::from_seed(3);
    for n in 0..40 {
        // Many share a millisecond, and creation does not follow the clock.
        let created = Millis(NOON.0 + rng.below(8));
        let id = format!("t{}", (n * 7) % 40);
        let create = given.create_of(record(&id, created));
        expected.push(given.store.create(create).await.unwrap());
    }
    expected.sort_by(|a, b| {
        let key = |task: &TaskState| (task.record.created_at, task.record.id.clone());
        key(b).cmp(&key(a))
    });
    for limit in [1, 3, 7, 40, 1_000] {
        assert_eq!(
            list_all(&*given.store, &TaskFilter::default(), limit).await,
            expected
        );
    }
}

pub async fn a_list_cursor_holds_while_tasks_come_and_go(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    for id in ["a", "b", "c", "d", "e"] {
        given.task(id).await;
        given.clock.advance(1);
    }
    let page = async |after, limit| {
        let filter = TaskFilter::default();
        let ask = ListAsk {
            filter,
            after,
            limit,
        };
        given.store.list(ask).await.unwrap()
    };
    let first = page(None, 2).await;
    assert_eq!(ids(&first.tasks), ["e", "d"]);
    // The task the cursor names goes, newer ones come, one that is still to be listed goes.
    for id in ["d", "b"] {
        given
            .store
            .delete(&task_id(id), given.state(id).await.epoch)
            .await
            .unwrap();
    }
    given.task("f").await;
    given.step("c", Status::Running).await;
    let rest = page(first.next, 10).await;
    assert_eq!(ids(&rest.tasks), ["c", "a"]);
    assert_eq!(rest.tasks[0], given.state("c").await);
    assert_eq!(rest.next, None);
}

pub async fn lists_are_filtered_by_status_type_and_tags(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let tag = |tag: &str| Tag::new(tag).unwrap();
    let kinds = [
        ("a", Some("llm.chat"), vec!["x", "y"]),
        ("b", Some("llm.sum"), vec!["x"]),
        ("c", Some("build"), vec![]),
        ("d", None, vec!["y"]),
    ];
    for (id, task_type, tags) in kinds {
        let record = TaskRecord {
            task_type: task_type.map(|t| EventType::new(t).unwrap()),
            tags: tags.into_iter().map(tag).collect(),
            ..record(id, NOON)
        };
        given.store.create(given.create_of(record)).await.unwrap();
    }
    given.step("b", Status::Running).await;
    given.step("c", Status::Cancelled).await;
    let check = async |statuses: &[Status], types: &[&str], tags: &[&str], expected: &[&str]| {
        let filter = TaskFilter {
            statuses: statuses.to_vec(),
            types: types.iter().map(|t| TypePattern::parse(t)).collect(),
            tags: tags.iter().map(|t| tag(t)).collect(),
        };
        for limit in [1, 10] {
            let found = list_all(&*given.store, &filter, limit).await;
            assert_eq!(ids(&found), expected, "{filter:?}");
        }
    };
    check(&[], &[], &[], &["d", "c", "b", "a"]).await;
    check(&[Status::Pending], &[], &[], &["d", "a"]).await;
    check(&[Status::Running, Status::Cancelled], &[], &[], &["c", "b"]).await;
    check(&[], &["llm.*"], &[], &["b", "a"]).await;
    check(&[], &["*"], &[], &["c", "b", "a"]).await;
    check(&[], &["build", "llm.sum"], &[], &["c", "b"]).await;
    check(&[], &[], &["x"], &["b", "a"]).await;
    check(&[], &[], &["x", "y"], &["a"]).await;
    check(&[Status::Running], &["llm.*"], &["x"], &["b"]).await;
    check(&[Status::Paused], &[], &[], &[]).await;
}

/// A task that times out `seconds` after noon.
async fn with_ttl(given: &Given, id: &str, seconds: u64) -> TaskState {
    let record = TaskRecord {
        ttl: Some(seconds),
        timeout_at: Some(NOON.plus_seconds(seconds)),
        ..record(id, NOON)
    };
    given.store.create(given.create_of(record)).await.unwrap()
}

async fn due(given: &Given, seconds: u64, limit: usize) -> (Vec<String>, Option<u64>) {
    let DuePage { due, next } = given
        .store
        .due(NOON.plus_seconds(seconds), limit)
        .await
        .unwrap();
    for task in &due {
        assert_eq!(task.revision, given.state(task.id.as_str()).await.revision);
    }
    assert!(due.is_sorted_by_key(|task| task.at));
    let ids = due.iter().map(|task| task.id.to_string()).collect();
    (ids, next.map(|next| (next.0 - NOON.0) / 1_000))
}

fn these(ids: &[&str], next: Option<u64>) -> (Vec<String>, Option<u64>) {
    (ids.iter().map(|id| (*id).to_owned()).collect(), next)
}

pub async fn a_page_of_large_tasks_ends_early_and_says_that_there_is_more(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let params = RawJson::from_value(&["x".repeat(TaskPage::BYTES / 3)]).unwrap();
    for id in ["a", "b", "c", "d"] {
        let record = TaskRecord {
            params: Some(params.clone()),
            ..record(id, NOON)
        };
        given.store.create(given.create_of(record)).await.unwrap();
    }
    let ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 10,
    };
    let first = given.store.list(ask.clone()).await.unwrap();
    assert_eq!(ids(&first.tasks), ["d", "c", "b"]);
    let rest = ListAsk {
        after: first.next,
        ..ask
    };
    let rest = given.store.list(rest).await.unwrap();
    assert_eq!((ids(&rest.tasks), rest.next), (vec!["a"], None));
}

pub async fn deadlines_come_in_order_and_tell_of_the_next(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    assert_eq!(due(&given, 100, 10).await, these(&[], None));
    given.task("never").await;
    for (id, seconds) in [("c", 30), ("a", 10), ("b", 20)] {
        with_ttl(&given, id, seconds).await;
    }
    assert_eq!(due(&given, 0, 10).await, these(&[], Some(10)));
    assert_eq!(due(&given, 9, 10).await, these(&[], Some(10)));
    assert_eq!(due(&given, 10, 10).await, these(&["a"], Some(20)));
    assert_eq!(due(&given, 25, 10).await, these(&["a", "b"], Some(30)));
    assert_eq!(due(&given, 100, 2).await, these(&["a", "b"], Some(30)));
    assert_eq!(due(&given, 100, 10).await, these(&["a", "b", "c"], None));
    let tied = [with_ttl(&given, "d", 30).await, given.state("c").await];
    let page = given.store.due(NOON.plus_seconds(30), 10).await.unwrap();
    let at_30 = page
        .due
        .iter()
        .filter(|task| task.at == NOON.plus_seconds(30));
    assert_eq!(at_30.count(), tied.len());
}

pub async fn a_deadline_follows_its_record(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    with_ttl(&given, "a", 10).await;
    given.step("a", Status::Running).await;
    assert_eq!(due(&given, 10, 10).await, these(&["a"], None));
    given.publish("a", vec![event("b")]).await;
    assert_eq!(
        due(&given, 10, 10).await,
        these(&["a"], None),
        "publishing moves no deadline"
    );
    given.step("a", Status::Paused).await;
    assert_eq!(
        due(&given, 1_000, 10).await,
        these(&[], None),
        "a pause stops the time"
    );
    given.clock.advance(5_000);
    given.step("a", Status::Running).await;
    assert_eq!(due(&given, 0, 10).await, these(&[], Some(15)));
    let blocked = Transition {
        resume_after_ms: Some(3_000),
        ..Transition::to(Status::Blocked)
    };
    given.transit("a", &blocked).await;
    assert_eq!(
        due(&given, 8, 10).await,
        these(&["a"], None),
        "the earlier deadline counts"
    );
    given.step("a", Status::Running).await;
    assert_eq!(due(&given, 8, 10).await, these(&[], Some(15)));
    given.step("a", Status::Completed).await;
    assert_eq!(due(&given, 1_000, 10).await, these(&[], None));
    let state = with_ttl(&given, "gone", 1).await;
    given.delete(&state).await;
    assert_eq!(due(&given, 1_000, 10).await, these(&[], None));
}

pub async fn each_task_stands_once_in_the_change_feed_at_its_newest_commit(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    for id in ["a", "b", "c"] {
        given.task(id).await;
    }
    given.publish("a", vec![event("b")]).await;
    given.step("b", Status::Running).await;
    given.publish("a", vec![event("b"); 2]).await;
    for limit in [1, 2, 10] {
        let feed = changed_all(&*given.store, limit).await;
        let order: Vec<&str> = feed.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(order, ["c", "b", "a"]);
        for task in &feed {
            let state = given.state(task.id.as_str()).await;
            let (commit, epoch, tail) = (state.commit, state.epoch, state.tail);
            assert_eq!((task.commit, task.epoch, task.tail), (commit, epoch, tail));
        }
    }
    let (b, a) = (given.state("b").await.commit, given.state("a").await.commit);
    let after = given.store.changed(Partition(0), b, 10).await.unwrap();
    assert_eq!(
        after.iter().map(|task| task.commit).collect::<Vec<_>>(),
        [a]
    );
    assert!(
        given
            .store
            .changed(Partition(0), a, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Three tasks whose commits of several sizes are interleaved, some without events.
async fn interleaved(subject: &dyn Subject) -> Given {
    let given = Given::open(subject).await;
    let mut rng = Rng::from_seed(5);
    for id in ["a", "b", "c"] {
        given.task(id).await;
    }
    for n in 0..30 {
        let id = rng.pick(&["a", "b", "c"]);
        let events = [event("b"), delta("s", "x"), latest("l", "1")];
        let events = events.into_iter().cycle().take(n % 5).collect();
        given.publish(id, events).await;
    }
    given
}

pub async fn appended_events_come_in_commit_order_and_whole_commits(subject: &dyn Subject) {
    let given = interleaved(subject).await;
    let mut expected: Vec<(CommitNumber, String, Slot)> = Vec::new();
    for id in ["a", "b", "c"] {
        let slots = given.slots(id).await.into_iter();
        expected.extend(slots.map(|slot| (slot.commit(), id.to_owned(), slot)));
    }
    expected.sort_by_key(|(commit, _, slot)| (*commit, slot.index()));
    for limit in [1, 2, 5, 1_000] {
        let found = appended_all(&*given.store, CommitNumber(0), limit).await;
        let found: Vec<_> = found
            .into_iter()
            .map(|one| (one.slot.commit(), one.id.to_string(), one.slot))
            .collect();
        assert_eq!(found, expected);
    }
}

pub async fn appended_events_resume_after_every_commit(subject: &dyn Subject) {
    let given = interleaved(subject).await;
    let all = appended_all(&*given.store, CommitNumber(0), 1_000).await;
    let newest = given.store.newest().await.unwrap();
    // Not every store numbers its first commit 1.
    let commits = all.iter().map(|one| one.slot.commit());
    let ends = commits.flat_map(|commit| [CommitNumber(commit.0 - 1), commit]);
    for after in [CommitNumber(0)].into_iter().chain(ends) {
        let expected: Vec<_> = all
            .iter()
            .filter(|one| one.slot.commit() > after)
            .cloned()
            .collect();
        assert_eq!(
            appended_all(&*given.store, after, 3).await,
            expected,
            "after {after}"
        );
    }
    // What comes later comes after it, and only that.
    given.publish("b", vec![event("b")]).await;
    assert_eq!(appended_all(&*given.store, newest[0], 3).await.len(), 1);
}

pub async fn a_page_of_large_events_ends_early_and_says_that_there_is_more(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let data = format!("\"{}\"", "x".repeat(AppendedPage::BYTES / 3));
    for _ in 0..7 {
        given.publish("a", vec![with_data("large", &data)]).await;
    }
    let page = async |after| {
        let page = given
            .store
            .appended(Partition(0), after, 100)
            .await
            .unwrap();
        (page.slots.len(), page.upto)
    };
    // Where two tiers meet, a page may end earlier.
    let (first, mut after) = page(CommitNumber(0)).await;
    let mut all = first;
    while all < 7 {
        let (more, upto) = page(after).await;
        assert!((1..=3).contains(&more) && upto > after);
        (all, after) = (all + more, upto);
    }
    assert_eq!((first, all), (3, 7));
}
