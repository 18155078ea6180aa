//! Publishing: how many events a second, and how long one takes.

use crate::http::Connection;
use crate::process::Process;
use crate::report::Report;
use crate::stats::{Times, micros_each, rate};
use crate::{Bench, Storage, floors};
use bytes::Bytes;
use futures_util::stream;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const EVENT: &str =
    r#"{"type":"llm.delta","data":{"delta":" token"},"seriesId":"s","seriesMode":"accumulate"}"#;
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const BATCH: usize = 100;

struct Load {
    events: usize,
    took: Duration,
    times: Times,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let seconds = Duration::from_secs(2);
    let syncs = floors::sync_rate(folder.path(), seconds)?;
    report.add("floor: sync of 4 KiB", syncs, "1/s");
    let mut bare = Vec::new();
    for connections in CONNECTIONS {
        bare.push(bare_rate(bench, report, connections).await?);
    }
    for storage in &Storage::ALONE {
        for (connections, floor) in CONNECTIONS.into_iter().zip(&bare) {
            single(bench, report, storage, connections, *floor).await?;
        }
        batches(bench, report, storage).await?;
        lines(bench, report, storage).await?;
    }
    Ok(())
}

async fn bare_rate(bench: &Bench, report: &mut Report, connections: usize) -> io::Result<f64> {
    let floor = Process::floor(&bench.itself, &["floor-http"]).await?;
    let each = 40_000 / bench.divisor / connections;
    let cpu = floor.cpu()?;
    let load = load(floor.address, connections, each, EVENT.into(), 1).await?;
    let bare = rate(load.events, load.took);
    let what = format!("floor: bare HTTP server, {connections} connections");
    report.add(format!("{what}, requests"), bare, "1/s");
    report.add(
        format!("{what}, CPU"),
        micros_each(floor.cpu()?.saturating_sub(cpu), load.events),
        "µs/request",
    );
    floor.stop().await?;
    Ok(bare)
}

pub(crate) async fn single(
    bench: &Bench,
    report: &mut Report,
    storage: &Storage,
    connections: usize,
    floor: f64,
) -> io::Result<()> {
    let server = Process::taskcast(&bench.binary, storage).await?;
    let count = if *storage == Storage::SqliteFull && connections == 1 {
        2_000
    } else {
        40_000
    };
    let cpu = server.cpu()?;
    let each = count / bench.divisor / connections;
    let mut load = load(server.address, connections, each, EVENT.into(), 1).await?;
    let what = format!(
        "publish single, {}, {connections} connections",
        storage.name()
    );
    report.compare(
        format!("{what}, rate"),
        rate(load.events, load.took),
        "events/s",
        floor,
    );
    report.add(format!("{what}, p50"), load.times.quantile(0.5), "ms");
    report.add(format!("{what}, p99"), load.times.quantile(0.99), "ms");
    report.add(
        format!("{what}, CPU"),
        micros_each(server.cpu()?.saturating_sub(cpu), load.events),
        "µs/event",
    );
    server.stop().await
}

async fn batches(bench: &Bench, report: &mut Report, storage: &Storage) -> io::Result<()> {
    let server = Process::taskcast(&bench.binary, storage).await?;
    let body = format!("[{}]", vec![EVENT; BATCH].join(","));
    let cpu = server.cpu()?;
    let load = load(server.address, 4, 500 / bench.divisor, body.into(), BATCH).await?;
    let what = format!(
        "publish batches of {BATCH}, {}, 4 connections",
        storage.name()
    );
    report.add(
        format!("{what}, rate"),
        rate(load.events, load.took),
        "events/s",
    );
    report.add(
        format!("{what}, CPU"),
        micros_each(server.cpu()?.saturating_sub(cpu), load.events),
        "µs/event",
    );
    server.stop().await
}

pub(crate) async fn lines(bench: &Bench, report: &mut Report, storage: &Storage) -> io::Result<()> {
    const PER_PIECE: usize = 32;
    let server = Process::taskcast(&bench.binary, storage).await?;
    let mut connection = Connection::open(server.address).await?;
    connection.running_task("lines").await?;
    let count = 200_000 / bench.divisor;
    let piece = Bytes::from(format!("{EVENT}\n").repeat(PER_PIECE));
    let pieces = stream::iter(std::iter::repeat_n(piece, count / PER_PIECE));
    let (cpu, start) = (server.cpu()?, Instant::now());
    connection.post_lines("/tasks/lines/events", pieces).await?;
    let events = count / PER_PIECE * PER_PIECE;
    let what = format!("publish NDJSON, {}, 1 connection", storage.name());
    report.add(
        format!("{what}, rate"),
        rate(events, start.elapsed()),
        "events/s",
    );
    report.add(
        format!("{what}, CPU"),
        micros_each(server.cpu()?.saturating_sub(cpu), events),
        "µs/event",
    );
    server.stop().await
}

/// Posts one body again and again over several connections, each to a task of its own.
async fn load(
    address: SocketAddr,
    connections: usize,
    each: usize,
    body: Bytes,
    events: usize,
) -> io::Result<Load> {
    let mut publishers = Vec::new();
    for number in 0..connections {
        let mut connection = Connection::open(address).await?;
        let task = format!("load-{number}");
        connection.running_task(&task).await?;
        publishers.push((connection, format!("/tasks/{task}/events")));
    }
    let start = Instant::now();
    let mut running = JoinSet::new();
    for (mut connection, path) in publishers {
        let body = body.clone();
        running.spawn(async move {
            let mut times = Times::default();
            for _ in 0..each {
                let sent = Instant::now();
                connection.post(&path, body.clone()).await?;
                times.add(sent.elapsed());
            }
            io::Result::Ok(times)
        });
    }
    let mut times = Times::default();
    while let Some(some) = running.join_next().await {
        times.extend(some??);
    }
    Ok(Load {
        events: connections * each * events,
        took: start.elapsed(),
        times,
    })
}
