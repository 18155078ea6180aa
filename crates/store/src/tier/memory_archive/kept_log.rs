//! One log as it is kept: every slot that was archived, and what follows from them.

use super::once::KeptOnce;
use crate::TaskState;
use crate::tier::{Kept, SeriesImage, Watermark};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use taskcast_core::{
    CommitNumber, Event, EventFilter, EventType, Index, Level, SeriesId, SeriesMode, SeriesState,
    Slot, TombstoneReason,
};

#[derive(Debug)]
pub(super) struct KeptLog {
    /// The task; tail and commit are those of the watermark.
    pub(super) state: TaskState,
    pub(super) partition: u16,
    pub(super) hot: bool,
    pub(super) version: u64,
    /// Nothing of the record was taken yet.
    pub(super) new: bool,
    /// Slots were taken back: the next record is taken whatever its revision.
    pub(super) rewound: bool,
    pub(super) once: KeptOnce,
    /// From index 0, as archived.
    slots: Vec<Slot>,
    cleaned: BTreeSet<Index>,
    series: SeriesOf,
}

/// What the slots say of the series.
#[derive(Debug, Default)]
struct SeriesOf {
    series: BTreeMap<SeriesId, (SeriesState, Option<Event>)>,
    texts: HashMap<(SeriesId, Index), Vec<u8>>,
    superseded: BTreeSet<Index>,
}

impl KeptLog {
    /// A log of which nothing is kept yet.
    pub(super) fn new(state: &TaskState, partition: u16) -> Self {
        let state = TaskState {
            tail: Index::START,
            trim: Index::START,
            last_at: state.record.created_at,
            commit: CommitNumber(0),
            ..state.clone()
        };
        Self {
            state,
            partition,
            hot: true,
            version: 1,
            new: true,
            rewound: false,
            once: KeptOnce::default(),
            slots: Vec::new(),
            cleaned: BTreeSet::new(),
            series: SeriesOf::default(),
        }
    }

    pub(super) fn push(&mut self, slot: Slot) {
        if let Slot::Event(event) = &slot {
            self.series.push(event);
        }
        self.slots.push(slot);
    }

    /// Takes back the slots from `to` on.
    pub(super) fn truncate(&mut self, to: Index) {
        self.slots.truncate(at(to));
        self.cleaned.retain(|index| *index < to);
        self.series = SeriesOf::default();
        for slot in &self.slots {
            if let Slot::Event(event) = slot {
                self.series.push(event);
            }
        }
    }

    pub(super) fn kept(&self) -> Kept {
        Kept {
            state: self.state.clone(),
            hot: self.hot,
            version: self.version,
        }
    }

    pub(super) fn watermark(&self) -> Watermark {
        Watermark {
            tail: self.state.tail,
            commit: self.state.commit,
            revision: self.state.revision,
            last: self.slots.last().map(|slot| (slot.at(), slot.commit())),
        }
    }

    /// Every slot, trimmed ones too, as archived.
    pub(super) fn all(&self) -> &[Slot] {
        &self.slots
    }

    /// The readable slots from an index on, as they are visible.
    pub(super) fn visible(&self, from: Index) -> impl Iterator<Item = (&Slot, Slot)> {
        let first = at(from.max(self.state.trim)).min(self.slots.len());
        let slots = self.slots.get(first..).unwrap_or_default().iter();
        slots.map(|slot| (slot, self.seen(slot)))
    }

    fn seen(&self, slot: &Slot) -> Slot {
        let Slot::Event(event) = slot else {
            return slot.clone();
        };
        let index = event.index;
        if self.cleaned.contains(&index) {
            Slot::Tombstone(event.tombstone(TombstoneReason::Cleaned))
        } else if self.series.superseded.contains(&index) {
            Slot::Tombstone(event.tombstone(TombstoneReason::Superseded))
        } else {
            slot.clone()
        }
    }

    pub(super) fn clean(&mut self, index: Index) {
        let readable = index >= self.state.trim && index < self.state.tail;
        if readable && !self.series.superseded.contains(&index) {
            self.cleaned.insert(index);
        }
    }

    /// How many slots below an index a filter matches, trimmed ones too.
    pub(super) fn count_all(&self, filter: &EventFilter, upto: Index) -> u64 {
        let below = self.slots.iter().take(at(upto));
        let matching = below.filter(|slot| {
            let (event_type, level) = slot.kind();
            filter.matches(event_type, level)
        });
        matching.count() as u64
    }

    pub(super) fn counts(&self) -> Vec<(EventType, Level, u64)> {
        let mut counts: Vec<(EventType, Level, u64)> = Vec::new();
        for slot in &self.slots {
            let (event_type, level) = slot.kind();
            let known = counts
                .iter_mut()
                .find(|(known, at, _)| known == event_type && *at == level);
            match known {
                Some((_, _, count)) => *count += 1,
                None => counts.push((event_type.clone(), level, 1)),
            }
        }
        counts
    }

    /// The newest deltas of the series that fold, by series.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&SeriesId, &Event)> {
        let series = self.series.series.iter();
        series.filter_map(|(id, (_, newest))| Some((id, newest.as_ref()?)))
    }

    pub(super) fn text(&self, series: &SeriesId, run: Index) -> &[u8] {
        let text = self.series.texts.get(&(series.clone(), run));
        text.map_or(&[], Vec::as_slice)
    }

    pub(super) fn series(&self) -> Vec<SeriesImage> {
        let image = |(id, (state, newest)): (&SeriesId, &(SeriesState, Option<Event>))| {
            let run = state.fold.map(|fold| fold.run);
            let text = run.map_or(&[][..], |run| self.text(id, run));
            SeriesImage {
                id: id.clone(),
                state: state.clone(),
                newest: newest.clone(),
                text: Bytes::copy_from_slice(text),
            }
        };
        self.series.series.iter().map(image).collect()
    }
}

impl SeriesOf {
    fn push(&mut self, event: &Event) {
        let Some((id, mode)) = event.series.effective() else {
            return;
        };
        let folds = mode == SeriesMode::Accumulate;
        let field = if folds {
            event.series.joined_field()
        } else {
            ""
        };
        let state = SeriesState {
            mode,
            field: field.into(),
            newest: event.index,
            fold: event.fold,
        };
        let newest = folds.then(|| event.clone());
        let before = self.series.insert(id.clone(), (state, newest));
        if mode == SeriesMode::Latest {
            self.superseded
                .extend(before.map(|(before, _)| before.newest));
        }
        if let (Some(fold), Some(data)) = (event.fold, &event.data)
            && let Some(span) = fold.text
        {
            let text = self.texts.entry((id.clone(), fold.run)).or_default();
            text.extend_from_slice(span.of(data));
        }
    }
}

fn at(index: Index) -> usize {
    usize::try_from(index.0).unwrap_or(usize::MAX)
}
