//! Everything that can be read of a store, as one value to compare.

use super::given::read_all;
use crate::{
    Appended, ChangedTask, DueTask, Heads, ListAsk, Partition, ProducerPosition, ShortTermStore,
    Tail, TaskFilter, TaskState, Which,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use taskcast_core::{
    CommitNumber, Event, EventFilter, Index, Level, Millis, ProducerId, SeriesId, Slot, TypePattern,
};

/// Producers a snapshot asks for: the suite uses no others.
pub(super) const PRODUCERS: [&str; 3] = ["p1", "p2", "p3"];

/// All tasks, with everything in them and across them.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The tasks, as listed.
    pub tasks: Vec<TaskSnapshot>,
    /// The change feed.
    pub changed: Vec<ChangedTask>,
    /// The events of all tasks.
    pub appended: Vec<Appended>,
    /// All deadlines; of those at one moment the lesser id first.
    pub due: Vec<DueTask>,
}

/// One task, with everything in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSnapshot {
    /// The task.
    pub state: TaskState,
    /// Where its log stands.
    pub tail: Option<Tail>,
    /// All readable slots.
    pub slots: Vec<Slot>,
    /// Those that a folded replay reads.
    pub unfolded: Vec<Slot>,
    /// The heads.
    pub heads: Heads,
    /// The texts of all runs that a slot or a head stands in.
    pub texts: BTreeMap<(SeriesId, Index), Bytes>,
    /// Counts of a few filters, at the trim point and at the tail.
    pub counts: Vec<(u64, u64)>,
    /// Positions of the producers that the suite uses.
    pub producers: Vec<Option<ProducerPosition>>,
}

/// Reads everything.
pub async fn snapshot(store: &dyn ShortTermStore) -> Snapshot {
    let mut tasks = Vec::new();
    for state in list_all(store, &TaskFilter::default(), 3).await {
        tasks.push(task(store, state).await);
    }
    let mut due = store.due(Millis(1 << 52), 10_000).await.unwrap().due;
    due.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Snapshot {
        tasks,
        changed: changed_all(store, 4).await,
        appended: appended_all(store, CommitNumber(0), 7).await,
        due,
    }
}

async fn task(store: &dyn ShortTermStore, state: TaskState) -> TaskSnapshot {
    let (id, epoch) = (state.record.id.clone(), state.epoch);
    let slots = read_all(store, &state, Which::All, 17, 4_096).await;
    let heads = store.heads(&id, epoch).await.unwrap();
    let mut counts = Vec::new();
    for filter in filters() {
        let below = store.count(&id, epoch, &filter, state.trim).await.unwrap();
        let all = store.count(&id, epoch, &filter, state.tail).await.unwrap();
        counts.push((below, all));
    }
    let mut producers = Vec::new();
    for producer in PRODUCERS {
        let producer = ProducerId::new(producer).unwrap();
        producers.push(store.producer(&id, &producer).await.unwrap());
    }
    TaskSnapshot {
        tail: store.tails(&[id]).await.unwrap().pop().unwrap(),
        unfolded: read_all(store, &state, Which::Unfolded, 5, 4_096).await,
        texts: texts(store, &state, &slots, &heads).await,
        slots,
        heads,
        counts,
        producers,
        state,
    }
}

async fn texts(
    store: &dyn ShortTermStore,
    state: &TaskState,
    slots: &[Slot],
    heads: &Heads,
) -> BTreeMap<(SeriesId, Index), Bytes> {
    let deltas = slots.iter().filter_map(Slot::event);
    let newest = heads.heads.iter().map(|head| &head.newest);
    let mut ends: BTreeMap<(SeriesId, Index), u64> = BTreeMap::new();
    for event in deltas.chain(newest) {
        let Some(fold) = event.fold.filter(|fold| fold.text.is_some()) else {
            continue;
        };
        let series = event.series.id.clone().unwrap();
        let end = ends.entry((series, fold.run)).or_default();
        *end = fold.end().max(*end);
    }
    let mut texts = BTreeMap::new();
    for ((series, run), end) in ends {
        let (id, epoch) = (&state.record.id, state.epoch);
        let text = store.text(id, epoch, &series, run, 0..end).await.unwrap();
        texts.insert((series, run), text);
    }
    texts
}

