//! Hints through Redis: they arrive, and losing them is told.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod cluster;
mod given;
mod server;
