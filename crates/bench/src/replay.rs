//! Late joiners: what they wait for at 100 000 events.

use crate::http::Connection;
use crate::process::Process;
use crate::readers::Reader;
use crate::report::Report;
use crate::stats::rate;
use crate::{Bench, Storage};
use std::io;
use std::time::Instant;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> io::Result<()> {
    for storage in Storage::ALONE {
        let server = Process::taskcast(&bench.binary, &storage).await?;
        let count = 100_000 / bench.divisor;
        let plain = r#"{"type":"step","data":{"n":1}}"#;
        let token = r#"{"type":"llm.delta","data":{"delta":" token"},"seriesId":"s","seriesMode":"accumulate"}"#;
        fill(&server, "plain", plain, count).await?;
        fill(&server, "tokens", token, count).await?;
        let name = storage.name();

        let start = Instant::now();
        let mut reader = Reader::subscribe(server.address, "plain", "").await?;
        reader.read_events(count).await?;
        let what = format!("replay of {count} plain events, {name}");
        report.add(what, rate(count, start.elapsed()), "events/s");

        let start = Instant::now();
        let mut reader = Reader::subscribe(server.address, "tokens", "includeStatus=false").await?;
        reader.read_events(1).await?;
        let what = format!("late join at {count} tokens with a filter, {name}");
        report.add(what, start.elapsed().as_secs_f64() * 1e3, "ms");

        let start = Instant::now();
        let mut reader = Reader::subscribe(server.address, "tokens", "").await?;
        reader.read_events(2).await?;
        let what = format!("late join at {count} tokens, {name}");
        report.add(what, start.elapsed().as_secs_f64() * 1e3, "ms");
        server.stop().await?;
    }
    Ok(())
}

async fn fill(server: &Process, task: &str, event: &str, count: usize) -> io::Result<()> {
    const PER_BATCH: usize = 1_000;
    let mut connection = Connection::open(server.address).await?;
    connection.running_task(task).await?;
    let body = format!("[{}]", [event; PER_BATCH].join(","));
    let path = format!("/tasks/{task}/events");
    for _ in 0..count / PER_BATCH {
        connection.post(&path, body.clone().into()).await?;
    }
    Ok(())
}
