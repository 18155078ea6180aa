//! Releasing by itself what the settings say, once it is archived and every reader has passed it.

use super::Archiver;
use super::candidates::{Whole, Window};
use crate::tier::Place;
use crate::tier::options::later;
use crate::{Partition, ReadError, StoreError};
use std::collections::HashMap;
use std::time::Duration;
use taskcast_core::{CommitNumber, Millis, TaskId};

/// Logs that one step releases, of each kind.
const AT_ONCE: usize = 64;
/// Tasks that one step looks at when candidates are searched anew.
const PAGE: usize = 500;
/// When a log is tried again that a reader has not passed.
const AGAIN: Duration = Duration::from_secs(1);

/// How far every reader has got, looked up once per step.
type Passed = HashMap<Partition, CommitNumber>;

impl Archiver {
    /// Releases some of what may go. Tells whether more may go at once.
    pub(super) async fn release_some(&mut self) -> Result<bool, StoreError> {
        if self.tiers.options.release.is_none() {
            return Ok(false);
        }
        self.search_candidates().await?;
        let mut passed = Passed::new();
        for _ in 0..AT_ONCE.min(self.candidates.windows()) {
            if let Some((id, window)) = self.candidates.take_window() {
                self.release_window(id, window, &mut passed).await?;
            }
        }
        let now = self.tiers.now();
        for _ in 0..AT_ONCE {
            let Some((id, whole)) = self.candidates.take_due(now) else {
                return Ok(false);
            };
            self.release_whole(&id, whole, now, &mut passed).await?;
        }
        Ok(true)
    }

    async fn release_window(
        &mut self,
        id: TaskId,
        window: Window,
        passed: &mut Passed,
    ) -> Result<(), StoreError> {
        if self.passed(&id, passed).await? < window.commit {
            self.candidates.put_window_back(id, window);
            return Ok(());
        }
        let Window { epoch, to, .. } = window;
        match self.tiers.hot.release_below(&id, epoch, to).await {
            Ok(()) | Err(ReadError::Gone) => Ok(()),
            Err(ReadError::Store(error)) => Err(error),
        }
    }

    async fn release_whole(
        &mut self,
        id: &TaskId,
        whole: Whole,
        now: Millis,
        passed: &mut Passed,
    ) -> Result<(), StoreError> {
        if self.passed(id, passed).await? < whole.commit {
            self.candidates.postpone(id, later(now, AGAIN), whole);
            return Ok(());
        }
        let Place::Here { state, .. } = self.tiers.place(id).await? else {
            return Ok(());
        };
        // A log that went on is noted again when that is archived.
        if state.epoch == whole.epoch && state.commit == whole.commit {
            self.tiers.let_go(&state).await?;
        }
        Ok(())
    }

    async fn passed(&self, id: &TaskId, known: &mut Passed) -> Result<CommitNumber, StoreError> {
        let partition = self.tiers.partition_of(id);
        if let Some(passed) = known.get(&partition) {
            return Ok(*passed);
        }
        let passed = self.tiers.passed(partition).await?;
        known.insert(partition, passed);
        Ok(passed)
    }

    /// After the lease was taken: notes what was archived before, a page per step.
    async fn search_candidates(&mut self) -> Result<(), StoreError> {
        let searching = self.feeds.iter_mut().find(|feed| feed.rebuilt.is_some());
        let Some(feed) = searching else {
            return Ok(());
        };
        let after = feed.rebuilt.unwrap_or_default();
        let page = self.tiers.hot.changed(feed.partition, after, PAGE).await?;
        // What is not archived yet is noted when it is.
        let archived = page.iter().filter(|task| task.commit <= feed.position);
        let ids: Vec<TaskId> = archived.map(|task| task.id.clone()).collect();
        let through = page.len() < PAGE || ids.len() < page.len();
        feed.rebuilt = page.last().map(|last| last.commit).filter(|_| !through);
        let places = if ids.is_empty() {
            Vec::new()
        } else {
            self.tiers.hot.places(&ids).await?
        };
        for place in places {
            if let Place::Here { state, base, .. } = place {
                self.candidates.see(&state, base, &self.tiers);
            }
        }
        Ok(())
    }
}
