//! The archive against what was put in: random logs of the memory store, archived in pieces while
//! they grow, read the same from both.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong, and says with which seed"
)]

mod support;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use support::{Given, create, delta, event, gained, id, in_series, memory, series_id};
use taskcast_core::{
    Epoch, EventFilter, Imported, Index, Level, NewEvent, ProducerId, SeriesMode, Status,
    Transition, TypePattern, transition,
};
use taskcast_store::tier::{Archived, HotStore, LongTermStore};
use taskcast_store::{
    Change, Commit, KeyClaim, LogReader, Maintenance, MemoryStore, Once, ProducerClaim, ReadAsk,
    Seek, TaskLog, TaskState, Which,
};
use taskcast_store_postgres::PostgresStore;

const NAMES: [&str; 3] = ["a", "b", "\u{1f600}"];

/// A generator of random numbers that a seed replays (splitmix64).
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn event(&mut self) -> NewEvent {
        let text = self.pick(&["", "a", "Hello ", "\u{1f600}", r"\n\ud83d", r"\u0000"]);
        let mut event = match self.below(10) {
            0..=3 => delta(self.pick(&["s1", "s2"]), text),
            4 => in_series("s1", SeriesMode::Accumulate, r#"{"delta":1}"#),
            5 | 6 => in_series(self.pick(&["l1", "l2"]), SeriesMode::Latest, "{\"n\": 1}"),
            7 => in_series("k", SeriesMode::KeepAll, "{}"),
            _ => event(self.pick(&["a.x", "a.y", "b"]), "\"x\""),
        };
        event.level = self.pick(&Level::ALL);
        if self.below(12) == 0 {
            let foreign = format!("f{}", self.below(40));
            let at = support::NOON.plus_millis(self.below(100));
            event.imported = Some(Imported {
                id: foreign.into(),
                at,
            });
        }
        event
    }

    fn once(&mut self) -> Option<Once> {
        match self.below(4) {
            0 => {
                let key = self.pick(&["k1", "k2", "k3"]).into();
                Some(Once::Key(KeyClaim { key, body: [1; 32] }))
            }
            1 => {
                let id = ProducerId::new(self.pick(&["p1", "p2"])).unwrap();
                let (epoch, first) = (self.below(3), self.below(3));
                Some(Once::Producer(ProducerClaim {
                    id,
                    epoch,
                    first,
                    last: first,
                }))
            }
            _ => None,
        }
    }
}

async fn change(hot: &MemoryStore, rng: &mut Rng, name: &str) {
    let Some(state) = hot.load(&id(name)).await.unwrap() else {
        return;
    };
    let mut events: Vec<NewEvent> = (0..rng.below(6)).map(|_| rng.event()).collect();
    let mut change = None;
    if rng.below(8) == 0 {
        let to = rng.pick(&[Status::Running, Status::Paused, Status::Assigned]);
        if let Ok(step) = transition(&state.record, &Transition::to(to), hot_now(hot)) {
            events.extend(step.events);
            change = Some(Change {
                expected: state.revision,
                record: step.record,
            });
        }
    }
    let commit = Commit {
        task: id(name),
        epoch: None,
        change,
        events,
        once: rng.once(),
    };
    // Repeats are refused.
    let _ = hot.commit(commit).await;
}

fn hot_now(hot: &MemoryStore) -> taskcast_core::Millis {
    use taskcast_store::ShortTermStore;
    hot.clock().now()
}

/// Archives some of what some logs have gained, in one call.
async fn archive(hot: &MemoryStore, store: &PostgresStore, rng: &mut Rng, most: u64) {
    let mut entries = Vec::new();
    for name in NAMES {
        if rng.below(3) > 0 || most > 1_000 {
            let state = hot.load(&id(name)).await.unwrap().unwrap();
            let marks = store.watermarks(&[(id(name), state.epoch)]).await.unwrap();
            entries.push(gained(hot, &state, marks[0], 1 + rng.below(most)).await);
        }
    }
    for archived in store.archive(entries).await.unwrap() {
        assert!(matches!(archived, Archived::Done(_)), "{archived:?}");
    }
}

