//! Slots as they are stored: a line that scripts read, a head, and the payload as it was published.
//!
//! ```text
//!   E<payload bytes> <time> <commit> <run|-> <offset|-> <head bytes>\n  head  payload
//!   S ... or C ...   a tombstone: superseded or cleaned, without payload
//! ```

use bytes::Bytes;
use taskcast_core::{
    CommitNumber, Event, EventType, Fold, Index, Level, Millis, NewEvent, RawJson, SeriesId,
    SeriesMode, SeriesTag, Slot, Span, Tombstone, TombstoneReason,
};

const HAS_SERIES: u8 = 1;
const HAS_FIELD: u8 = 2;
const HAS_SPAN: u8 = 4;
const HAS_FOREIGN: u8 = 8;
const HAS_DATA: u8 = 16;
const NO_MODE: u8 = 0xff;

/// The head of an event that is about to be appended.
pub(crate) fn head(event: &NewEvent) -> Vec<u8> {
    let imported = event.imported.as_ref().map(|it| &*it.id);
    let data = event.data.is_some();
    write_head(
        &event.event_type,
        event.level,
        &event.series,
        event.text,
        imported,
        data,
    )
}

/// A stored event as a whole, for a restore.
pub(crate) fn whole(event: &Event) -> Vec<u8> {
    let span = event.fold.and_then(|fold| fold.text);
    let foreign = event.foreign_id.as_deref();
    let head = write_head(
        &event.event_type,
        event.level,
        &event.series,
        span,
        foreign,
        event.data.is_some(),
    );
    let data = event.data.as_ref().map_or(&[][..], |data| data.as_bytes());
    let (run, offset) = event.fold.map_or(("-".to_owned(), "-".to_owned()), |fold| {
        (fold.run.to_string(), fold.offset.to_string())
    });
    let line = format!(
        "E{} {} {} {run} {offset} {}\n",
        data.len(),
        event.at,
        event.commit,
        head.len()
    );
    [line.as_bytes(), &head, data].concat()
}

fn write_head(
    event_type: &EventType,
    level: Level,
    series: &SeriesTag,
    span: Option<Span>,
    foreign: Option<&str>,
    data: bool,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(48);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    head.push(level_number(level));
    head.push(series.mode.map_or(NO_MODE, mode_number));
    head.push(
        flag(series.id.is_some(), HAS_SERIES)
            | flag(series.field.is_some(), HAS_FIELD)
            | flag(span.is_some(), HAS_SPAN)
            | flag(foreign.is_some(), HAS_FOREIGN)
            | flag(data, HAS_DATA),
    );
    let mut text = |text: &str| {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(text.as_bytes());
    };
    text(event_type.as_str());
    series.id.iter().for_each(|id| text(id.as_str()));
    series.field.iter().for_each(|field| text(field));
    foreign.into_iter().for_each(text);
    if let Some(span) = span {
        head.extend_from_slice(&span.start.to_le_bytes());
        head.extend_from_slice(&span.end.to_le_bytes());
    }
    head
}

/// Reads a stored slot; none when it is not one.
pub(crate) fn read(index: Index, blob: &Bytes) -> Option<Slot> {
    let line_end = blob.iter().position(|byte| *byte == b'\n')?;
    let line = str::from_utf8(blob.get(..line_end)?).ok()?;
    let state = line.chars().next()?;
    let mut words = line.get(1..)?.split(' ');
    let _bytes = words.next()?;
    let (at, commit) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (run, offset) = (words.next()?.parse().ok(), words.next()?.parse().ok());
    let length: usize = words.next()?.parse().ok()?;
    let head_end = line_end + 1 + length;
    let head = Head::read(blob.get(line_end + 1..head_end)?)?;
    let (at, commit) = (Millis(at), CommitNumber(commit));
    let reason = match state {
        'E' => {
            let fold = run.zip(offset).map(|(run, offset)| Fold {
                run: Index(run),
                offset,
                text: head.span,
            });
            let data = head
                .has_data
                .then(|| RawJson::from_trusted(blob.slice(head_end..)));
            return Some(Slot::Event(Event {
                index,
                at,
                commit,
                event_type: head.event_type,
                level: head.level,
                data,
                series: head.series,
                fold,
                foreign_id: head.foreign,
            }));
        }
        'S' => TombstoneReason::Superseded,
        'C' => TombstoneReason::Cleaned,
        _ => return None,
    };
    Some(Slot::Tombstone(Tombstone {
        index,
        at,
        commit,
        event_type: head.event_type,
        level: head.level,
        foreign_id: head.foreign,
        reason,
    }))
}

