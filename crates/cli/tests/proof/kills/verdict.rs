//! Compares what publishers were told with what the history holds.

use super::follower::Seen;
use super::publisher::{Kind, Publisher};
use serde_json::Value;
use std::collections::HashMap;
use std::ops::AddAssign;

/// How much was compared.
#[derive(Debug, Default)]
pub(super) struct Sums {
    events: usize,
    acknowledged: usize,
    stored_unacknowledged: usize,
    /// Requests whose outcome was unknown.
    pub(super) unknown: usize,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.acknowledged += other.acknowledged;
        self.stored_unacknowledged += other.stored_unacknowledged;
        self.unknown += other.unknown;
    }
}

/// Checks the history of a task against its publishers.
pub(super) fn check<'a>(
    history: &[Value],
    publishers: impl Iterator<Item = &'a Publisher>,
) -> Sums {
    for (index, event) in history.iter().enumerate() {
        assert_eq!(event["index"], index, "indexes are dense: {event}");
    }
    let mut stored = stored_by_publisher(history);
    let mut sums = Sums {
        events: history.len(),
        ..Sums::default()
    };
    for publisher in publishers {
        let stored = stored.remove(publisher.name.as_str()).unwrap_or_default();
        check_publisher(&stored, publisher);
        sums.acknowledged += publisher.acknowledged.len();
        sums.stored_unacknowledged += stored.len() - publisher.acknowledged.len();
        sums.unknown += publisher.unknown;
    }
    assert!(stored.is_empty(), "events of nobody: {:?}", stored.keys());
    sums
}

/// Numbers with their indexes, in the order of the log.
fn stored_by_publisher(history: &[Value]) -> HashMap<&str, Vec<(u64, i64)>> {
    let mut stored: HashMap<&str, Vec<(u64, i64)>> = HashMap::new();
    for event in history {
        if event["type"] == "taskcast:status" {
            continue;
        }
        assert_eq!(event["type"], "proof.number", "a phantom: {event}");
        let data = &event["data"];
        let number = (
            data["number"].as_u64().unwrap(),
            event["index"].as_i64().unwrap(),
        );
        stored
            .entry(data["by"].as_str().unwrap())
            .or_default()
            .push(number);
    }
    stored
}

fn check_publisher(stored: &[(u64, i64)], publisher: &Publisher) {
    let name = format!("{} of {}", publisher.name, publisher.task);
    for pair in stored.windows(2) {
        assert!(
            pair[0].0 < pair[1].0,
            "{name}: twice or out of order: {pair:?}"
        );
    }
    let indexes: HashMap<u64, i64> = stored.iter().copied().collect();
    for number in indexes.keys() {
        assert!(*number < publisher.sent, "{name}: {number} was never sent");
    }
    for (number, told) in &publisher.acknowledged {
        let index = indexes.get(number);
        let index =
            index.unwrap_or_else(|| panic!("{name}: {number} was acknowledged and is lost"));
        assert!(
            told.is_none_or(|told| told == *index),
            "{name}: {number} moved"
        );
    }
    for (first, length) in &publisher.batches {
        let mut batch = (*first..first + length).map(|number| indexes.get(&number));
        let Some(Some(start)) = batch.next() else {
            assert!(
                batch.all(|index| index.is_none()),
                "{name}: half a batch at {first}"
            );
            continue;
        };
        for (offset, index) in (1..).zip(batch) {
            assert_eq!(
                index,
                Some(&(start + offset)),
                "{name}: half a batch at {first}"
            );
        }
    }
    if matches!(publisher.kind, Kind::Numbered | Kind::Stream) {
        assert_eq!(stored.len() as u64, publisher.sent, "{name}: exactly once");
    }
}

/// Checks that a subscriber saw what the history holds.
pub(super) fn check_follower(history: &[Value], (task, seen): &Seen) {
    let ids = history.iter().map(|event| event["id"].as_str().unwrap());
    assert!(
        ids.eq(seen.iter().map(String::as_str)),
        "{task}: another sequence"
    );
}
