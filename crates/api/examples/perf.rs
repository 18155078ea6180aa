//! perf
use std::time::Instant;
use taskcast_api::sse::*;
use taskcast_api::*;
use taskcast_core::*;
fn main() {
    let l = Limits::default();
    let b=br#"{"type":"llm.delta","level":"info","data":{"delta":"Hello world"},"seriesId":"s","seriesMode":"accumulate"}"#;
    let n = 1_000_000;
    let t = Instant::now();
    for _ in 0..n {
        std::hint::black_box(PublishBody::parse(b, &l).unwrap());
    }
    println!("parse {:?}/event", t.elapsed() / n);
    let PublishBody::Single(e) = PublishBody::parse(b, &l).unwrap() else {
        return;
    };
    let ev = Event {
        index: Index(5),
        at: Millis(1700000000000),
        commit: CommitNumber(1),
        event_type: e.event_type,
        level: e.level,
        data: e.data,
        series: e.series,
        fold: None,
        foreign_id: None,
    };
    let id = TaskId::new("01HF7YAT00000001R00000001A").unwrap();
    let t = Instant::now();
    for _ in 0..n {
        std::hint::black_box(FrameTemplate::new(
            &EventView::new(&id, Epoch(1), &ev),
            Shape::Envelope,
        ));
    }
    println!("template {:?}", t.elapsed() / n);
    let f = FrameTemplate::new(&EventView::new(&id, Epoch(1), &ev), Shape::Envelope);
    let mut out = bytes::BytesMut::with_capacity(1 << 16);
    let t = Instant::now();
    for i in 0..n {
        if out.len() > 60000 {
            out.clear();
        }
        f.write(&mut out, i as u64, false);
    }
    println!("write {:?} len {}", t.elapsed() / n, f.len());
}