/// Removes something that is archived, in both stores.
///
/// Gives the index from which nothing was cleaned.
async fn remove(hot: &MemoryStore, store: &PostgresStore, rng: &mut Rng, name: &str) -> u64 {
    let Some(mark) = store.watermarks(&[(id(name), Epoch(1))]).await.unwrap()[0] else {
        return 0;
    };
    if rng.below(2) == 0 {
        let to = Index(rng.below(mark.tail.0 + 1));
        hot.trim(&id(name), Epoch(1), to).await.unwrap();
        store.trim(&id(name), Epoch(1), to).await.unwrap();
        0
    } else {
        // What the archive does not know to be superseded it would call cleaned.
        support::follow(hot, store, name).await;
        let indexes: Vec<Index> = (0..3).map(|_| Index(rng.below(mark.tail.0 + 1))).collect();
        let indexes: Vec<Index> = indexes.into_iter().filter(|at| *at < mark.tail).collect();
        hot.clean(&id(name), Epoch(1), &indexes).await.unwrap();
        store.clean(&id(name), Epoch(1), &indexes).await.unwrap();
        indexes.iter().map(|index| index.0 + 1).max().unwrap_or(0)
    }
}

/// Takes the archive back to an index, as if the short-term store had lost what follows. Not below
/// `floor`: what was cleaned there would come again without saying of which series it was.
async fn rewind(store: &PostgresStore, rng: &mut Rng, name: &str, floor: u64) {
    if let Some(kept) = store.find(&id(name)).await.unwrap() {
        let (trim, tail) = (kept.state.trim.0.max(floor), kept.state.tail.0);
        // Just after the trim point nothing tells of the slot before.
        if tail > trim + 1 {
            let to = Index(trim + 1 + rng.below(tail - trim));
            store.rewind(&id(name), Epoch(1), to).await.unwrap();
        }
    }
}

fn filters() -> Vec<EventFilter> {
    let types = |patterns: &[&str]| Some(patterns.iter().map(|p| TypePattern::parse(p)).collect());
    vec![
        EventFilter::default(),
        EventFilter {
            types: types(&["a.*"]),
            ..EventFilter::default()
        },
        EventFilter {
            types: types(&["llm.delta", "b"]),
            ..EventFilter::default()
        },
        EventFilter {
            levels: Some(vec![Level::Warn]),
            ..EventFilter::default()
        },
        EventFilter {
            include_status: false,
            ..EventFilter::default()
        },
    ]
}

async fn compare(hot: &MemoryStore, store: &PostgresStore, rng: &mut Rng, state: &TaskState) {
    let (name, epoch) = (&state.record.id, state.epoch);
    assert_eq!(store.find(name).await.unwrap().unwrap().state, *state);
    for _ in 0..12 {
        let ask = ReadAsk {
            from: Index(rng.below(state.tail.0 + 3)),
            to: Index(rng.below(state.tail.0 + 30)),
            which: rng.pick(&[Which::All, Which::Unfolded]),
            max_slots: rng.pick(&[1, 2, 7, 100]),
            max_bytes: rng.pick(&[0, 30, 100, 10_000]),
        };
        let expected = hot.read(name, epoch, ask).await.unwrap();
        assert_eq!(
            store.read(name, epoch, ask).await.unwrap(),
            expected,
            "{ask:?}"
        );
    }
    for filter in filters() {
        let at = Index(rng.below(state.tail.0 + 3));
        for upto in [Index::START, state.trim, at, state.tail] {
            let expected = hot.count(name, epoch, &filter, upto).await.unwrap();
            let count = store.count(name, epoch, &filter, upto).await.unwrap();
            assert_eq!(count, expected, "{filter:?} below {upto}");
        }
        let seek = Seek::Past {
            filter,
            count: rng.below(state.tail.0 + 2),
        };
        seek_both(hot, store, state, seek).await;
    }
    seek_both(
        hot,
        store,
        state,
        Seek::Foreign(format!("f{}", rng.below(40)).into()),
    )
    .await;
    seek_both(
        hot,
        store,
        state,
        Seek::After(support::NOON.plus_millis(rng.below(300))),
    )
    .await;
    compare_series(hot, store, rng, state).await;
}

