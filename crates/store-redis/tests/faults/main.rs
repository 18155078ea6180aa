//! What Redis does to a store when it crashes, is emptied, refuses, moves or is slow.
//!
//! `TASKCAST_TEST_COUNTS=full` runs the full counts.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod cluster;
mod commands;
mod crashes;
mod emptied;
mod full;
mod given;
mod outages;
mod refusals;
mod replicas;
mod secured;
