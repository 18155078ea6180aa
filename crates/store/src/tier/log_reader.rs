//! Reading one log from both tiers.
//!
//! ```text
//!   log      trim ................ base ............... tail
//!   from     |<---- archive ------>|<------ hot ------->|
//! ```
//!
//! The short-term store is asked first and tells the base. Slots below it were archived before they
//! were released, so the archive has them, however the base has moved meanwhile.

use super::Place;
use super::tiered::{TieredStore, Tiers};
use super::whereabouts::{TRIES, busy};
use crate::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use taskcast_core::{Epoch, EventFilter, Index, SeriesId, TaskId};

/// Asks the short-term store, or else the archive, until one of them has the log.
macro_rules! ask_either {
    ($tiers:expr, $id:expr, $epoch:expr, $hot:expr, $archive:expr) => {{
        for _ in 0..TRIES {
            match $hot {
                Err(ReadError::Gone) => {}
                found => return found,
            }
            if $tiers.is_away($id, $epoch).await? {
                return $archive;
            }
        }
        Err(busy($id).into())
    }};
}

#[async_trait]
impl LogReader for TieredStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let tiers = &*self.tiers;
        ask_either!(
            tiers,
            id,
            epoch,
            tiers.read_hot(id, epoch, ask).await,
            tiers.archive.read(id, epoch, ask).await
        )
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        let tiers = &*self.tiers;
        ask_either!(
            tiers,
            id,
            epoch,
            tiers.hot.heads(id, epoch).await,
            tiers.archive.heads(id, epoch).await
        )
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let tiers = &*self.tiers;
        let asked = || range.clone();
        ask_either!(
            tiers,
            id,
            epoch,
            tiers.text_hot(id, epoch, series, run, asked()).await,
            tiers.archive.text(id, epoch, series, run, asked()).await
        )
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        let tiers = &*self.tiers;
        ask_either!(
            tiers,
            id,
            epoch,
            tiers.count_hot(id, epoch, filter, upto).await,
            tiers.archive.count(id, epoch, filter, upto).await
        )
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        let tiers = &*self.tiers;
        ask_either!(
            tiers,
            id,
            epoch,
            tiers.seek_hot(id, epoch, &seek).await,
            tiers.archive.seek(id, epoch, seek.clone()).await
        )
    }
}

/// What of a log that is hot may lie in the archive only: from the trim point to the base.
struct Released {
    trim: Index,
    base: Index,
}

impl Tiers {
    /// Whether a log is not in the short-term store, and was not deleted there either.
    async fn is_away(&self, id: &TaskId, epoch: Epoch) -> Result<bool, ReadError> {
        match self.place(id).await? {
            Place::Here { state, .. } if state.epoch != epoch => Err(ReadError::Gone),
            Place::Here { .. } => Ok(false),
            Place::Away { dead, .. } if dead.contains(&epoch) => Err(ReadError::Gone),
            Place::Away { .. } => Ok(true),
        }
    }

    async fn read_hot(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let mut page = self.hot.read(id, epoch, ask).await?;
        let base = std::mem::replace(&mut page.base, page.trim);
        let (from, to) = (ask.from.max(page.trim), ask.to.min(base));
        if from >= to {
            return Ok(page);
        }
        let below = ReadAsk { from, to, ..ask };
        let kept = self.archive.read(id, epoch, below).await;
        let kept = self.has_below(id, epoch, kept).await?;
        if kept.slots.is_empty() {
            // All that is below is passed over by what was asked for.
            return Ok(page);
        }
        Ok(Page {
            slots: kept.slots,
            next: kept.next,
            trim: page.trim.max(kept.trim),
            ..page
        })
    }

    /// The text of a run that may have ended long ago.
    async fn text_hot(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let text = self.hot.text(id, epoch, series, run, range.clone()).await?;
        let asked = range.end.saturating_sub(range.start);
        if text.len() as u64 >= asked || self.released(id, epoch).await?.is_none() {
            return Ok(text);
        }
        match self.archive.text(id, epoch, series, run, range).await {
            Ok(kept) if kept.len() > text.len() => Ok(kept),
            Ok(_) | Err(ReadError::Gone) => Ok(text),
            Err(error) => Err(error),
        }
    }

    async fn count_hot(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        let count = self.hot.count(id, epoch, filter, upto).await?;
        // Asked after the count: the base that the count was made with is not above this one.
        match self.released(id, epoch).await? {
            Some(Released { trim, base }) if upto < base => {
                let upto = upto.max(trim);
                let kept = self.archive.count(id, epoch, filter, upto).await;
                self.has_below(id, epoch, kept).await
            }
            _ => Ok(count),
        }
    }

    async fn seek_hot(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: &Seek,
    ) -> Result<Option<Index>, ReadError> {
        let found = self.hot.seek(id, epoch, seek.clone()).await?;
        let Some(Released { base, .. }) = self.released(id, epoch).await? else {
            return Ok(found);
        };
        if found.is_some_and(|index| index > base) {
            return Ok(found);
        }
        let kept = self.archive.seek(id, epoch, seek.clone()).await;
        let kept = self.has_below(id, epoch, kept).await?;
        Ok(match seek {
            // What the archive calls its tail may be the first slot that is held here.
            Seek::After(_) => kept.map(|index| index.min(base)).or(found),
            Seek::Past { .. } | Seek::Foreign(_) => kept.or(found),
        })
    }

    /// What of a log that is here may be in the archive only; none when nothing is.
    async fn released(&self, id: &TaskId, epoch: Epoch) -> Result<Option<Released>, ReadError> {
        match self.place(id).await? {
            Place::Here { state, base, .. } if state.epoch == epoch => {
                let trim = state.trim;
                Ok((base > trim).then_some(Released { trim, base }))
            }
            // It was in the short-term store a moment ago: the next try finds it where it is.
            _ => Err(ReadError::Gone),
        }
    }

    /// What the archive says of slots that the short-term store has released. If it does not know
    /// the log, that was deleted just now; or the archive has lost it.
    async fn has_below<T>(
        &self,
        id: &TaskId,
        epoch: Epoch,
        kept: Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if let Err(ReadError::Gone) = kept {
            self.released(id, epoch).await?;
            let cause = format!("it does not have task {id}, whose slots were released to it");
            return Err(StoreError::damaged("the long-term store", cause).into());
        }
        kept
    }
}
