//! The heart of the rules of long-term stores: random logs, archived in pieces while they grow, in
//! the reference and in the subject. All that can be read has to be equal.

use super::LongTermSubject;
use super::draw::{Draw, Look, Operation};
use super::given::{NOON, task_id};
use super::rng::{Rng, announce, seeds};
use super::snapshot::filters;
use super::tiers::{gained, memory};
use crate::tier::{Archived, HotStore, LongTermStore, MemoryArchive, NoteKind};
use crate::{
    ListAsk, ManualClock, Partition, ReadAsk, ShortTermStore, TaskFilter, TaskState, Which,
};
use std::sync::Arc;
use taskcast_core::{CommitNumber, Index, Limits};

const CASES: usize = 8;
const STEPS: usize = 120;
const IDS: [&str; 4] = ["a", "b", "c", "\u{1f600}"];

pub async fn random_logs_read_the_same_as_from_the_reference(subject: &dyn LongTermSubject) {
    for seed in seeds(CASES) {
        announce(seed);
        let clock = Arc::new(ManualClock::at(NOON));
        let limits = Limits {
            series_per_task: 5,
            producers_per_task: 2,
            idempotency_keys_per_task: 2,
            ..Limits::default()
        };
        let mut pair = Pair {
            rng: Rng::from_seed(seed),
            draw: Draw::new(seed, clock.clone()),
            hot: memory(clock.clone(), limits.clone()),
            reference: Arc::new(MemoryArchive::new(limits.clone())),
            subject: subject.open(clock.clone(), limits).await,
            clock,
        };
        pair.run().await;
        pair.subject.close().await;
    }
}

struct Pair {
    rng: Rng,
    draw: Draw,
    clock: Arc<ManualClock>,
    hot: Arc<dyn HotStore>,
    reference: Arc<dyn LongTermStore>,
    subject: Arc<dyn LongTermStore>,
}

impl Pair {
    async fn run(&mut self) {
        for step in 0..STEPS {
            match self.rng.below(8) {
                0 | 1 => {
                    let most = 1 + self.rng.below(9);
                    self.archive(most).await;
                }
                2 => self.settle().await,
                _ => self.operate().await,
            }
            if step % 16 == 15 {
                self.compare().await;
            }
        }
        while self.archive(1_000).await {}
        self.settle().await;
        self.compare().await;
    }

    /// Anything happens to the hot store. What is removed there is archived first, as tiers do.
    async fn operate(&mut self) {
        let store: &dyn ShortTermStore = &*self.hot;
        let operation = self.draw.operation(store).await;
        match operation {
            Operation::SetClock(now) => self.clock.set(now),
            Operation::Reopen => {}
            Operation::Create(create) => _ = self.hot.create(create).await,
            Operation::Commit(commit) => _ = self.hot.commit(commit).await,
            Operation::Delete(id, epoch) => _ = self.hot.delete(&task_id(id), epoch).await,
            Operation::Trim(id, epoch, to) => {
                while self.archive(1_000).await {}
                let id = task_id(id);
                for archive in [&self.reference, &self.subject] {
                    _ = archive.trim(&id, epoch, to).await;
                }
                _ = self.hot.trim(&id, epoch, to).await;
            }
            Operation::Clean(id, epoch, at) => {
                while self.archive(1_000).await {}
                let id = task_id(id);
                for archive in [&self.reference, &self.subject] {
                    _ = archive.clean(&id, epoch, &at).await;
                }
                _ = self.hot.clean(&id, epoch, &at).await;
            }
        }
    }

    /// Archives some of what logs have gained. Tells whether there was anything.
    async fn archive(&mut self, most: u64) -> bool {
        let mut entries = Vec::new();
        for id in IDS {
            let skipped = most < 1_000 && self.rng.chance(3);
            let Some(state) = self
                .hot
                .load(&task_id(id))
                .await
                .unwrap()
                .filter(|_| !skipped)
            else {
                continue;
            };
            let log = [(task_id(id), state.epoch)];
            let mark = self.reference.watermarks(&log).await.unwrap()[0];
            if mark.is_some_and(|mark| mark.commit == state.commit) {
                continue;
            }
            entries.push(gained(&*self.hot, &state, mark, most).await);
        }
        let expected = self.reference.archive(entries.clone()).await.unwrap();
        let found = self.subject.archive(entries).await.unwrap();
        assert_eq!(found, expected);
        assert!(expected.iter().all(|it| matches!(it, Archived::Done(_))));
        !expected.is_empty()
    }

