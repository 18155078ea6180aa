//! Taking what a log has gained, and taking it back.

use super::Logs;
use super::kept_log::KeptLog;
use crate::tier::{ArchiveEntry, Archived};
use taskcast_core::{CommitNumber, Index, Limits, Slot};

impl Logs {
    pub(super) fn take(&mut self, entry: ArchiveEntry, limits: &Limits) -> Archived {
        let (id, epoch) = (&entry.state.record.id, entry.state.epoch);
        if self.position(id, epoch).is_none() {
            if entry.from != Index::START {
                return Archived::Elsewhere(None);
            }
            self.0.push(KeptLog::new(&entry.state, entry.partition.0));
        }
        match self.log_mut(id, epoch) {
            Some(log) if log.state.tail == entry.from => {
                log.take(entry, limits);
                Archived::Done(log.watermark())
            }
            log => Archived::Elsewhere(log.map(|log| log.watermark())),
        }
    }
}

impl KeptLog {
    fn take(&mut self, entry: ArchiveEntry, limits: &Limits) {
        let ArchiveEntry { state, slots, .. } = entry;
        let tail = entry.from.plus(slots.len() as u64);
        let whole = tail >= state.tail;
        // A slow archiver may come with a record that is older than the one that is kept.
        let repeated = !self.new && slots.is_empty() && state.commit <= self.state.commit;
        let newer = self.new || self.rewound || state.revision >= self.state.revision;
        self.state.tail = tail;
        self.state.last_at = slots.last().map_or(self.state.last_at, Slot::at);
        if !whole {
            self.state.commit = self.state.commit.max(before_last(&slots));
        } else if newer {
            self.state.commit = state.commit;
        }
        slots.into_iter().for_each(|slot| self.push(slot));
        if newer && (whole || self.new) {
            self.state.trim = self.state.trim.max(state.trim.min(tail));
            self.state.record = state.record;
            self.state.revision = state.revision;
            self.rewound &= !whole;
            self.new = false;
        }
        self.once.take(&entry.once, limits);
        self.version += u64::from(!self.hot && !repeated);
        self.hot |= !repeated;
    }

    pub(super) fn rewind(&mut self, to: Index) {
        let to = to.min(self.state.tail);
        let next = self.all().get(usize::try_from(to.0).unwrap_or(usize::MAX));
        let cut = next.map(Slot::commit);
        self.truncate(to);
        // The commit that goes on after `to` is not whole any more.
        let commits = self.all().iter().rev().map(Slot::commit);
        let whole = commits.into_iter().find(|commit| Some(*commit) != cut);
        if cut.is_some() {
            self.state.commit = self.state.commit.min(whole.unwrap_or_default());
        }
        let last = self.all().last().map(Slot::at);
        self.state.last_at = last.unwrap_or(self.state.record.created_at);
        self.state.tail = to;
        self.state.trim = self.state.trim.min(to);
        self.once.rewind(to);
        self.rewound = true;
    }
}

/// The newest commit that certainly ends within the slots: the last one may go on.
fn before_last(slots: &[Slot]) -> CommitNumber {
    let last = slots.last().map(Slot::commit);
    let mut commits = slots.iter().rev().map(Slot::commit);
    commits
        .find(|commit| Some(*commit) != last)
        .unwrap_or_default()
}
