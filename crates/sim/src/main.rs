//! `taskcast-sim`: runs seeds until one breaks a promise, and says how to run it again.

use clap::Parser;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;
use taskcast_sim::{Outcome, run_memory};

/// Simulates writers, readers, restarts and crashes, and checks what everybody is told.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let (began, mut out) = (Instant::now(), io::stdout());
    let (mut events, mut acknowledged, mut faults) = (0, 0, 0);
    let last = arguments.seed.saturating_add(arguments.seeds);
    for seed in arguments.seed..last {
        let outcome = run_memory(seed)?;
        if !outcome.broken.is_empty() {
            report(&mut out, seed, &outcome)?;
            return Ok(ExitCode::FAILURE);
        }
        events += outcome.events;
        acknowledged += outcome.acknowledged;
        faults += outcome.faults;
    }
    let (seeds, took) = (arguments.seeds, began.elapsed().as_secs_f64());
    writeln!(
        out,
        "{seeds} seeds kept every promise: {events} events, {acknowledged} publishes acknowledged, {faults} faults, {took:.1} s"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn report(out: &mut impl Write, seed: u64, outcome: &Outcome) -> io::Result<()> {
    writeln!(out, "seed {seed} broke {} promises:", outcome.broken.len())?;
    for broken in outcome.broken.iter().take(20) {
        writeln!(out, "  {broken}")?;
    }
    writeln!(out, "again: taskcast-sim --seed {seed} --seeds 1")
}
