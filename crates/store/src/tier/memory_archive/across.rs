//! Questions across the logs of the memory archive.

use super::Logs;
use super::kept_log::KeptLog;
use crate::tier::KeptPage;
use crate::{Appended, AppendedPage, ListAsk, ListCursor, Partition, TaskPage};
use std::cmp::Reverse;
use taskcast_core::{CommitNumber, Index, Millis, TaskId};

impl Logs {
    pub(super) fn list(&self, ask: &ListAsk) -> KeptPage {
        let after = ask.after.as_ref().map(|at| (at.created_at, &at.id));
        let mut logs: Vec<&KeptLog> = self.0.iter().filter(|log| self.is_newest(log)).collect();
        logs.retain(|log| after.is_none_or(|after| place(log) < after));
        logs.retain(|log| ask.filter.matches(&log.state.record));
        logs.sort_by_key(|log| Reverse(place(log)));
        let (mut tasks, mut bytes, mut next) = (Vec::new(), 0, None);
        for log in logs {
            if tasks.len() == ask.limit.max(1) || bytes >= TaskPage::BYTES {
                return KeptPage { tasks, next };
            }
            bytes += log.state.record.weight();
            tasks.push(log.kept());
            next = Some(ListCursor {
                created_at: log.state.record.created_at,
                id: log.state.record.id.clone(),
            });
        }
        KeptPage { tasks, next: None }
    }

    fn is_newest(&self, log: &KeptLog) -> bool {
        let newest = self.newest(&log.state.record.id);
        newest.is_some_and(|newest| newest.state.epoch == log.state.epoch)
    }

    pub(super) fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> AppendedPage {
        let mut found = Vec::new();
        for log in self.0.iter().filter(|log| log.partition == partition.0) {
            let slots = log.visible(Index::START).map(|(_, slot)| slot);
            let wanted = slots.filter(|slot| slot.commit() > after && slot.commit() <= upto);
            found.extend(wanted.map(|slot| Appended {
                id: log.state.record.id.clone(),
                epoch: log.state.epoch,
                slot,
            }));
        }
        found.sort_by_key(|it| (it.slot.commit(), it.slot.index()));
        let mut page = AppendedPage {
            slots: Vec::new(),
            upto: upto.max(after),
            newest: upto,
            earliest: CommitNumber(0),
        };
        let mut bytes = 0;
        for slot in found {
            let full = page.slots.len() >= limit.max(1) || bytes >= AppendedPage::BYTES;
            let last = page.slots.last().map(|it: &Appended| it.slot.commit());
            if full && last != Some(slot.slot.commit()) {
                page.upto = last.unwrap_or(page.upto);
                return page;
            }
            bytes += slot.weight();
            page.slots.push(slot);
        }
        page
    }
}

fn place(log: &KeptLog) -> (Millis, &TaskId) {
    (log.state.record.created_at, &log.state.record.id)
}
