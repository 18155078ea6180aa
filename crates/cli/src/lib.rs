//! The taskcast binary: configuration, composition and commands.
//!
//! This is the only crate that looks at the process: its arguments, environment, files and
//! signals; and the only one that names concrete stores.
//!
//! ```text
//!   args ──┬─▶ start:  settings ─▶ compose (store, engine, access) ─▶ listen ─▶ serve until told
//!          ├─▶ pipe:   input ─▶ text ─▶ producer stream of the client ─▶ the end of the task
//!          └─▶ others: one request or one stream of the client, printed
//! ```

pub mod args;
mod commands;
mod connect;
mod environment;
mod failure;
mod output;
mod pipe;
pub mod start;

pub use args::Cli;
pub use failure::Failure;

use clap::Parser;
use std::process::ExitCode;

/// The version that the program tells.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the program: reads the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure);
            failure.exit_code()
        }
    }
}
