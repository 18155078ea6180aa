//! `taskcast-sim`: runs seeds until one breaks a promise, and says how to run it again.

use clap::{Parser, ValueEnum};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;
use taskcast_sim::{Outcome, run_memory, run_sqlite, run_tiered};

/// Simulates writers, readers, restarts and crashes, and checks what everybody is told.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Which store is run over.
    #[arg(long, value_enum, default_value_t = Store::Memory)]
    store: Store,
}

#[derive(Clone, Copy, ValueEnum)]
enum Store {
    /// One thread, virtual time, a store with faults: a seed replays exactly.
    Memory,
    /// The same with an archive behind the store, which is away now and then.
    Tiered,
    /// Real threads and a disk that loses power.
    Sqlite,
}

impl Store {
    fn run(self, seed: u64) -> io::Result<Outcome> {
        match self {
            Self::Memory => run_memory(seed),
            Self::Tiered => run_tiered(seed),
            Self::Sqlite => run_sqlite(seed),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Tiered => "tiered",
            Self::Sqlite => "sqlite",
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let (began, mut out) = (Instant::now(), io::stdout());
    let (mut events, mut acknowledged, mut faults, mut moves) = (0, 0, 0, 0);
    let last = arguments.seed.saturating_add(arguments.seeds);
    for seed in arguments.seed..last {
        let outcome = arguments.store.run(seed)?;
        if !outcome.broken.is_empty() {
            report(&mut out, seed, arguments.store, &outcome)?;
            return Ok(ExitCode::FAILURE);
        }
        events += outcome.events;
        acknowledged += outcome.acknowledged;
        faults += outcome.faults;
        moves += outcome.moves;
    }
    let (seeds, took) = (arguments.seeds, began.elapsed().as_secs_f64());
    writeln!(
        out,
        "{}: {seeds} seeds kept every promise: {events} events, {acknowledged} publishes acknowledged, {faults} faults, {moves} moves between tiers, {took:.1} s",
        arguments.store.name()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn report(out: &mut impl Write, seed: u64, store: Store, outcome: &Outcome) -> io::Result<()> {
    writeln!(out, "seed {seed} broke {} promises:", outcome.broken.len())?;
    for broken in outcome.broken.iter().take(20) {
        writeln!(out, "  {broken}")?;
    }
    let store = store.name();
    writeln!(
        out,
        "again: taskcast-sim --store {store} --seed {seed} --seeds 1"
    )
}
