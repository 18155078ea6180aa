//! Reading one log of the memory archive.

use super::MemoryArchive;
use super::kept_log::KeptLog;
use crate::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, Which};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use taskcast_core::{Epoch, EventFilter, Head, Index, Millis, SeriesId, Slot, TaskId};

#[async_trait]
impl LogReader for MemoryArchive {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        self.with(|logs| Ok(logs.log(id, epoch)?.page(&ask)))
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.with(|logs| {
            let log = logs.log(id, epoch)?;
            let head = |(series, newest): (&SeriesId, &taskcast_core::Event)| Head {
                series: series.clone(),
                newest: newest.clone(),
            };
            let mut heads: Vec<Head> = log.heads().map(head).collect();
            heads.sort_unstable_by_key(|head| head.newest.index);
            Ok(Heads {
                tail: log.state.tail,
                heads,
            })
        })
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        self.with(|logs| {
            let text = logs.log(id, epoch)?.text(series, run);
            let clip = |at: u64| usize::try_from(at).map_or(text.len(), |at| at.min(text.len()));
            let (from, to) = (clip(range.start), clip(range.end));
            Ok(Bytes::copy_from_slice(
                text.get(from..to).unwrap_or_default(),
            ))
        })
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.with(|logs| Ok(logs.log(id, epoch)?.count(filter, upto)))
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.with(|logs| {
            let log = logs.log(id, epoch)?;
            Ok(match seek {
                Seek::After(at) => Some(log.after(at)),
                Seek::Past { filter, count } => log.past(&filter, count),
                Seek::Foreign(foreign) => log.foreign(&foreign),
            })
        })
    }
}

impl KeptLog {
    fn page(&self, ask: &ReadAsk) -> Page {
        let (mut slots, mut bytes, mut next) = (Vec::new(), 0, self.state.tail.min(ask.to));
        for (archived, seen) in self.visible(ask.from) {
            if archived.index() >= ask.to {
                break;
            }
            let delta = archived.event().is_some_and(|event| event.fold.is_some());
            if ask.which == Which::Unfolded && delta {
                continue;
            }
            let data = seen.event().and_then(|event| event.data.as_ref());
            let payload = data.map_or(0, |data| data.as_bytes().len());
            let fits = slots.len() < ask.max_slots && bytes + payload <= ask.max_bytes;
            if !fits && !slots.is_empty() {
                next = seen.index();
                break;
            }
            bytes += payload;
            slots.push(seen);
        }
        Page {
            slots,
            next,
            tail: self.state.tail,
            trim: self.state.trim,
            base: self.state.trim,
        }
    }

    fn count(&self, filter: &EventFilter, upto: Index) -> u64 {
        let upto = upto.clamp(self.state.trim, self.state.tail);
        self.count_all(filter, upto)
    }

    fn after(&self, at: Millis) -> Index {
        let mut readable = self.visible(Index::START).map(|(slot, _)| slot);
        let later = readable.find(|slot| slot.at() > at);
        later.map_or(self.state.tail, Slot::index)
    }

    fn past(&self, filter: &EventFilter, count: u64) -> Option<Index> {
        let trimmed = self.count(filter, self.state.trim);
        if count < trimmed || count == 0 {
            return Some(Index::START);
        }
        let mut places = (self.state.trim.0..=self.state.tail.0).map(Index);
        places.find(|place| self.count_all(filter, *place) >= count)
    }

    fn foreign(&self, foreign: &str) -> Option<Index> {
        let is = |slot: &&Slot| {
            let id = match slot {
                Slot::Event(event) => &event.foreign_id,
                Slot::Tombstone(tombstone) => &tombstone.foreign_id,
            };
            id.as_deref() == Some(foreign)
        };
        let found = self.all().iter().rev().find(is).map(Slot::index);
        found.filter(|index| *index >= self.state.trim)
    }
}
