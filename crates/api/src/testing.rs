//! Events for the tests of this crate.

use crate::PublishBody;
use proptest::prelude::*;
use taskcast_core::{
    CommitNumber, Event, EventType, Index, Level, Limits, Millis, RawJson, SeriesId, SeriesMode,
    SeriesTag,
};

/// The event of a publish body, at index 42.
pub(crate) fn event(body: &[u8]) -> Event {
    let Ok(PublishBody::Single(new)) = PublishBody::parse(body, &Limits::default()) else {
        panic!("not one event: {}", String::from_utf8_lossy(body));
    };
    Event {
        index: Index(42),
        at: Millis(1_700_000_000_000),
        commit: CommitNumber(1),
        event_type: new.event_type,
        level: new.level,
        data: new.data,
        series: new.series,
        fold: None,
        foreign_id: None,
    }
}

/// Any text that a name of some kind can be.
pub(crate) fn names() -> impl Strategy<Value = String> {
    r"\PC{1,20}".prop_filter("a task id", |text| {
        text != "." && text != ".." && !text.chars().any(char::is_control)
    })
}

/// Any event, with hostile texts wherever one can be.
pub(crate) fn events() -> impl Strategy<Value = Event> {
    let text = || any::<String>();
    (
        names(),
        proptest::option::of(text()),
        proptest::option::of(names()),
        proptest::option::of(text()),
        proptest::option::of(text()),
        0..Index::LIMIT.0,
    )
        .prop_map(|(name, data, series, field, foreign, index)| Event {
            index: Index(index),
            at: Millis(index),
            commit: CommitNumber(1),
            event_type: EventType::new(name).unwrap(),
            level: Level::Debug,
            data: data.map(|text| RawJson::from_value(&text).unwrap()),
            series: SeriesTag {
                mode: series.is_some().then_some(SeriesMode::KeepAll),
                id: series.map(|id| SeriesId::new(id).unwrap()),
                field: field.map(Into::into),
            },
            fold: None,
            foreign_id: foreign.map(Into::into),
        })
}
