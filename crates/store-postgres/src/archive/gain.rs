//! What a log gains by an entry, worked out before anything is written.
//!
//! Series, texts and newest deltas are those that the events of the entry say: the header of a delta
//! tells its place in the fold.

use crate::rows::{self, CLEANED, EVENT, SUPERSEDED};
use std::collections::BTreeMap;
use taskcast_core::{
    CommitNumber, Event, Index, SeriesId, SeriesMode, SeriesState, Slot, TombstoneReason,
};
use taskcast_store::TaskState;
use taskcast_store::tier::{ArchiveEntry, Archived, OnceImage, Watermark};

/// A log as it is kept, locked.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    pub(crate) log: i64,
    pub(crate) watermark: Watermark,
    pub(crate) trim: Index,
    /// Nothing of it was kept before this call.
    pub(crate) new: bool,
    /// Slots were taken back: the next record is taken whatever its revision.
    pub(crate) rewound: bool,
}

/// What one log gains.
pub(crate) struct Gain<'e> {
    pub(crate) locked: Locked,
    /// The log as it was before.
    pub(crate) before: Locked,
    pub(crate) partition: u16,
    /// The slots, each with the newer event that replaced it.
    pub(crate) slots: Vec<(&'e Slot, Option<Index>)>,
    pub(crate) series: BTreeMap<&'e SeriesId, SeriesState>,
    /// Of each `latest` series the first event here: it replaces the newest one that is kept.
    pub(crate) replacing: Vec<(&'e SeriesId, Index)>,
    pub(crate) texts: Vec<Text<'e>>,
    pub(crate) once: Vec<&'e OnceImage>,
    /// The state to take.
    pub(crate) state: Option<&'e TaskState>,
    /// Where the trim point moves.
    pub(crate) trim: Option<Index>,
    /// Something is new, so the short-term store has the log.
    pub(crate) hot: bool,
}

/// A piece of the text of a run.
pub(crate) struct Text<'e> {
    pub(crate) series: &'e SeriesId,
    pub(crate) run: Index,
    pub(crate) start: u64,
    pub(crate) text: String,
}

/// Bytes at which a piece of text ends: bounds what a read of a few bytes fetches.
const PIECE: usize = 32 << 10;

impl<'e> Gain<'e> {
    pub(crate) fn new(locked: Locked) -> Self {
        Self {
            before: locked.clone(),
            locked,
            partition: 0,
            slots: Vec::new(),
            series: BTreeMap::new(),
            replacing: Vec::new(),
            texts: Vec::new(),
            once: Vec::new(),
            state: None,
            trim: None,
            hot: false,
        }
    }

    /// Takes an entry, if it begins at the tail that is kept.
    pub(crate) fn take(&mut self, entry: &'e ArchiveEntry) -> Archived {
        if entry.from != self.locked.watermark.tail {
            return Archived::Elsewhere(Some(self.locked.watermark));
        }
        // An entry that comes late tells nothing of where the log is now.
        let known = entry.state.commit <= self.locked.watermark.commit;
        self.hot |= self.locked.new || !entry.slots.is_empty() || !known;
        self.partition = entry.partition.0;
        for slot in &entry.slots {
            self.push(slot);
        }
        self.once.push(&entry.once);
        self.advance(entry);
        Archived::Done(self.locked.watermark)
    }

    fn advance(&mut self, entry: &'e ArchiveEntry) {
        let state = &entry.state;
        let mark = &mut self.locked.watermark;
        mark.tail = entry.from.plus(entry.slots.len() as u64);
        if let Some(last) = entry.slots.last() {
            mark.last = Some((last.at(), last.commit()));
        }
        let whole = mark.tail >= state.tail;
        // A slow archiver may come with a record that is older than the one that is kept.
        let newer = self.locked.rewound || state.revision >= mark.revision;
        if !whole {
            mark.commit = mark.commit.max(before_last(&entry.slots));
        } else if newer {
            mark.commit = state.commit;
        }
        if newer && (whole || self.locked.new) {
            mark.revision = state.revision;
            self.locked.rewound = self.locked.rewound && !whole;
            self.locked.new = false;
            self.state = Some(state);
            let trim = state.trim.min(mark.tail);
            if trim > self.locked.trim {
                self.locked.trim = trim;
                self.trim = Some(trim);
            }
        }
    }

