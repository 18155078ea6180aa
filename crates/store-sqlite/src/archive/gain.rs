//! Taking what a log has gained.
//!
//! Series, texts and replaced events are those that the slots say: the header of a delta tells its
//! place in the fold.

use super::log::{self, Log};
use super::maintenance;
use crate::memory::Memory;
use crate::{once, rows, slots};
use rusqlite::Connection;
use std::collections::HashMap;
use taskcast_core::{
    CommitNumber, Event, EventType, Index, Level, Limits, Millis, SeriesMode, SeriesState, Slot,
};
use taskcast_store::plan::Joined;
use taskcast_store::tier::{ArchiveEntry, Archived, OnceImage};

/// Takes an entry, if it begins at the watermark.
pub(super) fn take(
    conn: &Connection,
    entry: &ArchiveEntry,
    limits: &Limits,
) -> rusqlite::Result<Archived> {
    let state = &entry.state;
    let (id, epoch) = (&state.record.id, state.epoch);
    // A log that was trimmed before anybody archived it begins at its trim point.
    let begins = entry.from == Index::START || entry.from == state.trim;
    let (mut log, new) = match log::find(conn, id, epoch)? {
        Some(log) if log.watermark.tail != entry.from => {
            return Ok(Archived::Elsewhere(Some(log.watermark)));
        }
        Some(log) => (log, false),
        None if !begins => return Ok(Archived::Elsewhere(None)),
        None => (log::insert(conn, state, entry.from)?, true),
    };
    let mut memory = Memory::load(conn, log.number)?;
    for slot in &entry.slots {
        append(conn, &mut memory, slot)?;
    }
    memory.flush(conn)?;
    remember(conn, &mut memory, &entry.once, limits)?;
    note_commits(conn, log.number, entry)?;
    count_kinds(conn, log.number, &entry.slots)?;
    advance(conn, &mut log, entry, new)?;
    Ok(Archived::Done(log.watermark))
}

fn append(conn: &Connection, memory: &mut Memory, slot: &Slot) -> rusqlite::Result<()> {
    match slot {
        Slot::Event(event) => {
            slots::insert(conn, memory.log, event, rows::EVENT)?;
            fold(conn, memory, event)
        }
        Slot::Tombstone(tombstone) => slots::insert_tombstone(conn, memory.log, tombstone),
    }
}

/// Moves the series of an event on.
fn fold(conn: &Connection, memory: &mut Memory, event: &Event) -> rusqlite::Result<()> {
    let Some((id, mode)) = event.series.effective() else {
        return Ok(());
    };
    let before = memory.series(conn, id)?;
    let field = match mode {
        SeriesMode::Accumulate => event.series.joined_field(),
        _ => "",
    };
    let after = SeriesState {
        mode,
        field: field.into(),
        newest: event.index,
        fold: event.fold,
    };
    memory.put_series(conn, id.clone(), after)?;
    if mode == SeriesMode::Latest
        && let Some(before) = before
    {
        mark_replaced(conn, memory.log, before.newest)?;
    }
    if let (Some(fold), Some(data)) = (event.fold, &event.data)
        && let Some(span) = fold.text.filter(|span| !span.is_empty())
    {
        let piece = Joined {
            series: id.clone(),
            run: fold.run,
            offset: fold.offset,
            data: data.clone(),
            span,
        };
        memory.join(conn, &piece)?;
    }
    Ok(())
}

/// Marks an event that a newer one replaced; it keeps everything.
fn mark_replaced(conn: &Connection, log: i64, index: Index) -> rusqlite::Result<()> {
    let sql = "UPDATE slots SET state = ?3 WHERE log = ?1 AND idx = ?2 AND state = 0";
    let index = index.0.cast_signed();
    conn.prepare_cached(sql)?
        .execute((log, index, rows::SUPERSEDED))?;
    Ok(())
}

/// Writes what makes commits happen once. How long that is remembered is the short-term store's.
fn remember(
    conn: &Connection,
    memory: &mut Memory,
    image: &OnceImage,
    limits: &Limits,
) -> rusqlite::Result<()> {
    let mut used = once::last_use(conn, memory.log)?;
    for (id, kept) in &image.producers {
        used = used.next();
        memory.producer(conn, id)?;
        memory.put_producer(conn, (id.clone(), *kept), used, limits)?;
    }
    for (key, kept) in &image.keys {
        used = used.next();
        memory.put_key(conn, (key.clone(), *kept), used, Millis(0), limits)?;
    }
    Ok(())
}

fn note_commits(conn: &Connection, log: i64, entry: &ArchiveEntry) -> rusqlite::Result<()> {
    for slots in entry.slots.chunk_by(|a, b| a.commit() == b.commit()) {
        if let Some(first) = slots.first() {
            let range = (first.index(), slots.len() as u64);
            log::note_commit(conn, log, entry.partition, first.commit(), range)?;
        }
    }
    Ok(())
}

fn count_kinds(conn: &Connection, log: i64, slots: &[Slot]) -> rusqlite::Result<()> {
    let mut kinds: HashMap<(&EventType, Level), i64> = HashMap::new();
    for slot in slots {
        *kinds.entry(slot.kind()).or_default() += 1;
    }
    let sql = "INSERT INTO kinds (log, type, level, count) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET count = count + excluded.count";
    let mut statement = conn.prepare_cached(sql)?;
    for ((event_type, level), count) in kinds {
        statement.execute((log, event_type.as_str(), rows::level_number(level), count))?;
    }
    Ok(())
}

/// Moves the watermark on, and takes the state when the entry reaches the tail.
fn advance(
    conn: &Connection,
    log: &mut Log,
    entry: &ArchiveEntry,
    new: bool,
) -> rusqlite::Result<()> {
    let state = &entry.state;
    let mark = &mut log.watermark;
    // It may come late, when the log is released already.
    let repeated = !new && entry.slots.is_empty() && state.commit <= mark.commit;
    mark.tail = entry.from.plus(entry.slots.len() as u64);
    if let Some(last) = entry.slots.last() {
        mark.last = Some((last.at(), last.commit()));
        log.last_at = last.at();
    }
    let whole = mark.tail >= state.tail;
    // A slow archiver may come with a record that is older than the one that is kept.
    let newer = log.rewound || state.revision >= mark.revision;
    if !whole {
        mark.commit = mark.commit.max(before_last(&entry.slots));
    } else if newer {
        mark.commit = state.commit;
    }
    if newer && (whole || new) {
        mark.revision = state.revision;
        log.rewound &= !whole;
        log::write_record(conn, log.number, state)?;
        let trim = state.trim.min(log.watermark.tail);
        if trim > log.trim {
            maintenance::trim(conn, log.number, log.trim, trim)?;
            log.trim = trim;
        }
    }
    log::update(conn, log)?;
    if !repeated {
        log::warm(conn, log.number)?;
    }
    Ok(())
}

/// The newest commit that certainly ends within the slots: the last one may go on.
fn before_last(slots: &[Slot]) -> CommitNumber {
    let last = slots.last().map(Slot::commit);
    let commits = slots.iter().rev().map(Slot::commit);
    let ended = commits.into_iter().find(|commit| Some(*commit) != last);
    ended.unwrap_or_default()
}
