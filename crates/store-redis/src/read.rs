//! Reading one log.

use crate::RedisStore;
use crate::keys::In;
use crate::reply::{Reply, odd};
use crate::scripts::{COUNT, HEADS, READ, SEEK};
use crate::slot::level_number;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use redis::{Value, cmd, pipe};
use std::ops::Range;
use taskcast_core::{Epoch, EventFilter, EventType, Head, Index, Level, SeriesId, Slot, TaskId};
use taskcast_store::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, Which};

/// Bytes of a chunk of text, as in `common.lua`.
const CHUNK: u64 = 2048;
/// Chunks read at once.
const CHUNKS: u64 = 512;

#[async_trait]
impl LogReader for RedisStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let keys = [In::Meta, In::Log, In::Unfolded].map(|what| self.keys.task(id, what));
        let call = READ
            .with(keys.into())
            .arg(epoch.0)
            .arg(ask.from.0)
            .arg(ask.to.0)
            .arg(u8::from(ask.which == Which::Unfolded))
            .arg(ask.max_slots)
            .arg(ask.max_bytes);
        let value: Value = self.link.run(&call).await?;
        let mut reply = Reply::of(self.what(), value).ok_or(ReadError::Gone)?;
        let (tail, trim, base) = (reply.index()?, reply.index()?, reply.index()?);
        let next = reply.index()?;
        let mut slots = Vec::new();
        while !reply.is_empty() {
            slots.push(reply.slot()?);
        }
        Ok(Page {
            slots,
            next,
            tail,
            trim,
            base,
        })
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        let keys = [In::Meta, In::Series, In::Log].map(|what| self.keys.task(id, what));
        let value: Value = self.link.run(&HEADS.with(keys.into()).arg(epoch.0)).await?;
        let mut reply = Reply::of(self.what(), value).ok_or(ReadError::Gone)?;
        let (tail, mut heads) = (reply.index()?, Vec::new());
        while !reply.is_empty() {
            let series = SeriesId::new(reply.text()?).map_err(|_| odd(self.what()))?;
            if let Slot::Event(newest) = reply.slot()? {
                heads.push(Head { series, newest });
            }
        }
        heads.sort_unstable_by_key(|head| head.newest.index);
        Ok(Heads { tail, heads })
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let mut text = BytesMut::new();
        let mut at = range.start;
        while at < range.end {
            let first = at / CHUNK;
            let upto = range.end.div_ceil(CHUNK).min(first + CHUNKS);
            let chunks = self.chunks(id, epoch, series, run, first..upto).await?;
            let whole: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
            for (number, chunk) in (first..).zip(&chunks) {
                let start = number * CHUNK;
                let clip = |offset: u64| {
                    let within = offset.saturating_sub(start);
                    usize::try_from(within).map_or(chunk.len(), |it| it.min(chunk.len()))
                };
                let (from, to) = (clip(range.start), clip(range.end));
                text.extend_from_slice(chunk.get(from.min(to)..to).unwrap_or_default());
            }
            if whole < (upto - first) * CHUNK {
                break; // The run ends here.
            }
            at = upto * CHUNK;
        }
        if range.is_empty() {
            self.chunks(id, epoch, series, run, 0..1).await?;
        }
        Ok(text.freeze())
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        let call = self.count_call(id, epoch).arg("count").arg(upto.0);
        let counts = self.kinds(self.link.run(&call).await?)?;
        let wanted = counts
            .into_iter()
            .filter(|(event_type, level, _)| filter.matches(event_type, *level));
        Ok(wanted.map(|(_, _, count)| count).sum())
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        match seek {
            Seek::After(at) => self.seek_one(id, epoch, "after", &at.to_string()).await,
            Seek::Foreign(foreign) => self.seek_one(id, epoch, "foreign", &foreign).await,
            Seek::Past { filter, count } => self.past(id, epoch, &filter, count).await,
        }
    }
}

impl RedisStore {
    async fn chunks(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Vec<Bytes>, ReadError> {
        let mut texts = cmd("HMGET");
        texts.arg(self.keys.task(id, In::Text));
        for number in range {
            texts.arg(format!("{}\n{run}\n{number}", series.as_str()));
        }
        let mut commands = pipe();
        commands
            .atomic()
            .hget(self.keys.task(id, In::Meta), "epoch")
            .add_command(texts);
        let (found, chunks): (Option<u32>, Vec<Option<Vec<u8>>>) =
            self.link.ask_all(&commands).await?;
        if found != Some(epoch.0) {
            return Err(ReadError::Gone);
        }
        let there = chunks.into_iter().map_while(|chunk| chunk);
        Ok(there.map(Bytes::from).collect())
    }

    fn count_call(&self, id: &TaskId, epoch: Epoch) -> crate::scripts::Call {
        let keys = [In::Meta, In::Runs, In::Kinds].map(|what| self.keys.task(id, what));
        COUNT.with(keys.into()).arg(epoch.0)
    }

    /// Kinds with a number each.
    fn kinds(&self, value: Value) -> Result<Vec<(EventType, Level, u64)>, ReadError> {
        let mut reply = Reply::of(self.what(), value).ok_or(ReadError::Gone)?;
        let mut kinds = Vec::new();
        while !reply.is_empty() {
            let kind = reply.text()?;
            let (event_type, level) = unpack_kind(&kind).ok_or_else(|| odd(self.what()))?;
            kinds.push((event_type, level, reply.number()?));
        }
        Ok(kinds)
    }

    async fn past(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        count: u64,
    ) -> Result<Option<Index>, ReadError> {
        let kinds = self.count_call(id, epoch).arg("kinds");
        let kinds = self.kinds(self.link.run(&kinds).await?)?;
        let wanted = kinds
            .iter()
            .filter(|(event_type, level, _)| filter.matches(event_type, *level));
        let call = self.count_call(id, epoch).arg("past").arg(count);
        let call = wanted.fold(call, |call, (_, _, number)| call.arg(*number));
        let found: Option<i64> = self.link.run(&call).await?;
        Ok(match found.ok_or(ReadError::Gone)? {
            -1 => None,
            index => Some(Index(u64::try_from(index).unwrap_or(0))),
        })
    }

    async fn seek_one(
        &self,
        id: &TaskId,
        epoch: Epoch,
        what: &str,
        sought: &str,
    ) -> Result<Option<Index>, ReadError> {
        let keys = [In::Meta, In::Log, In::Foreign].map(|what| self.keys.task(id, what));
        let call = SEEK.with(keys.into()).arg(epoch.0).arg(what).arg(sought);
        let found: Option<String> = self.link.run(&call).await?;
        let found = found.ok_or(ReadError::Gone)?;
        if found.is_empty() {
            return Ok(None);
        }
        let index = found.parse().map_err(|_| odd(self.what()))?;
        Ok(Some(Index(index)))
    }
}

/// The kind of an event as scripts know it: level and type.
pub(crate) fn pack_kind(event_type: &EventType, level: Level) -> String {
    format!("{} {}", level_number(level), event_type.as_str())
}

fn unpack_kind(kind: &str) -> Option<(EventType, Level)> {
    let (level, event_type) = kind.split_once(' ')?;
    let level = *Level::ALL.get(level.parse::<usize>().ok()?)?;
    Some((EventType::new(event_type).ok()?, level))
}
