//! What the stories about the HTTP surface are told with: a world with a router in it, requests,
//! streams, and a real server.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "each test file uses its own part of this"
)]

pub mod ask;
pub mod auth;
pub mod documented;
pub mod server;
pub mod sockets;
pub mod steps;
pub mod stream;
pub mod world;

pub use ask::{Answer, Ask, delete, get, patch, post};
pub use auth::{SECRET, claims, token};
pub use serde_json::{Value, json};
pub use server::Server;
pub use stream::{Frame, Stream};
pub use world::{Given, START, World, given, world};
