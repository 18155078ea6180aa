//! The heart of the rules of tiers: random operations, with steps of the archiver and releases in
//! between, against a store that keeps everything in one place.

use super::TierSubject;
use super::draw::{Draw, Operation};
use super::given::{NOON, task_id};
use super::model::{outcome, seen};
use super::rng::{Rng, announce, seeds};
use super::snapshot::{Snapshot, snapshot};
use super::stepped::{at_once, everything, numbers, settle};
use crate::tier::{Archiver, HotStore, LongTermStore, TieredStore};
use crate::{ManualClock, MemoryOptions, MemoryStore, ShortTermStore};
use std::sync::Arc;
use taskcast_core::{CommitNumber, Index, Limits, Slot, TombstoneReason};

const CASES: usize = 12;
const STEPS: usize = 160;
const IDS: [&str; 4] = ["a", "b", "c", "\u{1f600}"];

pub async fn random_operations_and_moves_do_what_one_store_does(subject: &dyn TierSubject) {
    for seed in seeds(CASES) {
        announce(seed);
        Model::open(subject, seed).await.run().await;
    }
}

struct Model {
    rng: Rng,
    draw: Draw,
    clock: Arc<ManualClock>,
    reference: Arc<dyn ShortTermStore>,
    hot: Arc<dyn HotStore>,
    archive: Arc<dyn LongTermStore>,
    store: Arc<dyn ShortTermStore>,
    /// One that archives, and one that releases all it can beside.
    archiver: Archiver,
    done: Vec<String>,
}

impl Model {
    async fn open(subject: &dyn TierSubject, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let limits = Limits {
            series_per_task: 5,
            producers_per_task: 2,
            idempotency_keys_per_task: 2,
            ..Limits::default()
        };
        let memory = MemoryOptions {
            max_bytes: u64::MAX >> 1,
            limits: limits.clone(),
            incarnation: 1,
            archived: None,
        };
        let (hot, archive) = subject.open(clock.clone(), limits.clone()).await;
        let mut rng = Rng::from_seed(seed);
        let mut options = at_once(limits, rng.chance(2).then(everything));
        options.batch_slots = rng.pick(&[1, 3, 4_096]);
        let (store, archiver) =
            TieredStore::driven(hot.clone(), archive.clone(), options, numbers());
        Self {
            rng,
            draw: Draw::new(seed, clock.clone()),
            reference: Arc::new(MemoryStore::new(memory, clock.clone())),
            hot,
            archive,
            store,
            archiver,
            clock,
            done: Vec::new(),
        }
    }

    async fn run(mut self) {
        for step in 0..STEPS {
            match self.rng.below(10) {
                0 | 1 => _ = self.archiver.step().await.unwrap(),
                2 => settle(&mut self.archiver).await,
                3 => self.release_some().await,
                _ => self.operate().await,
            }
            if step % 10 == 9 {
                self.compare().await;
            }
        }
        settle(&mut self.archiver).await;
        self.compare().await;
        self.store.close().await;
    }

    async fn operate(&mut self) {
        let operation = self.draw.operation(&*self.reference).await;
        self.done.push(format!("{operation:?}"));
        match operation {
            Operation::SetClock(now) => self.clock.set(now),
            Operation::Reopen => {}
            operation => {
                let expected = outcome(&*self.reference, operation.clone()).await;
                let found = outcome(&*self.store, operation).await;
                assert_eq!(found, expected, "after {}", self.story());
            }
        }
    }

    /// Lets go of slots of one log, as far as they are archived and passed.
    async fn release_some(&mut self) {
        let id = task_id(self.rng.pick(&IDS));
        let Some(state) = self.hot.load(&id).await.unwrap() else {
            return;
        };
        let marks = self.archive.watermarks(&[(id.clone(), state.epoch)]).await;
        let Some(mark) = marks.unwrap()[0].filter(|mark| mark.commit == state.commit) else {
            return;
        };
        let partition = crate::Partition::of(&id, self.hot.info().partitions);
        let position = self.hot.position("archive", partition).await.unwrap();
        if position.is_some_and(|position| position >= mark.commit) {
            let to = Index(self.rng.below(state.tail.0 + 1));
            self.done.push(format!("release {id} below {to}"));
            self.hot.release_below(&id, state.epoch, to).await.unwrap();
        }
    }

    async fn compare(&mut self) {
        let expected = comparable(snapshot(&*self.reference).await, None);
        let found = comparable(snapshot(&*self.store).await, Some(&expected));
        for (found, expected) in found.tasks.iter().zip(&expected.tasks) {
            assert_eq!(found, expected, "after {}", self.story());
        }
        assert_eq!(found, expected, "after {}", self.story());
        for task in &expected.tasks {
            for _ in 0..4 {
                let look = self.draw.look(&task.state);
                let expected = seen(&*self.reference, &task.state, &look).await;
                let found = seen(&*self.store, &task.state, &look).await;
                assert_eq!(found, expected, "{look:?} after {}", self.story());
            }
        }
    }

    fn story(&self) -> String {
        let from = self.done.len().saturating_sub(14);
        self.done[from..].join("\n")
    }
}

/// What has to be equal: not the feed, in which a log that was released does not stand, nor the commit
/// number that a log gets when it comes back.
fn comparable(mut of: Snapshot, other: Option<&Snapshot>) -> Snapshot {
    of.changed.clear();
    for task in &mut of.tasks {
        task.state.commit = CommitNumber(0);
    }
    let mut of = of.ranked();
    if let Some(other) = other {
        for (task, expected) in of.tasks.iter_mut().zip(&other.tasks) {
            catch_up(task.slots.iter_mut(), expected.slots.iter());
            catch_up(task.unfolded.iter_mut(), expected.unfolded.iter());
        }
        let expected = other.appended.iter().map(|it| &it.slot);
        catch_up(of.appended.iter_mut().map(|it| &mut it.slot), expected);
    }
    of
}

/// The archive learns that an event was superseded when it gets the newer one.
fn catch_up<'a>(
    found: impl Iterator<Item = &'a mut Slot>,
    expected: impl Iterator<Item = &'a Slot>,
) {
    for (found, expected) in found.zip(expected) {
        if let (Slot::Event(event), Slot::Tombstone(tombstone)) = (&*found, expected)
            && tombstone.reason == TombstoneReason::Superseded
        {
            *found = Slot::Tombstone(event.tombstone(TombstoneReason::Superseded));
        }
    }
}