/// Filters of each kind over the types that the suite uses.
pub(super) fn filters() -> Vec<EventFilter> {
    let all = EventFilter::default();
    let of_types = |types: &[&str]| EventFilter {
        types: Some(types.iter().map(|t| TypePattern::parse(t)).collect()),
        ..EventFilter::default()
    };
    let levels = |levels: &[Level]| EventFilter {
        levels: Some(levels.to_vec()),
        ..EventFilter::default()
    };
    let hidden = EventFilter {
        include_status: false,
        ..EventFilter::default()
    };
    vec![
        all,
        hidden,
        of_types(&["a.*"]),
        of_types(&["llm.delta", "b"]),
        of_types(&[]),
        of_types(&["*"]),
        levels(&[Level::Info]),
        levels(&[Level::Warn, Level::Error]),
        EventFilter {
            include_status: false,
            ..levels(&[Level::Info, Level::Debug])
        },
    ]
}

/// The whole list of tasks, page by page.
pub(super) async fn list_all(
    store: &dyn ShortTermStore,
    filter: &TaskFilter,
    limit: usize,
) -> Vec<TaskState> {
    let (mut tasks, mut after) = (Vec::new(), None);
    loop {
        let ask = ListAsk {
            filter: filter.clone(),
            after: after.clone(),
            limit,
        };
        let page = store.list(ask).await.unwrap();
        assert!(page.tasks.len() <= limit);
        tasks.extend(page.tasks);
        if page.next.is_none() {
            return tasks;
        }
        assert_ne!(page.next, after, "a page has to make progress");
        after = page.next;
    }
}

/// The whole change feed, page by page.
pub(super) async fn changed_all(store: &dyn ShortTermStore, limit: usize) -> Vec<ChangedTask> {
    let (mut tasks, mut after) = (Vec::new(), CommitNumber(0));
    loop {
        let page = store.changed(Partition(0), after, limit).await.unwrap();
        assert!(page.len() <= limit);
        let Some(last) = page.last() else {
            return tasks;
        };
        after = last.commit;
        tasks.extend(page);
    }
}

/// The events of all tasks after a commit, page by page.
pub(super) async fn appended_all(
    store: &dyn ShortTermStore,
    mut after: CommitNumber,
    limit: usize,
) -> Vec<Appended> {
    let mut slots = Vec::new();
    loop {
        let page = store.appended(Partition(0), after, limit).await.unwrap();
        let within =
            |slot: &Appended| slot.slot.commit() > after && slot.slot.commit() <= page.upto;
        assert!(page.slots.iter().all(within), "{page:?} after {after}");
        let last = page.slots.last().map(|slot| slot.slot.commit());
        let before_last = |slot: &&Appended| Some(slot.slot.commit()) != last;
        let complete = page.slots.iter().filter(before_last).count();
        assert!(
            complete < limit,
            "a page ends with the commit that fills it"
        );
        slots.extend(page.slots);
        if page.upto >= page.newest {
            return slots;
        }
        assert!(page.upto > after, "a page has to make progress");
        after = page.upto;
    }
}

impl Snapshot {
    /// The same with commit numbers replaced by their rank: what two stores have to agree on, since
    /// commit numbers grow but need not be dense.
    #[must_use]
    pub fn ranked(mut self) -> Self {
        let mut numbers = BTreeSet::new();
        self.each_commit(&mut |commit| _ = numbers.insert(*commit));
        let ranks: BTreeMap<CommitNumber, u64> = numbers.into_iter().zip(1..).collect();
        self.each_commit(&mut |commit| *commit = CommitNumber(ranks[commit]));
        self
    }

    fn each_commit(&mut self, see: &mut dyn FnMut(&mut CommitNumber)) {
        for task in &mut self.tasks {
            see(&mut task.state.commit);
            let slots = task.slots.iter_mut().chain(&mut task.unfolded);
            slots.for_each(|slot| see(commit_of(slot)));
            let newest = |head: &mut taskcast_core::Head| see(event_commit(&mut head.newest));
            task.heads.heads.iter_mut().for_each(newest);
        }
        self.changed
            .iter_mut()
            .for_each(|task| see(&mut task.commit));
        let appended = self.appended.iter_mut();
        appended.for_each(|appended| see(commit_of(&mut appended.slot)));
    }
}

fn commit_of(slot: &mut Slot) -> &mut CommitNumber {
    match slot {
        Slot::Event(event) => event_commit(event),
        Slot::Tombstone(tombstone) => &mut tombstone.commit,
    }
}

fn event_commit(event: &mut Event) -> &mut CommitNumber {
    &mut event.commit
}
