//! Resuming: wherever a stream is cut, the next one goes on, and the parts fold to the same whole.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests; a failure shows its seed"
)]

mod common;

use common::*;
use std::collections::{BTreeMap, HashMap};
use taskcast_core::*;
use taskcast_engine::*;

/// What a client has made of the frames it got.
#[derive(Default)]
struct Folded {
    plain: BTreeMap<u64, String>,
    series: HashMap<String, String>,
    /// The newest index of each series.
    covered: HashMap<String, u64>,
    done: bool,
}

impl Folded {
    fn take(&mut self, frame: &Frame, log: &[Slot], filter: &EventFilter) {
        match frame {
            Frame::Event(frame) => self.take_event(frame, log, filter),
            Frame::Gap(gap) => panic!("nothing is missing: {gap:?}"),
            Frame::Done(_) => self.done = true,
            Frame::Progress(_) | Frame::CaughtUp(_) => {}
        }
    }

    fn take_event(&mut self, frame: &EventFrame, log: &[Slot], filter: &EventFilter) {
        let event = &frame.shared.event;
        let index = event.index.0;
        assert!(matches(filter, event.event_type.as_str(), event.level));
        let before = &log[..index as usize];
        let position = before.iter().map(Slot::kind);
        let position = position
            .filter(|(t, l)| matches(filter, t.as_str(), *l))
            .count();
        assert_eq!(frame.position, position as u64, "the position of {index}");
        let data = event.data.as_ref().map_or("", RawJson::as_str).to_owned();
        let Some((series, SeriesMode::Accumulate)) = event.series.effective() else {
            let twice = self.plain.insert(index, data);
            assert!(twice.is_none(), "{index} came twice");
            return;
        };
        let series = series.to_string();
        let covered = self.covered.insert(series.clone(), index);
        assert!(
            covered.is_none_or(|covered| covered < index),
            "{index} came twice"
        );
        let value: HashMap<String, String> = event.data.as_ref().unwrap().read().unwrap();
        let text = self.series.entry(series).or_default();
        match &frame.total {
            Some(total) => *text = total.with(|text| String::from_utf8(text.to_vec()).unwrap()),
            None => text.push_str(&value["delta"]),
        }
    }
}

/// The rules of filters, written a second time.
fn matches(filter: &EventFilter, event_type: &str, level: Level) -> bool {
    let by_type = filter.types.as_ref().is_none_or(|types| {
        types.iter().any(|pattern| match pattern {
            TypePattern::Any => true,
            TypePattern::Prefix(prefix) => event_type.starts_with(&**prefix),
            TypePattern::Exact(exact) => **exact == *event_type,
        })
    });
    let by_level = filter
        .levels
        .as_ref()
        .is_none_or(|levels| levels.contains(&level));
    by_type && by_level && (filter.include_status || event_type != "taskcast:status")
}

fn filters() -> Vec<EventFilter> {
    vec![
        EventFilter::default(),
        only(&["llm.*", "b"]),
        only(&["a"]),
        EventFilter {
            include_status: false,
            ..EventFilter::default()
        },
        EventFilter {
            levels: Some(vec![Level::Warn, Level::Info]),
            ..only(&["*"])
        },
        EventFilter {
            types: Some(vec![]),
            ..EventFilter::default()
        },
    ]
}

fn some_event(rng: &mut Rng, n: u64) -> NewEvent {
    match rng.below(7) {
        0 => plain("a", n),
        1 => plain("b", n),
        2 => NewEvent {
            level: Level::Debug,
            ..plain("a", n)
        },
        3 => in_series("c", "kept", SeriesMode::KeepAll, &n.to_string()),
        _ => delta(rng.one_of::<&str>(&["s1", "s2", "s3"]), &format!("<{n}>")),
    }
}

/// Publishes a little, at a time of its own.
async fn publish_some(world: &World, id: &TaskId, rng: &mut Rng, n: &mut u64) {
    for _ in 0..rng.below(4) {
        world.clock.advance(1);
        let batch = (0..1 + rng.below(3))
            .map(|i| some_event(rng, *n * 10 + i))
            .collect();
        world.publish(id, batch).await;
        *n += 1;
    }
}

/// How a client says where it was.
#[derive(Clone, Copy, Debug)]
enum By {
    LastEventId,
    SinceId,
    Position,
}

fn ask_by(
    by: By,
    cursor: Option<&str>,
    position: Option<u64>,
    base: &SubscribeAsk,
) -> SubscribeAsk {
    let mut ask = base.clone();
    match (by, cursor, position) {
        (By::Position, _, Some(position)) => ask.since.index = Some(position as i64),
        (By::SinceId, Some(cursor), _) => ask.since.id = Some(cursor.to_owned()),
        (_, cursor, _) => ask.last_event_id = cursor.map(str::to_owned),
    }
    ask
}

