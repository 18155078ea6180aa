//! Measures a Taskcast server that runs as its own process, over loopback, and beside it the
//! floors of the machine: what a bare HTTP server, raw socket writes and bare syncs reach here.
//!
//! See `docs/benchmark.md`.

mod fan_out;
mod floors;
mod http;
mod idle;
mod process;
mod publish;
mod readers;
mod replay;
mod report;
mod series;
mod shared;
mod startup;
mod stats;

use clap::{Parser, Subcommand};
use process::{Binary, Storage};
use report::Report;
use std::io;
use std::path::PathBuf;

/// Measures a Taskcast server against the floors of this machine.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The server to measure; without it the `taskcast` beside this program.
    #[arg(long)]
    server: Option<PathBuf>,
    /// A fifth of the work: a look, not a measurement.
    #[arg(long)]
    quick: bool,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only parts whose name contains this: publish, fan-out, series, replay, idle, startup, shared.
    #[arg(long)]
    only: Option<String>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// Floors that have to be processes of their own; started by the benchmark itself.
#[derive(Subcommand)]
#[command(hide = true)]
enum Part {
    /// A bare HTTP server that reads a body and answers 201.
    FloorHttp,
    /// Writes pre-encoded frames to every connection, as fast as they are taken.
    FloorFrames {
        /// How many connections to wait for.
        #[arg(long)]
        connections: usize,
        /// How many frames each gets.
        #[arg(long)]
        frames: usize,
    },
}

/// What every part of the benchmark needs.
struct Bench {
    binary: Binary,
    itself: Binary,
    /// How much of the full work to do: 1 or 5 divides counts.
    divisor: usize,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let open_files = rlimit::increase_nofile_limit(u64::MAX)?;
    match args.part {
        Some(Part::FloorHttp) => return floors::http_server().await,
        Some(Part::FloorFrames {
            connections,
            frames,
        }) => {
            return floors::frame_server(connections, frames).await;
        }
        None => {}
    }
    let itself = Binary::itself()?;
    let binary = args
        .server
        .map_or_else(|| itself.sibling("taskcast"), |path| Ok(Binary(path)))?;
    let bench = Bench {
        binary,
        itself,
        divisor: if args.quick { 5 } else { 1 },
    };
    let mut report = Report::new(open_files);
    let wanted = |name: &str| args.only.as_deref().is_none_or(|only| name.contains(only));
    if wanted("publish") {
        publish::measure(&bench, &mut report).await?;
    }
    if wanted("fan-out") {
        fan_out::measure(&bench, &mut report, open_files).await?;
    }
    if wanted("series") {
        series::measure(&bench, &mut report).await?;
    }
    if wanted("replay") {
        replay::measure(&bench, &mut report).await?;
    }
    if wanted("idle") {
        idle::measure(&bench, &mut report, open_files).await?;
    }
    if wanted("startup") {
        startup::measure(&bench, &mut report).await?;
    }
    if wanted("shared") {
        shared::measure(&bench, &mut report).await?;
    }
    if let Some(path) = args.json {
        std::fs::write(path, report.json()?)?;
    }
    Ok(())
}
