//! History: what a log holds now, page by page.

use crate::engine::Inner;
use crate::subscribe::{Next, Reader, Replay, Start};
use crate::topic::Total;
use crate::{EngineError, SeriesFormat, Since, TaskEngine};
use std::collections::HashMap;
use std::sync::Arc;
use taskcast_core::{Epoch, Event, EventFilter, Head, Index, SeriesId, TaskId};
use taskcast_store::{Heads, Page, ReadAsk, TaskState, Which};
use tokio::task::coop::consume_budget;

/// Payload bytes, about, in one page.
const PAGE_BYTES: usize = 256 << 10;

/// Which part of a history is asked for.
#[derive(Clone, Debug, Default)]
pub struct HistoryAsk {
    /// Where to begin. `index` is an index of the log here, and an id that the log does not know
    /// means from the beginning.
    pub since: Since,
    /// Of the events after that, only the oldest so many.
    pub limit: Option<u64>,
    /// The events wanted.
    pub filter: EventFilter,
    /// Whether each `accumulate` series is folded into one event, at its newest delta.
    pub format: SeriesFormat,
}

/// An event of a history.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// The event.
    pub event: Event,
    /// The text to put in place of the delta's, when it stands for its series.
    pub total: Option<Total>,
    /// Whether it stands for its series.
    pub snapshot: bool,
}

/// A history under way: bounded memory, however long the log.
pub struct History {
    inner: Arc<Inner>,
    state: TaskState,
    filter: EventFilter,
    source: Source,
}

enum Source {
    Events { next: Index, left: u64 },
    Folded(Box<Replay>),
}

impl TaskEngine {
    /// The history of a task, up to the tail it has now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or the store.
    pub async fn history(&self, id: &TaskId, ask: HistoryAsk) -> Result<History, EngineError> {
        let state = self.inner.load(id).await?;
        let from = self.history_start(&state, &ask.since).await?;
        let (trim, left) = (state.trim, ask.limit.unwrap_or(u64::MAX));
        let mut history = History {
            inner: self.inner.clone(),
            state,
            filter: ask.filter,
            source: Source::Events {
                next: from.max(trim),
                left,
            },
        };
        if ask.format == SeriesFormat::Accumulated {
            let heads = match ask.limit {
                Some(limit) => history.heads_within(from.max(trim), limit).await?,
                None => history.heads().await?,
            };
            let replay = Replay::new(from, trim, 0, heads, &EventFilter::default());
            history.source = Source::Folded(Box::new(replay));
        }
        Ok(history)
    }

    async fn history_start(&self, state: &TaskState, since: &Since) -> Result<Index, EngineError> {
        let all = EventFilter::default();
        let reader = Reader {
            inner: &self.inner,
            state,
            filter: &all,
        };
        let others = Since {
            index: None,
            ..since.clone()
        };
        let start = match reader.start(&others, None).await? {
            Start::At(index) | Start::Folded(index) => index,
            Start::Beginning { .. } => Index::START,
            Start::Over => state.tail,
        };
        let after = since
            .index
            .and_then(|index| u64::try_from(index.saturating_add(1)).ok());
        Ok(start.max(Index(after.unwrap_or(0))).min(state.tail))
    }
}

impl History {
    /// The task.
    #[must_use]
    pub fn state(&self) -> &TaskState {
        &self.state
    }

