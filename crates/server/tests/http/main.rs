//! The HTTP surface, from outside: through the router, and through real sockets where they matter.
//!
//! Every answer that a test sees is checked against the OpenAPI document at the moment it comes.

mod auth;
mod compat;
mod docs;
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
