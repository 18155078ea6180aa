//! Events on their way into a script, and as they stand in the log after it.

use crate::reply::Reply;
use crate::scripts::Call;
use crate::slot::{head, level_number, mode_number};
use taskcast_core::{CommitNumber, Event, Fold, Index, Millis, NewEvent, SeriesMode, SeriesTag};
use taskcast_store::plan::{KeptKey, KeptProducer};
use taskcast_store::tier::Usage;
use taskcast_store::{Original, ProducerPosition, StoreError};

/// Adds the count of events, and of each what `append` in `common.lua` reads.
pub(crate) fn events(call: Call, events: &[NewEvent]) -> Call {
    events.iter().fold(call.arg(events.len()), |call, event| {
        let effective = event.series.effective();
        let series = effective.map_or("", |(series, _)| series.as_str());
        let mode = effective.map(|(_, mode)| mode_number(mode).to_string());
        let field = effective.map_or("", |(_, mode)| joined_field(&event.series, mode));
        let folded = effective.is_some_and(|(_, mode)| mode == SeriesMode::Accumulate);
        let span = event.text.filter(|_| folded);
        let edge = |edge: Option<u32>| edge.map_or(String::new(), |edge| edge.to_string());
        let imported = event.imported.as_ref();
        let data = event.data.as_ref().map_or(&[][..], |data| data.as_bytes());
        call.arg(format!(
            "{} {}",
            level_number(event.level),
            event.event_type.as_str()
        ))
        .arg(series)
        .arg(mode.unwrap_or_default())
        .arg(field)
        .arg(edge(span.map(|span| span.start)))
        .arg(edge(span.map(|span| span.end)))
        .arg(head(event))
        .arg(data)
        .arg(imported.map_or("", |it| &*it.id))
        .arg(imported.map_or(String::new(), |it| it.at.to_string()))
        .arg(Usage::PER_EVENT + data.len() as u64)
    })
}

/// Where an event was appended.
pub(crate) struct Place {
    pub(crate) index: Index,
    pub(crate) at: Millis,
    pub(crate) commit: CommitNumber,
}

/// An event as it stands in the log; `folds` tells where deltas stand, in turns.
pub(crate) fn appended(
    event: NewEvent,
    place: Place,
    folds: &mut Reply<'_>,
) -> Result<Event, StoreError> {
    let fold = match event.series.is_folded() {
        true => Some(Fold {
            run: folds.index()?,
            offset: folds.number()?,
            text: event.text,
        }),
        false => None,
    };
    Ok(Event {
        index: place.index,
        at: place.at,
        commit: place.commit,
        event_type: event.event_type,
        level: event.level,
        data: event.data,
        series: event.series,
        fold,
        foreign_id: event.imported.map(|imported| imported.id),
    })
}

/// The field that is part of what a series is.
pub(crate) fn joined_field(tag: &SeriesTag, mode: SeriesMode) -> &str {
    match mode {
        SeriesMode::Accumulate => tag.joined_field(),
        _ => "",
    }
}

/// What a series is, in words.
pub(crate) fn describe(mode: SeriesMode, field: &str) -> String {
    match field {
        "" => mode.to_string(),
        field => format!("{mode} of {field}"),
    }
}

/// What is kept of a producer: epoch, last, first, index, count.
pub(crate) fn pack_producer(kept: &KeptProducer) -> String {
    let (position, original) = (kept.position, kept.original);
    format!(
        "{} {} {} {} {}",
        position.epoch, position.seq, kept.first, original.first, original.count
    )
}

pub(crate) fn unpack_producer(packed: &str) -> Option<KeptProducer> {
    let mut words = packed.split(' ').map(|word| word.parse::<u64>().ok());
    let mut next = || words.next().flatten();
    let position = ProducerPosition {
        epoch: next()?,
        seq: next()?,
    };
    Some(KeptProducer {
        position,
        first: next()?,
        original: Original {
            first: Index(next()?),
            count: next()?,
        },
    })
}

/// What is kept of an idempotency key: digest of the body, index, count, time.
pub(crate) fn pack_key(kept: &KeptKey) -> String {
    let (body, original) = (hex(&kept.body), kept.original);
    format!("{body} {} {} {}", original.first, original.count, kept.at)
}

pub(crate) fn unpack_key(packed: &str) -> Option<KeptKey> {
    let (body, rest) = packed.split_once(' ')?;
    let mut words = rest.split(' ').map(|word| word.parse::<u64>().ok());
    let mut next = || words.next().flatten();
    let original = Original {
        first: Index(next()?),
        count: next()?,
    };
    Some(KeptKey {
        body: unhex(body)?,
        original,
        at: Millis(next()?),
    })
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (text.len() == 64).then_some(bytes)
}
