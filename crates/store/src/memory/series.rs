//! The series of one task: their states, their newest deltas, their texts.

use super::text::Text;
use crate::plan::Joined;
use crate::tier::SeriesImage;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use taskcast_core::{Event, Index, SeriesId, SeriesState, Slot};

#[derive(Debug, Default)]
pub(super) struct SeriesSet(HashMap<SeriesId, Series>);

#[derive(Debug)]
struct Series {
    state: SeriesState,
    /// The newest delta of an `accumulate` series: the head stays when the log lets go of it.
    newest: Option<Arc<Slot>>,
    /// The joined text of each run.
    runs: BTreeMap<Index, Text>,
}

impl SeriesSet {
    pub(super) fn state(&self, id: &SeriesId) -> Option<SeriesState> {
        self.0.get(id).map(|series| series.state.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the state of a series; `slot` is its newest event.
    pub(super) fn put(&mut self, id: SeriesId, state: SeriesState, slot: Option<&Arc<Slot>>) {
        let newest = slot.filter(|_| state.fold.is_some()).cloned();
        match self.0.get_mut(&id) {
            Some(series) => (series.state, series.newest) = (state, newest),
            None => {
                let runs = BTreeMap::new();
                let series = Series {
                    state,
                    newest,
                    runs,
                };
                self.0.insert(id, series);
            }
        }
    }

    /// Takes back the series of a log whose slots are elsewhere.
    pub(super) fn restore(&mut self, images: Vec<SeriesImage>) {
        for image in images {
            let newest = image.newest.map(|event| Arc::new(Slot::Event(event)));
            let mut runs = BTreeMap::new();
            if let Some(fold) = image.state.fold {
                let mut text = Text::default();
                text.join(&image.text);
                runs.insert(fold.run, text);
            }
            let series = Series {
                state: image.state,
                newest,
                runs,
            };
            self.0.insert(image.id, series);
        }
    }

    /// Joins a piece of text to its run.
    pub(super) fn join(&mut self, piece: &Joined) {
        if let Some(series) = self.0.get_mut(&piece.series) {
            let run = series.runs.entry(piece.run).or_default();
            run.join(piece.bytes());
        }
    }

    /// The newest delta of every `accumulate` series, in no order.
    pub(super) fn newest(&self) -> Vec<(SeriesId, Arc<Slot>)> {
        let newest =
            |(id, series): (&SeriesId, &Series)| Some((id.clone(), series.newest.clone()?));
        self.0.iter().filter_map(newest).collect()
    }

    /// The pieces of the text of a run that lie in a range.
    pub(super) fn text(&self, id: &SeriesId, run: Index, range: Range<u64>) -> Vec<Bytes> {
        let text = self.0.get(id).and_then(|series| series.runs.get(&run));
        text.map_or_else(Vec::new, |text| text.slices(range))
    }
}

/// Whether an event is a delta that a folded replay passes over.
pub(super) fn is_delta(event: &Event) -> bool {
    event.fold.is_some()
}
