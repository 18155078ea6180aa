//! The laws of this repository, each a test, so that a checkout and the build server agree on
//! them. A broken law is reported as `file:line: what is wrong`, with what to do about it.

#![expect(clippy::expect_used, reason = "all of this is a test")]

mod crates;
mod masked;
mod repository;
mod source;
mod text;
mod words;