struct Head {
    level: Level,
    event_type: EventType,
    series: SeriesTag,
    span: Option<Span>,
    foreign: Option<Box<str>>,
    has_data: bool,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (fixed, mut rest) = bytes.split_at_checked(3)?;
        let [level, mode, flags] = fixed.try_into().ok()?;
        let mut text = || {
            let (length, after) = rest.split_first_chunk()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, after) = after.split_at_checked(length)?;
            rest = after;
            str::from_utf8(text).ok()
        };
        let event_type = EventType::new(text()?).ok()?;
        let mut optional = |flag: u8| match flags & flag {
            0 => Some(None),
            _ => text().map(Some),
        };
        let id = optional(HAS_SERIES)?.map(SeriesId::new).transpose().ok()?;
        let field = optional(HAS_FIELD)?.map(Box::from);
        let foreign = optional(HAS_FOREIGN)?.map(Box::from);
        let span = (flags & HAS_SPAN != 0).then(|| {
            let (start, end) = rest.split_first_chunk()?;
            Some(Span {
                start: u32::from_le_bytes(*start),
                end: u32::from_le_bytes(*end.first_chunk()?),
            })
        });
        let mode = match mode {
            NO_MODE => None,
            number => Some(mode_of(number)?),
        };
        Some(Self {
            level: *Level::ALL.get(usize::from(level))?,
            event_type,
            series: SeriesTag { id, mode, field },
            span: span.flatten(),
            foreign,
            has_data: flags & HAS_DATA != 0,
        })
    }
}

/// A level as it is stored.
pub(crate) fn level_number(level: Level) -> u8 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

/// A mode as it is stored.
pub(crate) fn mode_number(mode: SeriesMode) -> u8 {
    match mode {
        SeriesMode::KeepAll => 0,
        SeriesMode::Accumulate => 1,
        SeriesMode::Latest => 2,
    }
}

/// The mode that a number stands for.
pub(crate) fn mode_of(number: u8) -> Option<SeriesMode> {
    [
        SeriesMode::KeepAll,
        SeriesMode::Accumulate,
        SeriesMode::Latest,
    ]
    .get(usize::from(number))
    .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        let event = Event {
            index: Index(7),
            at: Millis(1_764_000_000_123),
            commit: CommitNumber(1 << 52),
            event_type: EventType::new("llm.delta").unwrap(),
            level: Level::Warn,
            data: Some(RawJson::parse(b"{\"delta\":\"a\\u0000\\n\"}", 9).unwrap()),
            series: SeriesTag {
                id: Some(SeriesId::new("s").unwrap()),
                mode: Some(SeriesMode::Accumulate),
                field: Some("delta".into()),
            },
            fold: Some(Fold {
                run: Index(3),
                offset: 99,
                text: Some(Span { start: 10, end: 19 }),
            }),
            foreign_id: Some("abc".into()),
        };
        let blob = Bytes::from(whole(&event));
        assert_eq!(read(Index(7), &blob), Some(Slot::Event(event)));
        for cut in 0..blob.len() - 19 {
            let cut = blob.slice(..cut);
            let slot = read(Index(7), &cut);
            assert!(slot.is_none_or(|slot| slot.event().is_some()));
        }
    }
}
