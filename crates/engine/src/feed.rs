//! How far the partitions of the store are known to reach: what wakes the readers of all tasks.
//!
//! Commits of this engine are noted as they are acknowledged. Those of others are found by one
//! look at the store for all readers, again and again, while there is a reader.

use crate::engine::Inner;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{CommitNumber, TaskId};
use taskcast_store::{Partition, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How often commits of other engines are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// What is known of the partitions, and who wants to know.
pub(crate) struct Feed {
    known: watch::Sender<Known>,
    readers: Arc<watch::Sender<usize>>,
    partitions: u16,
}

/// How far the partitions reach, as far as is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The newest commit of every partition.
    pub(crate) newest: Vec<CommitNumber>,
    /// Why that could not be looked at, and since when.
    pub(crate) failing: Option<(Instant, StoreError)>,
}

/// A reader of all tasks; none any more when dropped.
pub(crate) struct FeedReader {
    pub(crate) known: watch::Receiver<Known>,
    readers: Arc<watch::Sender<usize>>,
}

impl Feed {
    pub(crate) fn new(partitions: u16) -> Self {
        let known = Known {
            newest: vec![CommitNumber(0); usize::from(partitions)],
            failing: None,
        };
        Self {
            known: watch::Sender::new(known),
            readers: Arc::default(),
            partitions,
        }
    }

    /// What is known now.
    pub(crate) fn newest(&self) -> Vec<CommitNumber> {
        self.known.borrow().newest.clone()
    }

    /// Begins to look for commits on behalf of a reader.
    pub(crate) fn read(&self) -> FeedReader {
        self.readers.send_modify(|readers| *readers += 1);
        FeedReader {
            known: self.known.subscribe(),
            readers: self.readers.clone(),
        }
    }

    /// Takes notice of a commit of this engine.
    pub(crate) fn committed(&self, id: &TaskId, commit: CommitNumber) {
        if *self.readers.borrow() == 0 {
            return;
        }
        self.reaches(Partition::of(id, self.partitions), commit);
    }

    /// Takes notice of the newest commit of a partition, as it was read.
    pub(crate) fn reaches(&self, partition: Partition, commit: CommitNumber) {
        self.known.send_if_modified(|known| {
            let newest = known.newest.get_mut(usize::from(partition.0));
            newest.is_some_and(|newest| replace(newest, commit.max(*newest)))
        });
    }

    /// Takes notice of what the store said after `before` was known. A partition that has moved
    /// back, and of which nothing was heard meanwhile, has lost commits.
    pub(crate) fn looked(&self, before: &[CommitNumber], found: &[CommitNumber]) {
        self.known.send_if_modified(|known| {
            let mut news = known.failing.take().is_some();
            let partitions = known.newest.iter_mut().zip(before).zip(found);
            for ((newest, before), found) in partitions {
                let moved_since = newest != before;
                news |= replace(
                    newest,
                    if moved_since {
                        *found.max(newest)
                    } else {
                        *found
                    },
                );
            }
            news
        });
    }

    /// Takes notice of a look that failed: readers see how long that has been so.
    fn failed(&self, error: StoreError) {
        self.known.send_modify(|known| match &mut known.failing {
            Some((_, last)) => *last = error,
            None => known.failing = Some((Instant::now(), error)),
        });
    }
}

fn replace(place: &mut CommitNumber, by: CommitNumber) -> bool {
    std::mem::replace(place, by) != by
}

impl Drop for FeedReader {
    fn drop(&mut self) {
        self.readers.send_modify(|readers| *readers -= 1);
    }
}

/// Looks for commits while there are readers.
pub(crate) async fn watch(inner: Arc<Inner>) {
    let stop = inner.stop.clone();
    let looking = async {
        let mut readers = inner.feed.readers.subscribe();
        // The sender lives as long as the engine.
        while readers.wait_for(|readers| *readers > 0).await.is_ok() {
            let before = inner.feed.newest();
            let wait = match inner.store.newest().await {
                Ok(found) => {
                    inner.feed.looked(&before, &found);
                    LOOK
                }
                Err(error) => {
                    tracing::debug!(%error, "the newest commits could not be read");
                    inner.feed.failed(error);
                    3 * LOOK
                }
            };
            sleep(wait).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = looking => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(all: [u64; 2]) -> Vec<CommitNumber> {
        all.map(CommitNumber).to_vec()
    }

    #[test]
    fn a_look_that_was_overtaken_takes_nothing_back_and_a_loss_is_seen() {
        let feed = Feed::new(2);
        let reader = feed.read();
        let newest = |reader: &FeedReader| reader.known.borrow().newest.clone();
        feed.looked(&numbers([0, 0]), &numbers([5, 6]));
        assert_eq!(newest(&reader), numbers([5, 6]));
        let id = TaskId::new("t").unwrap();
        let at = usize::from(Partition::of(&id, 2).0);
        feed.committed(&id, CommitNumber(9));
        feed.looked(&numbers([5, 6]), &numbers([5, 6]));
        assert_eq!(newest(&reader)[at], CommitNumber(9));
        let before = newest(&reader);
        feed.looked(&before, &numbers([1, 1]));
        assert_eq!(newest(&reader), numbers([1, 1]));
    }
}
