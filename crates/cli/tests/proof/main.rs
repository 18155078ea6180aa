//! Proofs: what the project promises, shown on the built binary with real processes, sockets,
//! files and kills. One binary, because each links the whole program.
//!
//! `TASKCAST_TEST_COUNTS=full` runs the full counts. What is random comes from a seed that is
//! printed; `TASKCAST_TEST_SEED` runs it again (the kernel still orders the processes).

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that tells what it counted"
)]

#[path = "../support/mod.rs"]
mod support;

mod chance;
mod counts;
mod http;
mod machine;
mod sse;

mod deadlines;
mod flat_cost;
mod guide;
mod idle;
mod kills;
mod races;
mod real_text;
mod sigterm;
mod stalled_reader;
