//! Proofs about several instances: real servers of every kind, real faults, and readers and writers
//! that change the instance all the time.
//!
//! `TASKCAST_TEST_COUNTS=full` runs the full counts. What is random comes from a seed that is
//! printed; `TASKCAST_TEST_SEED` runs it again (the kernel still orders the processes).

#![cfg(unix)]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that tells what it counted, with parts that other tests use"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../proof/chance.rs"]
mod chance;
#[path = "../proof/counts.rs"]
mod counts;
#[path = "../proof/http.rs"]
mod http;
#[path = "../proof/sse.rs"]
mod sse;

mod crowd;
mod publisher;
mod subscriber;
mod world;

mod commands;
mod faults;
mod losses;
mod outage;
mod rolling;
mod steady;
