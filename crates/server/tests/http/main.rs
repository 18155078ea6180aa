//! The HTTP surface, from outside: through the router, and through real sockets where they matter.
//!
//! Every answer that a test sees is checked against the OpenAPI document at the moment it comes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a story that cannot go on is a failed test"
)]

mod admin;
mod anything;
mod archives;
mod auth;
mod compat;
mod dependencies;
mod docs;
mod everything;
mod faults;
mod history;
mod hostile;
mod limits;
mod lists;
mod logs;
mod matrix;
mod ndjson;
mod nested;
mod once;
mod openapi;
mod origins;
mod resume;
mod shutdown;
mod sockets;
mod sse;
mod storage;
mod stories;
mod support;
mod tasks;
mod tickets;
mod vectors;
