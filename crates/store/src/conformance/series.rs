//! Rules of series: folds, texts, heads, tombstones.

use super::Subject;
use super::given::{
    Given, by_key, delta, event, in_series, latest, publish, series_id, task_id, with_data,
};
use super::rng::{Rng, announce, seeds};
use crate::{CommitError, TaskState};
use bytes::Bytes;
use std::collections::HashMap;
use taskcast_core::{
    Event, Fold, Head, Index, Limits, NewEvent, SeriesMode, SeriesTag, Slot, Span, Status,
    TombstoneReason,
};

/// What a series should be after each of its deltas, worked out in the plainest way.
#[derive(Default)]
struct Model {
    run: Index,
    text: String,
    /// Whether the newest delta had a text.
    joins: bool,
}

impl Model {
    /// Takes a delta with its text, if it has one; gives where it should stand.
    fn push(&mut self, index: Index, text: Option<&str>, span: Option<Span>) -> Fold {
        if !(self.joins && text.is_some()) {
            (self.run, self.text) = (index, String::new());
        }
        let offset = self.text.len() as u64;
        self.text.push_str(text.unwrap_or_default());
        self.joins = text.is_some();
        Fold {
            run: self.run,
            offset,
            text: span,
        }
    }
}

const PIECES: [&str; 7] = [
    "",
    "a",
    "Hello ",
    "\u{1f600}",
    r"\n\u0000",
    r"\ud83d",
    r"\ude00",
];