/// Reads a task to its end in pieces of `cut` frames; more is published in between.
async fn read_in_pieces(seed: u64, base: SubscribeAsk, by: By) {
    let (mut rng, mut n) = (Rng::new(seed), 0);
    let limits = Limits {
        // Now and then a window of almost nothing, so that readers go to the store.
        window_bytes_per_task: *rng.one_of(&[1, 3_000, 1 << 20]),
        page: *rng.one_of(&[1, 3, 1_000]),
        ..Limits::default()
    };
    let world = world_with(limits);
    let id = world.running("t").await;
    let epoch = world.epoch(&id).await;
    for _ in 0..4 {
        publish_some(&world, &id, &mut rng, &mut n).await;
    }
    let (mut folded, mut cursor, mut position) = (Folded::default(), None::<String>, None);
    let mut rounds = 0;
    while !folded.done {
        rounds += 1;
        if rounds == 12 {
            world.to(&id, Status::Completed).await;
        }
        let ask = ask_by(by, cursor.as_deref(), position, &base);
        let mut viewer = world.watch(&id, ask).await;
        for _ in 0..=rng.below(6) {
            if rounds < 12 && rng.below(3) == 0 {
                publish_some(&world, &id, &mut rng, &mut n).await;
            }
            let Some(frame) = viewer.next().await else {
                break;
            };
            folded.take(&frame, &world.slots(&id).await, &base.filter);
            cursor = cursor_of(&frame, epoch).or(cursor);
            // Inside a replay, and where the stream says so, only the cursor counts.
            position = match &frame {
                Frame::Event(frame) if !frame.folded => Some(frame.position),
                Frame::Event(_) => None,
                _ => position,
            };
            if matches!(frame, Frame::CaughtUp(_)) && rounds < 12 {
                break;
            }
        }
    }
    compare(&folded, &world.slots(&id).await, &base.filter);
}

fn compare(folded: &Folded, log: &[Slot], filter: &EventFilter) {
    let (mut plain, mut series) = (BTreeMap::new(), HashMap::<String, String>::new());
    for event in log.iter().filter_map(Slot::event) {
        if !matches(filter, event.event_type.as_str(), event.level) {
            continue;
        }
        let data = event.data.as_ref().unwrap();
        match event.series.effective() {
            Some((id, SeriesMode::Accumulate)) => {
                let value: HashMap<String, String> = data.read().unwrap();
                series
                    .entry(id.to_string())
                    .or_default()
                    .push_str(&value["delta"]);
            }
            _ => drop(plain.insert(event.index.0, data.as_str().to_owned())),
        }
    }
    assert_eq!(folded.plain, plain);
    assert_eq!(folded.series, series);
}

async fn check(by: By) {
    let mut seed = 0;
    for filter in filters() {
        for format in [SeriesFormat::Delta, SeriesFormat::Accumulated] {
            for _ in 0..12 {
                seed += 1;
                let base = SubscribeAsk {
                    filter: filter.clone(),
                    format,
                    ..SubscribeAsk::default()
                };
                println!("seed {seed}, {by:?}, {base:?}");
                read_in_pieces(seed, base, by).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_anywhere_goes_on_from_its_cursor() {
    check(By::LastEventId).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_anywhere_goes_on_from_since_id() {
    check(By::SinceId).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_anywhere_goes_on_from_its_position() {
    check(By::Position).await;
}

/// Every single place: a log of many kinds, cut after each frame of its replay and of its deltas.
#[tokio::test(start_paused = true)]
async fn no_place_of_a_stream_is_a_bad_one_to_cut() {
    for filter in filters() {
        let base = SubscribeAsk {
            filter,
            ..SubscribeAsk::default()
        };
        let world = world();
        let (id, mut rng, mut n) = (world.running("t").await, Rng::new(42), 0);
        for _ in 0..10 {
            publish_some(&world, &id, &mut rng, &mut n).await;
        }
        world.to(&id, Status::Failed).await;
        let (log, epoch) = (world.slots(&id).await, world.epoch(&id).await);
        let whole = world.watch(&id, base.clone()).await.catch_up().await;
        for cut in 0..whole.len() {
            let mut folded = Folded::default();
            let mut cursor = None;
            for frame in &whole[..cut] {
                folded.take(frame, &log, &base.filter);
                cursor = cursor_of(frame, epoch).or(cursor);
            }
            let ask = ask_by(By::LastEventId, cursor.as_deref(), None, &base);
            let Subscribe::Stream(_) = world.engine.subscribe(&id, ask.clone()).await.unwrap()
            else {
                continue;
            };
            for frame in world.watch(&id, ask).await.catch_up().await {
                folded.take(&frame, &log, &base.filter);
            }
            compare(&folded, &log, &base.filter);
        }
    }
}
