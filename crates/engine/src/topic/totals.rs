//! Running totals of `accumulate` series, shared by everybody who reads them.
//!
//! The text of a run only grows, so a total is a prefix of it. It is kept while the topic lives
//! and somebody asked for totals; it follows the deltas, and reads from the store what it missed.

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use taskcast_core::{Event, Fold, Index, SeriesId};

/// The texts of one topic, by series; of a series only the run asked for last.
#[derive(Debug, Default)]
pub(crate) struct Totals(Mutex<HashMap<SeriesId, Arc<RunText>>>);

/// The joined text of one run, as far as it is in memory.
#[derive(Debug)]
pub(crate) struct RunText {
    run: Index,
    text: RwLock<Vec<u8>>,
}

/// The text of a run up to one delta.
#[derive(Clone, Debug)]
pub struct Total {
    run: Arc<RunText>,
    len: usize,
}

impl Total {
    /// Gives the text, JSON-escaped, to `use_text`.
    pub fn with<T>(&self, use_text: impl FnOnce(&[u8]) -> T) -> T {
        let text = self.run.text.read();
        use_text(text.get(..self.len).unwrap_or_default())
    }

    /// Bytes of the text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was joined yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A total that nobody shares.
    #[must_use]
    pub fn alone(text: Bytes) -> Self {
        let len = text.len();
        let run = RunText {
            run: Index::START,
            text: RwLock::new(text.into()),
        };
        Self {
            run: Arc::new(run),
            len,
        }
    }
}

/// What is at hand of a total.
pub(crate) enum Found {
    /// All of it.
    Total(Total),
    /// Less: the text from this offset to the total's end has to be joined first.
    Missing(u64, Arc<RunText>),
}

impl Totals {
    /// The total at a delta of `series`.
    pub(crate) fn find(&self, series: &SeriesId, event: &Event, fold: &Fold) -> Found {
        let run = self.run(series, fold.run);
        let mut text = run.text.write();
        if text.len() as u64 == fold.offset
            && let (Some(span), Some(data)) = (fold.text, &event.data)
        {
            text.extend_from_slice(span.of(data));
        }
        let have = text.len() as u64;
        drop(text);
        match usize::try_from(fold.end()) {
            Ok(len) if fold.end() <= have => Found::Total(Total { run, len }),
            _ => Found::Missing(have, run),
        }
    }

    fn run(&self, series: &SeriesId, run: Index) -> Arc<RunText> {
        let mut runs = self.0.lock();
        match runs.get(series) {
            Some(text) if text.run == run => text.clone(),
            // A reader of an older run must not take the newest one away from the others.
            Some(text) if text.run > run => Arc::new(RunText::empty(run)),
            _ => {
                let text = Arc::new(RunText::empty(run));
                runs.insert(series.clone(), text.clone());
                text
            }
        }
    }
}

impl RunText {
    fn empty(run: Index) -> Self {
        Self {
            run,
            text: RwLock::default(),
        }
    }

    /// Joins text that was read from the store at an offset; what is here already is skipped.
    /// The total up to `len` is then at hand, unless the store gave less than it was asked for.
    pub(crate) fn join(self: Arc<Self>, offset: u64, more: &[u8], len: usize) -> Option<Total> {
        let mut text = self.text.write();
        let skip = (text.len() as u64).checked_sub(offset);
        if let Some(new) = skip.and_then(|skip| more.get(usize::try_from(skip).ok()?..)) {
            text.extend_from_slice(new);
        }
        let enough = text.len() >= len;
        drop(text);
        enough.then_some(Total { run: self, len })
    }
}
