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
//!
//! ```
//! use clap::Parser;
//! use taskcast_cli::Cli;
//!
//! // Without a command a server is started.
//! let cli = Cli::try_parse_from(["taskcast", "--port", "8080", "--storage", "memory"])?;
//! assert!(cli.command.is_none());
//! assert_eq!(cli.start.overrides().port, Some(8080));
//! # Ok::<(), clap::Error>(())
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