fn random_delta(rng: &mut Rng, series: &str) -> (NewEvent, Option<&'static str>) {
    match rng.below(6) {
        0 => {
            let data = rng.pick(&[r#"{"delta":1}"#, "null", r#"{"other":"x"}"#, "[]"]);
            (in_series(series, SeriesMode::Accumulate, data), None)
        }
        1 => {
            let data = NewEvent {
                data: None,
                text: None,
                ..delta(series, "")
            };
            (data, None)
        }
        _ => {
            let text = rng.pick(&PIECES);
            (delta(series, text), Some(text))
        }
    }
}

pub async fn texts_and_folds_equal_a_model(subject: &dyn Subject) {
    for seed in seeds(4) {
        announce(seed);
        let mut rng = Rng::from_seed(seed);
        let mut given = Given::open(subject).await;
        given.task("a").await;
        let mut models: HashMap<&str, Model> = HashMap::new();
        let mut runs: HashMap<(&str, Index), String> = HashMap::new();
        for _ in 0..40 {
            let (mut batch, mut expected) = (Vec::new(), Vec::new());
            let tail = given.state("a").await.tail;
            for n in 0..1 + rng.below(4) {
                let series = rng.pick(&["s1", "s2", "s3"]);
                let (event, text) = random_delta(&mut rng, series);
                let model = models.entry(series).or_default();
                expected.push(model.push(tail.plus(n), text, event.text));
                runs.insert((series, model.run), model.text.clone());
                batch.push(event);
            }
            let committed = given.publish("a", batch).await;
            let folds: Vec<Fold> = committed.events.iter().map(|e| e.fold.unwrap()).collect();
            assert_eq!(folds, expected);
            if rng.chance(12) {
                given.reopen(subject).await;
            }
        }
        let state = given.state("a").await;
        for ((series, run), text) in &runs {
            let end = text.len() as u64;
            assert_eq!(
                text_of(&given, &state, series, *run, 0, end).await,
                text.as_bytes()
            );
        }
        check_heads(&given, &state).await;
    }
}

async fn text_of(
    given: &Given,
    state: &TaskState,
    series: &str,
    run: Index,
    from: u64,
    to: u64,
) -> Bytes {
    let (id, series) = (&state.record.id, series_id(series));
    let range = from..to;
    given
        .store
        .text(id, state.epoch, &series, run, range)
        .await
        .unwrap()
}

/// Every head is the newest delta of its series, and there are no others.
async fn check_heads(given: &Given, state: &TaskState) {
    let heads = given
        .store
        .heads(&state.record.id, state.epoch)
        .await
        .unwrap();
    assert_eq!(heads.tail, state.tail);
    let slots = given.slots(state.record.id.as_str()).await;
    let mut newest: HashMap<_, Event> = HashMap::new();
    for event in slots
        .iter()
        .filter_map(Slot::event)
        .filter(|event| event.fold.is_some())
    {
        newest.insert(event.series.id.clone().unwrap(), event.clone());
    }
    let mut expected: Vec<Head> = newest
        .into_iter()
        .map(|(series, newest)| Head { series, newest })
        .collect();
    expected.sort_by_key(|head| head.newest.index);
    assert_eq!(heads.heads, expected);
}

pub async fn a_text_is_the_concatenation_at_every_offset(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let mut whole = String::new();
    for n in 0..60 {
        let piece = "x\u{e9}y".repeat(n % 7) + &n.to_string();
        whole.push_str(&piece);
        given
            .publish("a", vec![event("b"), delta("s", &piece)])
            .await;
    }
    let (run, len) = (Index(1), whole.len() as u64);
    for from in (0..=len).step_by(7) {
        for to in (from..=len).step_by(5).chain([len]) {
            let expected = &whole.as_bytes()[from as usize..to as usize];
            assert_eq!(text_of(&given, &state, "s", run, from, to).await, expected);
        }
    }
    // What is asked beyond the text, or of no run, is not there.
    assert_eq!(
        text_of(&given, &state, "s", run, 3, len + 1_000).await,
        whole.as_bytes()[3..]
    );
    assert!(
        text_of(&given, &state, "s", run, len + 5, len + 9)
            .await
            .is_empty()
    );
    assert!(
        text_of(&given, &state, "s", Index(2), 0, 9)
            .await
            .is_empty()
    );
    assert!(text_of(&given, &state, "none", run, 0, 9).await.is_empty());
}

pub async fn heads_are_exact_at_their_tail(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let state = given.task("a").await;
    let empty = given.store.heads(&task_id("a"), state.epoch).await.unwrap();
    assert!(empty.heads.is_empty() && empty.tail == Index::START);
    let batches = [
        vec![delta("s", "He"), delta("t", "x"), latest("l", "1")],
        vec![event("b")],
        vec![in_series("k", SeriesMode::KeepAll, "1"), delta("s", "llo")],
        vec![in_series("t", SeriesMode::Accumulate, "{}")],
    ];
    for batch in batches {
        given.publish("a", batch).await;
        check_heads(&given, &given.state("a").await).await;
    }
    let heads = given
        .store
        .heads(&task_id("a"), state.epoch)
        .await
        .unwrap()
        .heads;
    let order: Vec<&str> = heads.iter().map(|head| head.series.as_str()).collect();
    assert_eq!(order, ["s", "t"]);
    let fold = heads[0].newest.fold.unwrap();
    let text = text_of(&given, &state, "s", fold.run, 0, fold.end()).await;
    let total = Head::total(&heads[0].newest, &text).unwrap();
    assert_eq!(total.as_str(), r#"{"delta":"Hello"}"#);
    given.step("a", Status::Cancelled).await;
    check_heads(&given, &given.state("a").await).await;
}

pub async fn mode_and_field_are_fixed_by_the_first_event(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let other_field = SeriesTag {
        id: Some(series_id("s")),
        mode: Some(SeriesMode::Accumulate),
        field: Some("text".into()),
    };
    given
        .publish("a", vec![delta("s", "x"), latest("l", "1")])
        .await;
    let misfits = [
        latest("s", "1"),
        in_series("s", SeriesMode::KeepAll, "1"),
        with_data("b", r#"{"text":"y"}"#).in_series(other_field),
        delta("l", "y"),
    ];
    for misfit in misfits {
        let refused = given.refused(publish("a", vec![event("b"), misfit])).await;
        assert!(matches!(refused, CommitError::Series(_)), "{refused}");
    }
    // Within one batch as well, and each series of a task and each task for itself.
    let refused = given
        .refused(publish("a", vec![latest("m", "1"), delta("m", "x")]))
        .await;
    assert!(matches!(refused, CommitError::Series(_)), "{refused}");
    given.publish("a", vec![delta("m", "x")]).await;
    given.task("other").await;
    given.publish("other", vec![latest("s", "1")]).await;
}

pub async fn latest_leaves_tombstones_behind(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("a").await;
    let first = given
        .publish("a", vec![latest("l", "1"), event("b"), latest("m", "1")])
        .await;
    given
        .publish("a", vec![latest("l", "2"), latest("l", "3")])
        .await;
    let slots = given.slots("a").await;
    let gone: Vec<u64> = slots
        .iter()
        .filter(|s| s.event().is_none())
        .map(|s| s.index().0)
        .collect();
    assert_eq!(gone, [0, 3]);
    let expected = first.events[0].tombstone(TombstoneReason::Superseded);
    assert_eq!(slots[0], Slot::Tombstone(expected));
    assert_eq!(slots[2].event(), Some(&first.events[2]));
    let newest = slots[4].event().unwrap();
    assert_eq!(newest.data.as_ref().unwrap().as_str(), "3");
    assert_eq!(slots.len(), 5, "no index moved");
}

pub async fn series_are_limited_per_task(subject: &dyn Subject) {
    let limits = Limits {
        series_per_task: 3,
        ..Limits::default()
    };
    let given = Given::open_with(subject, limits).await;
    given.task("a").await;
    given
        .publish("a", vec![delta("s1", "x"), latest("s2", "1")])
        .await;
    let two_more = vec![delta("s3", "x"), delta("s4", "x")];
    let refused = given.refused(publish("a", two_more)).await;
    assert!(
        matches!(refused, CommitError::TooManySeries { limit: 3 }),
        "{refused}"
    );
    let third = vec![delta("s3", "x"), delta("s3", "y"), delta("s1", "z")];
    given.publish("a", third).await;
    let refused = given
        .refused(by_key(publish("a", vec![latest("s4", "1")]), "k", 1))
        .await;
    assert!(
        matches!(refused, CommitError::TooManySeries { limit: 3 }),
        "{refused}"
    );
    given
        .publish("a", vec![latest("s2", "2"), event("b")])
        .await;
}

pub async fn a_batch_folds_like_its_events_one_by_one(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    given.task("batch").await;
    given.task("single").await;
    let mut rng = Rng::from_seed(7);
    let events: Vec<NewEvent> = (0..30)
        .map(|n| match n % 4 {
            0 => latest("l", &n.to_string()),
            1 => event("b"),
            _ => random_delta(&mut rng, "s").0,
        })
        .collect();
    for event in &events {
        given.publish("single", vec![event.clone()]).await;
    }
    given.publish("batch", events).await;
    let bare = |slots: Vec<Slot>| -> Vec<_> {
        let parts = |slot: &Slot| {
            let event = slot.event();
            (
                slot.index(),
                event.map(|event| (event.fold, event.data.clone())),
            )
        };
        slots.iter().map(parts).collect()
    };
    assert_eq!(
        bare(given.slots("batch").await),
        bare(given.slots("single").await)
    );
}
