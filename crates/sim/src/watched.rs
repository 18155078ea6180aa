//! What one viewer has been told of one task, and whether that can be.

use crate::truth::{Broken, TrueLog, Truth, delta_of, series_of, wanted};
use std::collections::{BTreeSet, HashMap};
use taskcast_core::{Epoch, Event, EventFilter, GapReason, Index, TaskId};
use taskcast_engine::{Done, EventFrame, Frame, Gap, SeriesFormat, Total};

/// A viewer's knowledge of one task.
pub(crate) struct Watched {
    id: TaskId,
    /// The events it wants.
    pub(crate) filter: EventFilter,
    /// How it wants deltas.
    pub(crate) format: SeriesFormat,
    /// Where it is, as a cursor.
    pub(crate) cursor: Option<String>,
    /// Where it is, as a position; none when only the cursor tells.
    pub(crate) position: Option<u64>,
    /// Whether it said where it is by position when it last came.
    pub(crate) by_position: bool,
    epoch: Option<Epoch>,
    /// The newest index of this connection.
    newest: Option<Index>,
    got: BTreeSet<u64>,
    covered: HashMap<String, Index>,
    texts: HashMap<String, String>,
    /// Below this index, something may be missing: it was trimmed before, or there was a gap.
    excused: u64,
    /// Deltas may be missing in the middle: there was a gap for events that were cleaned.
    patchy: bool,
    /// The log changed since the cursor was given: a gap has to come first.
    owed: bool,
}

impl Watched {
    /// Nothing is known yet.
    #[must_use]
    pub(crate) fn new(id: TaskId, filter: EventFilter, format: SeriesFormat) -> Self {
        Self {
            id,
            filter,
            format,
            cursor: None,
            position: None,
            by_position: false,
            epoch: None,
            newest: None,
            got: BTreeSet::new(),
            covered: HashMap::new(),
            texts: HashMap::new(),
            excused: 0,
            patchy: false,
            owed: false,
        }
    }

