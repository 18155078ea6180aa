//! At the end: the store against the truth, and the record against its log.

use crate::truth::{TrueLog, delta_of, series_of};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use taskcast_core::{Epoch, Event, Index, RawJson, Slot, TaskId};
use taskcast_store::{ReadAsk, TaskState, Which};

/// Checks every task that exists.
pub(crate) async fn audit(world: &World) {
    let truth = world.store.truth.lock().clone();
    for (id, epoch) in &truth.current {
        let Some(log) = truth.logs.get(&(id.clone(), *epoch)) else {
            continue;
        };
        match world.real.load(id).await {
            Ok(Some(state)) if state.epoch == Epoch(*epoch) => {
                check_record(world, &state, log);
                check_slots(world, &state, log).await;
                check_heads(world, &state, log).await;
            }
            other => world.broken(format!("{id} is {other:?}")),
        }
        said_once(world, id, log);
    }
}

/// Invariant 2: status, result and error are those of the newest status event.
fn check_record(world: &World, state: &TaskState, log: &TrueLog) {
    let record = &state.record;
    let status = log.events.iter().rev();
    let status = status
        .clone()
        .find(|event| event.event_type.as_str() == "taskcast:status");
    let told = status.and_then(|event| event.data.as_ref());
    let told: Option<serde_json::Value> = told.and_then(|data| data.read().ok());
    let word = told
        .as_ref()
        .and_then(|told| told["status"].as_str())
        .unwrap_or("pending");
    if word != record.status.as_str() || state.tail.0 != log.events.len() as u64 {
        world.broken(format!(
            "{}: the log says {word}, the record {record:?}",
            record.id
        ));
    }
    let result = record.result.as_ref().and_then(|data| data.read().ok());
    let told = told.and_then(|mut told| told.get_mut("result").map(serde_json::Value::take));
    if told != result {
        world.broken(format!("{}: the results differ", record.id));
    }
}

/// Invariant 1: dense, immutable, and what is gone left a tombstone or was trimmed.
async fn check_slots(world: &World, state: &TaskState, log: &TrueLog) {
    let id = &state.record.id;
    let Some(slots) = read_all(world, state).await else {
        return world.broken(format!("{id} cannot be read"));
    };
    let first = usize::try_from(log.trim).unwrap_or_default();
    let real = log.events.get(first..).unwrap_or_default();
    let same = |(slot, event): (&Slot, &Event)| match slot {
        Slot::Event(stored) => stored == event,
        Slot::Tombstone(tombstone) => {
            tombstone.index == event.index && tombstone.event_type == event.event_type
        }
    };
    if slots.len() != real.len() || !slots.iter().zip(real).all(same) {
        world.broken(format!("{id}: the log is not what was committed"));
    }
}

/// Every slot, page by page: those of two tiers do not come in one.
async fn read_all(world: &World, state: &TaskState) -> Option<Vec<Slot>> {
    let (mut slots, mut from) = (Vec::new(), state.trim);
    while from < state.tail {
        let ask = ReadAsk {
            from,
            to: Index::LIMIT,
            which: Which::All,
            max_slots: usize::MAX,
            max_bytes: usize::MAX,
        };
        let page = world.real.read(&state.record.id, state.epoch, ask).await;
        let page = page.ok().filter(|page| page.next > from)?;
        slots.extend(page.slots);
        from = page.next;
    }
    Some(slots)
}

/// Invariant 2: heads are the fold of the deltas.
async fn check_heads(world: &World, state: &TaskState, log: &TrueLog) {
    let (id, epoch) = (&state.record.id, state.epoch);
    let mut texts: BTreeMap<&str, (Index, String)> = BTreeMap::new();
    for event in &log.events {
        if let Some(series) = series_of(event) {
            let (newest, text) = texts.entry(series).or_default();
            *newest = event.index;
            text.push_str(&delta_of(event));
        }
    }
    let Ok(heads) = world.real.heads(id, epoch).await else {
        return world.broken(format!("{id} has no heads"));
    };
    if heads.heads.len() != texts.len() {
        world.broken(format!(
            "{id}: {} heads, not {}",
            heads.heads.len(),
            texts.len()
        ));
    }
    for head in heads.heads {
        let Some(fold) = head.newest.fold else {
            continue;
        };
        let text = world
            .real
            .text(id, epoch, &head.series, fold.run, 0..fold.end())
            .await;
        let json = [b"\"", &*text.unwrap_or_default(), b"\""].concat();
        let text: Option<String> = serde_json::from_slice(&json).ok();
        let real = texts.get(head.series.as_str());
        if Some((head.newest.index, text)) != real.cloned().map(|(index, text)| (index, Some(text)))
        {
            world.broken(format!("{id}: the head of {} is wrong", head.series));
        }
    }
}

/// Everything that was said is in the log once, however often it was sent.
fn said_once(world: &World, id: &TaskId, log: &TrueLog) {
    let mut said = BTreeSet::new();
    for event in &log.events {
        let data = event.data.as_ref().map(RawJson::read::<serde_json::Value>);
        let words = data.and_then(Result::ok);
        if let Some(words) = words.as_ref().and_then(|data| data["said"].as_str())
            && !said.insert(words.to_owned())
        {
            world.broken(format!("{id}: `{words}` is in the log twice"));
        }
    }
}
