//! The cost of a token along a long stream: flat, or the design is wrong.

use crate::http::Connection;
use crate::process::Process;
use crate::readers::open_many;
use crate::report::Report;
use crate::stats::{median, micros_each};
use crate::{Bench, Storage};
use std::io;
use tokio::task::JoinSet;

const TOKENS: usize = 20_000;
const VIEWERS: usize = 4;
const STREAMS: usize = 5;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> io::Result<()> {
    for storage in Storage::ALONE {
        let server = Process::taskcast(&bench.binary, &storage).await?;
        let mut deciles: Vec<Vec<f64>> = vec![Vec::new(); 10];
        for stream in 0..=STREAMS {
            let costs = one_stream(&server, &format!("stream-{stream}")).await?;
            // The first stream warms up.
            if stream > 0 {
                deciles
                    .iter_mut()
                    .zip(costs)
                    .for_each(|(all, cost)| all.push(cost));
            }
        }
        let medians: Vec<f64> = deciles.into_iter().map(median).collect();
        let what = format!(
            "token of {TOKENS} with {VIEWERS} viewers, {}",
            storage.name()
        );
        for (decile, cost) in medians.iter().enumerate() {
            report.add(
                format!("{what}, tenth {}, CPU", decile + 1),
                *cost,
                "µs/token",
            );
        }
        if let [first, .., last] = medians[..] {
            report.compare(
                format!("{what}, last tenth to first"),
                last,
                "µs/token",
                first,
            );
        }
        server.stop().await?;
    }
    Ok(())
}

/// Publishes a stream in batches of ten and gives the server's cost per token of each tenth.
async fn one_stream(server: &Process, task: &str) -> io::Result<Vec<f64>> {
    const PER_BATCH: usize = 10;
    let event = r#"{"type":"llm.delta","data":{"delta":" token"},"seriesId":"s","seriesMode":"accumulate"}"#;
    let body = format!("[{}]", [event; PER_BATCH].join(","));
    let path = format!("/tasks/{task}/events");
    let mut publisher = Connection::open(server.address).await?;
    publisher.running_task(task).await?;
    let readers = open_many(server.address, task, "includeStatus=false", VIEWERS).await?;
    let mut reading = JoinSet::new();
    for mut reader in readers {
        reading.spawn(async move { reader.read_events(TOKENS).await });
    }
    let mut costs = Vec::new();
    for _ in 0..10 {
        let before = server.cpu()?;
        for _ in 0..TOKENS / 10 / PER_BATCH {
            publisher.post(&path, body.clone().into()).await?;
        }
        costs.push(micros_each(
            server.cpu()?.saturating_sub(before),
            TOKENS / 10,
        ));
    }
    while let Some(read) = reading.join_next().await {
        read??;
    }
    publisher.change(task, "completed").await?;
    Ok(costs)
}