    /// The log.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state.epoch
    }

    /// The next events; none at the end.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when the task was deleted meanwhile, or the store.
    pub async fn next(&mut self) -> Result<Option<Vec<HistoryItem>>, EngineError> {
        loop {
            // A filter that matches little makes many turns that wait for nothing.
            consume_budget().await;
            let items = match &self.source {
                Source::Events { next, left } => {
                    if *next >= self.state.tail || *left == 0 {
                        return Ok(None);
                    }
                    self.next_events(*next, *left).await?
                }
                Source::Folded(_) => match self.next_folded().await? {
                    Some(items) => items,
                    None => return Ok(None),
                },
            };
            if !items.is_empty() {
                return Ok(Some(items));
            }
        }
    }

    async fn next_events(
        &mut self,
        from: Index,
        left: u64,
    ) -> Result<Vec<HistoryItem>, EngineError> {
        let page = self.page(from, Which::All).await?;
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let events = page.slots.iter().filter_map(|slot| slot.event());
        let wanted = events.filter(|event| self.filter.matches(&event.event_type, event.level));
        let plain = |event: &Event| HistoryItem {
            event: event.clone(),
            total: None,
            snapshot: false,
        };
        let items: Vec<HistoryItem> = wanted.take(most).map(plain).collect();
        let left = left - items.len() as u64;
        self.source = Source::Events {
            next: page.next.max(from.next()),
            left,
        };
        Ok(items)
    }

    async fn next_folded(&mut self) -> Result<Option<Vec<HistoryItem>>, EngineError> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        while bytes < PAGE_BYTES {
            let Source::Folded(replay) = &self.source else {
                return Ok(None);
            };
            let item = match replay.next() {
                Next::Page(ask) => {
                    let page = self.read(ask).await?;
                    if let Source::Folded(replay) = &mut self.source {
                        replay.take(page);
                    }
                    continue;
                }
                Next::Slot(slot) => slot.event().cloned().map(|event| (event, None, false)),
                Next::Head(head) => {
                    let head = head.clone();
                    let total = self.total(&head).await?;
                    Some((head.newest, total, true))
                }
                Next::End => break,
            };
            if let Source::Folded(replay) = &mut self.source {
                replay.pass(&EventFilter::default());
            }
            let Some((event, total, snapshot)) = item else {
                continue;
            };
            if self.filter.matches(&event.event_type, event.level) {
                bytes += event.weight() + total.as_ref().map_or(0, Total::len);
                items.push(HistoryItem {
                    event,
                    total,
                    snapshot,
                });
            }
        }
        Ok(Some(items).filter(|items| !items.is_empty()))
    }

    async fn total(&self, head: &Head) -> Result<Option<Total>, EngineError> {
        let Some(fold) = head.newest.fold.filter(|fold| fold.text.is_some()) else {
            return Ok(None);
        };
        let (id, epoch) = (&self.state.record.id, self.state.epoch);
        let text = self
            .inner
            .store
            .text(id, epoch, &head.series, fold.run, 0..fold.end())
            .await;
        let text = text.map_err(|error| EngineError::from_read(error, id))?;
        Ok(Some(Total::alone(text)))
    }

    async fn heads(&self) -> Result<Heads, EngineError> {
        let id = &self.state.record.id;
        let heads = self.inner.store.heads(id, self.state.epoch).await;
        heads.map_err(|error| EngineError::from_read(error, id))
    }

    /// The heads of a stretch that holds `limit` wanted events, as they stood at its end.
    async fn heads_within(&self, from: Index, limit: u64) -> Result<Heads, EngineError> {
        let mut newest: HashMap<SeriesId, Event> = HashMap::new();
        let (mut next, mut left) = (from, limit);
        while left > 0 && next < self.state.tail {
            consume_budget().await;
            let page = self.page(next, Which::All).await?;
            let end = page.next.max(next.next());
            for event in page.slots.iter().filter_map(|slot| slot.event()) {
                if !self.filter.matches(&event.event_type, event.level) {
                    continue;
                }
                if let Some((series, _)) = event.series.effective().filter(|_| event.fold.is_some())
                {
                    newest.insert(series.clone(), event.clone());
                }
                left -= 1;
                if left == 0 {
                    next = event.index.next();
                    break;
                }
            }
            if left > 0 {
                next = end;
            }
        }
        let mut heads: Vec<Head> = newest
            .into_iter()
            .map(|(series, newest)| Head { series, newest })
            .collect();
        heads.sort_by_key(|head| head.newest.index);
        Ok(Heads { tail: next, heads })
    }

    async fn page(&self, from: Index, which: Which) -> Result<Page, EngineError> {
        let (max_slots, max_bytes) = (self.inner.limits.page, PAGE_BYTES);
        self.read(ReadAsk {
            from,
            to: self.state.tail,
            which,
            max_slots,
            max_bytes,
        })
        .await
    }

    async fn read(&self, ask: ReadAsk) -> Result<Page, EngineError> {
        let id = &self.state.record.id;
        let page = self.inner.store.read(id, self.state.epoch, ask).await;
        page.map_err(|error| EngineError::from_read(error, id))
    }
}
