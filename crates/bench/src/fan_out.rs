//! Fan-out: one task, many subscribers.

use crate::http::Connection;
use crate::process::Process;
use crate::readers::{Reader, drain, open_many};
use crate::report::Report;
use crate::stats::{Times, micros_each, rate};
use crate::{Bench, Storage};
use std::io;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const SUBSCRIBERS: [usize; 5] = [1, 10, 100, 1_000, 5_000];

pub(crate) async fn measure(bench: &Bench, report: &mut Report, files: u64) -> io::Result<()> {
    for subscribers in SUBSCRIBERS {
        if (subscribers as u64) * 2 + 200 > files {
            continue;
        }
        let events = (200_000 / bench.divisor / subscribers).clamp(20, 20_000);
        let floor = raw(bench, subscribers, events).await?;
        throughput(bench, report, subscribers, events, floor).await?;
        latency(bench, report, subscribers).await?;
    }
    Ok(())
}

/// Deliveries a second when pre-encoded frames are written to raw sockets.
async fn raw(bench: &Bench, subscribers: usize, events: usize) -> io::Result<f64> {
    let (connections, frames) = (subscribers.to_string(), events.to_string());
    let arguments = [
        "floor-frames",
        "--connections",
        &connections,
        "--frames",
        &frames,
    ];
    let floor = Process::floor(&bench.itself, &arguments).await?;
    let readers = open_many(floor.address, "t", "", subscribers).await?;
    let start = Instant::now();
    drain(readers, events).await?;
    let took = start.elapsed();
    floor.stop().await?;
    Ok(rate(subscribers * events, took))
}

/// Deliveries a second while a publisher sends single events as fast as it is answered.
async fn throughput(
    bench: &Bench,
    report: &mut Report,
    subscribers: usize,
    events: usize,
    floor: f64,
) -> io::Result<()> {
    let server = Process::taskcast(&bench.binary, &Storage::Memory).await?;
    let mut publisher = Connection::open(server.address).await?;
    publisher.running_task("t").await?;
    let readers = open_many(server.address, "t", "includeStatus=false", subscribers).await?;
    let (cpu, start) = (server.cpu()?, Instant::now());
    let mut publishing = JoinSet::new();
    publishing.spawn(async move {
        for _ in 0..events {
            let body = r#"{"type":"llm.delta","data":{"delta":" token"}}"#;
            publisher.post("/tasks/t/events", body.into()).await?;
        }
        io::Result::Ok(())
    });
    drain(readers, events).await?;
    let took = start.elapsed();
    while let Some(published) = publishing.join_next().await {
        published??;
    }
    let deliveries = subscribers * events;
    let what = format!("fan-out to {subscribers}");
    report.compare(
        format!("{what}, rate"),
        rate(deliveries, took),
        "deliveries/s",
        floor,
    );
    let each = micros_each(server.cpu()?.saturating_sub(cpu), deliveries);
    report.add(format!("{what}, CPU"), each, "µs/delivery");
    server.stop().await
}

/// From the publisher's send to the subscriber's read, at 20 events a second.
async fn latency(bench: &Bench, report: &mut Report, subscribers: usize) -> io::Result<()> {
    const SAMPLED: usize = 8;
    let server = Process::taskcast(&bench.binary, &Storage::Memory).await?;
    let mut publisher = Connection::open(server.address).await?;
    publisher.running_task("t").await?;
    let sampled = SAMPLED.min(subscribers);
    let others = open_many(
        server.address,
        "t",
        "includeStatus=false",
        subscribers - sampled,
    )
    .await?;
    let sample = open_many(server.address, "t", "includeStatus=false", sampled).await?;
    let (start, events) = (Instant::now(), 60 / bench.divisor.min(3));
    let mut reading = JoinSet::new();
    for reader in sample {
        reading.spawn(delays(reader, start, events));
    }
    let mut passive = JoinSet::new();
    passive.spawn(drain(others, events));
    for _ in 0..events {
        let sent = start.elapsed().as_nanos();
        let body = format!(r#"{{"type":"llm.delta","data":{{"delta":" token","sent":{sent}}}}}"#);
        publisher.post("/tasks/t/events", body.into()).await?;
        sleep(Duration::from_millis(50)).await;
    }
    let mut times = Times::default();
    while let Some(some) = reading.join_next().await {
        times.extend(some??);
    }
    let what = format!("delivery to {subscribers} at 20 events/s");
    report.add(format!("{what}, p50"), times.quantile(0.5), "ms");
    report.add(format!("{what}, p99"), times.quantile(0.99), "ms");
    passive.shutdown().await;
    server.stop().await
}

pub(crate) async fn delays(mut reader: Reader, start: Instant, events: usize) -> io::Result<Times> {
    let mut times = Times::default();
    for _ in 0..events {
        times.add(reader.delay(start).await?);
    }
    Ok(times)
}
