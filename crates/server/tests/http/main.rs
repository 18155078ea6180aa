//! The HTTP surface, from outside: through the router, and through real sockets where they matter.
//!
//! Every answer that a test sees is checked against the OpenAPI document at the moment it comes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a story that cannot go on is a failed test"
)]

mod auth;
mod compat;
mod docs;
mod faults;
mod hostile;
mod limits;
mod ndjson;
mod nested;
mod once;
mod openapi;
mod shutdown;
mod sockets;
mod sse;
mod support;
mod tasks;
mod vectors;