    fn push(&mut self, slot: &'e Slot) {
        self.slots.push((slot, None));
        let Slot::Event(event) = slot else {
            return;
        };
        let Some((id, mode)) = event.series.effective() else {
            return;
        };
        let accumulate = mode == SeriesMode::Accumulate;
        let field = if accumulate {
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
        let before = self.series.insert(id, state);
        if mode == SeriesMode::Latest {
            self.replace(id, before.map(|before| before.newest), event.index);
        }
        self.join(id, event);
    }

    fn replace(&mut self, id: &'e SeriesId, older: Option<Index>, newer: Index) {
        let Some(older) = older else {
            self.replacing.push((id, newer));
            return;
        };
        let first = self.slots.first().map_or(older, |(slot, _)| slot.index());
        let at = usize::try_from(older.0.saturating_sub(first.0)).ok();
        if let Some((_, by)) = at.and_then(|at| self.slots.get_mut(at)) {
            *by = Some(newer);
        }
    }

    /// Joins the text of a delta to the piece it follows, or begins a piece.
    fn join(&mut self, series: &'e SeriesId, event: &'e Event) {
        let (Some(fold), Some(data)) = (event.fold, &event.data) else {
            return;
        };
        let Some(span) = fold.text.filter(|span| !span.is_empty()) else {
            return;
        };
        let text = String::from_utf8_lossy(span.of(data));
        let follows = |piece: &&mut Text<'_>| {
            piece.series == series
                && piece.run == fold.run
                && piece.start + piece.text.len() as u64 == fold.offset
                && piece.text.len() < PIECE
        };
        match self
            .texts
            .iter_mut()
            .rev()
            .find(|piece| piece.series == series)
            .filter(follows)
        {
            Some(piece) => piece.text.push_str(&text),
            None => self.texts.push(Text {
                series,
                run: fold.run,
                start: fold.offset,
                text: text.into_owned(),
            }),
        }
    }

    /// The state whose record is not the one that is kept.
    pub(crate) fn record(&self) -> Option<&'e TaskState> {
        let before = &self.before;
        let same = |state: &&TaskState| state.revision == before.watermark.revision;
        self.state.filter(|state| before.rewound || !same(state))
    }
}

/// The newest commit that certainly ends within the slots: the last one may go on.
fn before_last(slots: &[Slot]) -> CommitNumber {
    let last = slots.last().map(Slot::commit);
    let ended = slots
        .iter()
        .rev()
        .map(Slot::commit)
        .find(|commit| Some(*commit) != last);
    ended.unwrap_or_default()
}

/// A slot as the columns that are the same for each slot.
pub(crate) struct Header<'e> {
    pub(crate) state: i16,
    pub(crate) event: Option<&'e Event>,
    pub(crate) foreign_id: Option<&'e str>,
    pub(crate) mode: Option<i16>,
    pub(crate) run: Option<i64>,
    pub(crate) run_offset: Option<i64>,
    pub(crate) text_start: Option<i64>,
    pub(crate) text_end: Option<i64>,
    pub(crate) bytes: i32,
}

impl<'e> Header<'e> {
    pub(crate) fn of(slot: &'e Slot) -> Self {
        let event = slot.event();
        let (state, foreign_id) = match slot {
            Slot::Event(event) => (EVENT, event.foreign_id.as_deref()),
            Slot::Tombstone(tombstone) => {
                (state_of(tombstone.reason), tombstone.foreign_id.as_deref())
            }
        };
        let fold = event.and_then(|event| event.fold);
        let span = fold.and_then(|fold| fold.text);
        let data = event.and_then(|event| event.data.as_ref());
        Self {
            state,
            event,
            foreign_id,
            mode: event
                .and_then(|event| event.series.mode)
                .map(rows::mode_number),
            run: fold.map(|fold| fold.run.0.cast_signed()),
            run_offset: fold.map(|fold| fold.offset.cast_signed()),
            text_start: span.map(|span| i64::from(span.start)),
            text_end: span.map(|span| i64::from(span.end)),
            bytes: data.map_or(0, |data| {
                i32::try_from(data.as_bytes().len()).unwrap_or(i32::MAX)
            }),
        }
    }
}

fn state_of(reason: TombstoneReason) -> i16 {
    match reason {
        TombstoneReason::Superseded => SUPERSEDED,
        TombstoneReason::Cleaned => CLEANED,
    }
}
