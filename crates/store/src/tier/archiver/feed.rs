//! Passes over the change feed of one partition.
//!
//! A task stands in the feed once, at its newest commit, so what is below a place in it says nothing
//! of the commits below: a task that goes on leaves the place of its earlier ones. The position moves
//! by whole passes: a pass notes the newest commit, lists the feed to its end, and archives every task
//! that it has listed. Each commit up to the one that was noted is then kept, or gone with its task.

use super::Archiver;
use crate::tier::backlog::{BYTES, READER};
use crate::tier::tiered::Tiers;
use crate::{ChangedTask, Partition, StoreError};
use std::collections::VecDeque;
use taskcast_core::CommitNumber;

/// Tasks that one look at the feed lists.
const PAGE: usize = 1_000;
/// Tasks that wait in a pass before the feed is listed further.
const MAX_WAITING: usize = 10_000;

pub(super) struct Feed {
    pub(super) partition: Partition,
    /// Every commit up to this one is kept.
    pub(super) position: CommitNumber,
    /// Bytes that were archived, as [`crate::tier::Usage`] counts.
    pub(super) bytes: u64,
    said_bytes: u64,
    pub(super) pass: Option<Pass>,
    /// Where the search for candidates goes on, until it is through.
    pub(super) rebuilt: Option<CommitNumber>,
}

pub(super) struct Pass {
    /// The newest commit when it began.
    upto: CommitNumber,
    /// Bytes that were written when it began.
    written: u64,
    /// The feed is listed up to here.
    listed: CommitNumber,
    /// Whether the feed was listed to its end.
    ended: bool,
    /// Tasks to archive.
    pub(super) waiting: VecDeque<ChangedTask>,
}

impl Feed {
    /// The feeds of all partitions, where the last archiver left them.
    pub(super) async fn all(tiers: &Tiers) -> Result<Vec<Self>, StoreError> {
        let mut feeds = Vec::new();
        for number in 0..tiers.partitions() {
            let partition = Partition(number);
            let position = tiers.hot.position(READER, partition).await?;
            let bytes = tiers.hot.position(BYTES, partition).await?;
            let bytes = bytes.map_or(0, |bytes| bytes.0);
            feeds.push(Self {
                partition,
                position: position.unwrap_or_default(),
                bytes,
                said_bytes: bytes,
                pass: None,
                rebuilt: tiers.options.release.map(|_| CommitNumber(0)),
            });
        }
        Ok(feeds)
    }

    pub(super) fn has_more(&self) -> bool {
        let waits = |pass: &Pass| !pass.waiting.is_empty() || !pass.ended;
        self.rebuilt.is_some() || self.pass.as_ref().is_some_and(waits)
    }

    async fn list(&mut self, tiers: &Tiers) -> Result<(), StoreError> {
        let Some(pass) = &mut self.pass else {
            return Ok(());
        };
        while !pass.ended && pass.waiting.len() < MAX_WAITING {
            let page = tiers.hot.changed(self.partition, pass.listed, PAGE).await?;
            pass.ended = page.len() < PAGE;
            pass.listed = page.last().map_or(pass.listed, |last| last.commit);
            pass.waiting.extend(page);
        }
        Ok(())
    }

    /// Ends a pass that is through, and says how far the archive has got.
    async fn finish(&mut self, tiers: &Tiers) -> Result<(), StoreError> {
        let through = |pass: &Pass| pass.ended && pass.waiting.is_empty();
        if let Some(pass) = &self.pass
            && through(pass)
        {
            let upto = pass.upto;
            // Whatever was counted: this much was written when everything up to here was.
            self.bytes = pass.written;
            tiers.hot.advance(READER, self.partition, upto).await?;
            self.position = upto;
            self.pass = None;
        }
        if self.bytes != self.said_bytes {
            let bytes = CommitNumber(self.bytes);
            tiers.hot.advance(BYTES, self.partition, bytes).await?;
            self.said_bytes = self.bytes;
        }
        Ok(())
    }
}

impl Archiver {
    /// Begins a pass where something was committed, and lists what changed.
    pub(super) async fn look_for_changes(&mut self) -> Result<(), StoreError> {
        let tiers = &*self.tiers;
        let newest = tiers.hot.newest().await?;
        let changed = |(feed, newest): (&Feed, &CommitNumber)| {
            feed.pass.is_none() && feed.position != *newest
        };
        if self.feeds.iter().zip(&newest).any(changed) {
            // In this order: all that is counted here was committed up to there.
            let written = tiers.hot.usage().await?.written;
            let newest = tiers.hot.newest().await?;
            for ((feed, upto), written) in self.feeds.iter_mut().zip(newest).zip(written) {
                if feed.pass.is_none() && feed.position != upto {
                    // A short-term store that lost commits may stand before the position.
                    let listed = feed.position.min(upto);
                    feed.pass = Some(Pass {
                        upto,
                        written,
                        listed,
                        ended: false,
                        waiting: VecDeque::new(),
                    });
                }
            }
        }
        for feed in &mut self.feeds {
            feed.list(tiers).await?;
        }
        Ok(())
    }

    pub(super) async fn finish_passes(&mut self) -> Result<(), StoreError> {
        for at in 0..self.feeds.len() {
            // Whoever has lost the lease would take the position back.
            if !self.holds_lease() {
                return Ok(());
            }
            self.feeds[at].finish(&self.tiers).await?;
        }
        Ok(())
    }
}