    /// Deletes what was deleted.
    async fn settle(&mut self) {
        for note in self.hot.notes(Partition(0), 100).await.unwrap() {
            assert_eq!(note.kind, NoteKind::Deleted);
            let expected = self.reference.delete(&note.id, note.epoch).await.unwrap();
            let found = self.subject.delete(&note.id, note.epoch).await.unwrap();
            assert_eq!(found, expected);
            self.hot.settle(&note).await.unwrap();
        }
    }

    async fn compare(&mut self) {
        for id in IDS {
            let expected = self.reference.find(&task_id(id)).await.unwrap();
            let found = self.subject.find(&task_id(id)).await.unwrap();
            assert_eq!(
                found.as_ref().map(|kept| (&kept.state, kept.hot)),
                expected.as_ref().map(|kept| (&kept.state, kept.hot))
            );
            if let Some(kept) = expected {
                self.compare_log(&kept.state).await;
            }
        }
        let ask = ListAsk {
            filter: TaskFilter::default(),
            after: None,
            limit: 100,
        };
        let expected = self.reference.list(ask.clone()).await.unwrap();
        let found = self.subject.list(ask).await.unwrap();
        let states = |page: crate::tier::KeptPage| -> Vec<TaskState> {
            page.tasks.into_iter().map(|kept| kept.state).collect()
        };
        assert_eq!(states(found), states(expected));
        let (start, end) = (CommitNumber(0), CommitNumber(1 << 40));
        let appended = async |archive: &dyn LongTermStore| {
            let page = archive.appended(Partition(0), start, end, 100_000).await;
            page.unwrap().slots
        };
        let (expected, found) = (
            appended(&*self.reference).await,
            appended(&*self.subject).await,
        );
        assert_eq!(found, expected);
    }

    async fn compare_log(&mut self, state: &TaskState) {
        let (id, epoch) = (&state.record.id, state.epoch);
        let (one, other) = (&self.reference, &self.subject);
        let marks = [(id.clone(), epoch)];
        assert_eq!(
            other.watermarks(&marks).await.unwrap(),
            one.watermarks(&marks).await.unwrap()
        );
        let expected = one.heads(id, epoch).await.unwrap();
        assert_eq!(other.heads(id, epoch).await.unwrap(), expected);
        let sorted = |mut image: crate::tier::LogImage| {
            image
                .series
                .sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
            image
                .counts
                .sort_by(|a, b| (a.0.as_str(), a.1.as_str()).cmp(&(b.0.as_str(), b.1.as_str())));
            image
        };
        let expected = sorted(one.image(id, epoch).await.unwrap());
        assert_eq!(sorted(other.image(id, epoch).await.unwrap()), expected);
        for filter in filters() {
            for upto in 0..=state.tail.0 + 1 {
                let expected = one.count(id, epoch, &filter, Index(upto)).await.unwrap();
                let found = other.count(id, epoch, &filter, Index(upto)).await.unwrap();
                assert_eq!(found, expected, "{filter:?} below {upto}");
            }
        }
        self.compare_reads(state).await;
    }

    async fn compare_reads(&mut self, state: &TaskState) {
        let (id, epoch) = (&state.record.id, state.epoch);
        for which in [Which::All, Which::Unfolded] {
            let ask = ReadAsk {
                from: Index::START,
                to: Index::LIMIT,
                which,
                max_slots: 100_000,
                max_bytes: 1 << 30,
            };
            let expected = self.reference.read(id, epoch, ask).await.unwrap();
            assert_eq!(self.subject.read(id, epoch, ask).await.unwrap(), expected);
            for event in expected.slots.iter().filter_map(|slot| slot.event()) {
                let (Some(fold), Some(series)) = (event.fold, &event.series.id) else {
                    continue;
                };
                let text = async |archive: &dyn LongTermStore| {
                    let text = archive.text(id, epoch, series, fold.run, 0..fold.end());
                    text.await.unwrap()
                };
                assert_eq!(text(&*self.subject).await, text(&*self.reference).await);
            }
        }
        for _ in 0..8 {
            let look = self.draw.look(state);
            let expected = seen(&*self.reference, state, &look).await;
            let found = seen(&*self.subject, state, &look).await;
            assert_eq!(found, expected, "{look:?}");
        }
    }
}

async fn seen(archive: &dyn LongTermStore, task: &TaskState, look: &Look) -> String {
    let (id, epoch) = (&task.record.id, task.epoch);
    match look {
        Look::Range(ask) => format!("{:?}", archive.read(id, epoch, *ask).await.unwrap()),
        // Of positions that are trimmed an archive need not know which is which.
        Look::Seek(seek) => {
            let found = archive.seek(id, epoch, seek.clone()).await.unwrap();
            format!("{:?}", found.map(|index| index.max(task.trim)))
        }
    }
}