    /// A connection was opened to a log.
    ///
    /// # Errors
    /// When there is no such log.
    pub(crate) fn connected(&mut self, epoch: Epoch, truth: &Truth) -> Result<(), Broken> {
        let trim = truth.log(&self.id, epoch)?.trim;
        self.newest = None;
        if self.epoch != Some(epoch) {
            // Positions do not tell logs apart: only a cursor can be found out.
            let owed = self.cursor.is_some() && !self.by_position;
            // Who came by position may begin in the middle of the new log, and of its texts.
            let patchy = self.by_position;
            let excused = if patchy { u64::MAX } else { trim };
            let (id, filter) = (self.id.clone(), self.filter.clone());
            *self = Self::new(id, filter, self.format);
            (self.owed, self.epoch, self.excused) = (owed, Some(epoch), excused);
            self.patchy = patchy;
        } else if self.cursor.is_none() {
            self.excused = trim;
        }
        Ok(())
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// When it cannot be.
    pub(crate) fn take(&mut self, frame: &Frame, truth: &Truth) -> Result<(), Broken> {
        let epoch = self.epoch.ok_or("a frame before a connection")?;
        let log = truth.log(&self.id, epoch)?;
        if self.owed && !matches!(frame, Frame::Gap(_) | Frame::Done(_)) {
            return Err("another log without a gap".into());
        }
        match frame {
            Frame::Event(frame) => self.take_event(frame, epoch, log),
            Frame::Gap(gap) => self.take_gap(gap, log),
            Frame::Progress(id) => {
                self.cursor = Some(id.to_string());
                self.position = None;
                Ok(())
            }
            Frame::CaughtUp(_) => Ok(()),
            Frame::Done(done) => self.take_done(done, log),
        }
    }

    fn take_event(
        &mut self,
        frame: &EventFrame,
        epoch: Epoch,
        log: &TrueLog,
    ) -> Result<(), Broken> {
        let event = &frame.shared.event;
        let index = event.index;
        let real = usize::try_from(index.0)
            .ok()
            .and_then(|at| log.events.get(at));
        if real != Some(event) {
            return Err(format!("{index} is not the event of the log"));
        }
        if !wanted(&self.filter, event) {
            return Err(format!("{index} was not asked for"));
        }
        if self.newest.is_some_and(|newest| newest >= index) {
            return Err(format!("{index} after {:?}", self.newest));
        }
        self.newest = Some(index);
        let position = log.count(&self.filter, index);
        // The position of a snapshot below the trim point is not known any more.
        if frame.position != position && index.0 >= log.trim {
            return Err(format!(
                "{index} at position {}, not {position}",
                frame.position
            ));
        }
        match series_of(event) {
            Some(series) => self.take_delta(series, frame, log)?,
            None if !self.got.insert(index.0) => return Err(format!("{index} came twice")),
            None => {}
        }
        let id = event.id(epoch).to_string();
        self.position = (!frame.folded).then_some(frame.position);
        self.cursor = Some(if frame.folded { format!("{id}~") } else { id });
        Ok(())
    }

    fn take_delta(
        &mut self,
        series: &str,
        frame: &EventFrame,
        log: &TrueLog,
    ) -> Result<(), Broken> {
        let event = &frame.shared.event;
        let before = self.covered.insert(series.to_owned(), event.index);
        if before.is_some_and(|before| before >= event.index) {
            return Err(format!("{} of {series} came twice", event.index));
        }
        let text = self.texts.entry(series.to_owned()).or_default();
        match &frame.total {
            Some(total) => *text = unescape(total)?,
            None if frame.snapshot || self.format == SeriesFormat::Accumulated => {
                return Err(format!("{} has no total", event.index));
            }
            None => text.push_str(&delta_of(event)),
        }
        let exact = frame.total.is_some() || !self.patchy;
        if exact && *text != log.text(series, event.index) {
            return Err(format!(
                "the text of {series} is wrong at {}: {text:?}",
                event.index
            ));
        }
        Ok(())
    }

    fn take_gap(&mut self, gap: &Gap, log: &TrueLog) -> Result<(), Broken> {
        let due = match gap.reason {
            GapReason::Epoch => self.owed,
            GapReason::Trimmed => log.trim > 0,
            GapReason::Cleaned => !log.cleaned.is_empty(),
            GapReason::Lost | GapReason::Unknown => false,
        };
        // A position in a log that was replaced says nothing about the new one.
        if !due && !self.got.is_empty() {
            return Err(format!("a gap for nothing: {gap:?}"));
        }
        self.owed = false;
        if gap.reason == GapReason::Cleaned {
            self.patchy = true;
            return Ok(());
        }
        self.excused = gap.earliest.0;
        self.newest = None;
        self.got.clear();
        self.covered.clear();
        self.texts.clear();
        Ok(())
    }

    fn take_done(&self, done: &Done, log: &TrueLog) -> Result<(), Broken> {
        match log.sealed {
            _ if done.reason == "deleted" && log.deleted => Ok(()),
            Some(status) if status.as_str() == done.reason => self.complete(log),
            _ => Err(format!("done says {}, but {:?}", done.reason, log.sealed)),
        }
    }

    /// The server says that everything was seen.
    ///
    /// # Errors
    /// When it was not.
    pub(crate) fn over(&self, truth: &Truth) -> Result<(), Broken> {
        let epoch = self.epoch.ok_or("over before a connection")?;
        self.complete(truth.log(&self.id, epoch)?)
    }

    /// Whether everything wanted was told, or is excused.
    fn complete(&self, log: &TrueLog) -> Result<(), Broken> {
        let superseded = log.superseded();
        let missing = |event: &&Event| {
            let index = event.index.0;
            let told = match series_of(event) {
                Some(series) => self
                    .covered
                    .get(series)
                    .is_some_and(|upto| *upto >= event.index),
                None => self.got.contains(&index),
            };
            let gone = superseded.contains(&index) || log.cleaned.contains(&index);
            wanted(&self.filter, event) && !told && !gone && index >= self.excused
        };
        match log.events.iter().find(missing) {
            Some(event) => Err(format!("{} never came", event.index)),
            None => Ok(()),
        }
    }
}

fn unescape(total: &Total) -> Result<String, Broken> {
    total.with(|text| {
        let json = [b"\"", text, b"\""].concat();
        serde_json::from_slice(&json).map_err(|error| format!("a total that is no text: {error}"))
    })
}