async fn seek_both(hot: &MemoryStore, store: &PostgresStore, state: &TaskState, seek: Seek) {
    let (name, epoch) = (&state.record.id, state.epoch);
    let expected = hot.seek(name, epoch, seek.clone()).await.unwrap();
    let found = store.seek(name, epoch, seek.clone()).await.unwrap();
    assert_eq!(found, expected, "{seek:?}");
}

async fn compare_series(
    hot: &MemoryStore,
    store: &PostgresStore,
    rng: &mut Rng,
    state: &TaskState,
) {
    let (name, epoch) = (&state.record.id, state.epoch);
    let heads = hot.heads(name, epoch).await.unwrap();
    assert_eq!(store.heads(name, epoch).await.unwrap(), heads);
    let image = store.image(name, epoch).await.unwrap();
    assert_eq!(image.state, *state);
    assert_eq!(
        image.once,
        hot.once_since(name, epoch, Default::default())
            .await
            .unwrap()
    );
    for (event_type, level, count) in &image.counts {
        let types = Some(vec![TypePattern::Exact(event_type.as_str().into())]);
        let filter = EventFilter {
            types,
            levels: Some(vec![*level]),
            include_status: true,
        };
        assert_eq!(
            hot.count(name, epoch, &filter, state.tail).await.unwrap(),
            *count
        );
    }
    assert_eq!(
        image.counts.iter().map(|(.., count)| count).sum::<u64>(),
        state.tail.0
    );
    for head in heads.heads {
        let of = image
            .series
            .iter()
            .find(|series| series.id == head.series)
            .unwrap();
        assert_eq!(of.newest.as_ref(), Some(&head.newest));
        assert_eq!(of.state.fold, head.newest.fold);
        let fold = head.newest.fold.unwrap();
        let run = fold.run;
        let whole = hot
            .text(name, epoch, &head.series, run, 0..fold.end())
            .await
            .unwrap();
        assert_eq!(of.text, whole);
        for series in ["s1", "s2"] {
            let (from, to) = (rng.below(40), rng.below(60));
            let run = Index(rng.below(run.0 + 1));
            let series = series_id(series);
            let expected = hot.text(name, epoch, &series, run, from..to).await.unwrap();
            let found = store
                .text(name, epoch, &series, run, from..to)
                .await
                .unwrap();
            assert_eq!(found, expected, "{series} {run} {from}..{to}");
        }
    }
}

async fn run(seed: u64) {
    eprintln!("replay with TASKCAST_SEED={seed}");
    let given = Given::open().await;
    let (hot, mut rng) = (memory(given.clock.clone()), Rng(seed));
    let mut cleaned = HashMap::new();
    for name in NAMES {
        hot.create(create(name, 1, support::NOON)).await.unwrap();
    }
    for _ in 0..120 {
        let name = rng.pick(&NAMES);
        match rng.below(12) {
            0 | 1 => archive(&hot, &given.store, &mut rng, 9).await,
            2 => {
                let upto = remove(&hot, &given.store, &mut rng, name).await;
                let floor: &mut u64 = cleaned.entry(name).or_default();
                *floor = upto.max(*floor);
            }
            3 => given.clock.advance(rng.below(20)),
            4 if rng.below(3) == 0 => {
                let floor = cleaned.get(name).copied().unwrap_or(0);
                rewind(&given.store, &mut rng, name, floor).await;
                support::follow(&hot, &given.store, name).await;
            }
            _ => change(&hot, &mut rng, name).await,
        }
    }
    archive(&hot, &given.store, &mut rng, 1 << 40).await;
    for name in NAMES {
        // What is left is archived bit by bit.
        support::follow(&hot, &given.store, name).await;
        let state = hot.load(&id(name)).await.unwrap().unwrap();
        compare(&hot, &given.store, &mut rng, &state).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_logs_read_the_same_from_both() {
    let _server = support::server();
    match std::env::var("TASKCAST_SEED") {
        Ok(seed) => run(seed.parse().unwrap()).await,
        Err(_) => {
            for n in 0..12 {
                run(RandomState::new().hash_one(n)).await;
            }
        }
    }
}
