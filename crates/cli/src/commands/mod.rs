//! The commands of the program.

mod config;
mod token;

use crate::args::Command;
use crate::{Cli, Failure, start};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => start::start(&cli.start),
        Some(Command::Start(args)) => start::start(&args),
        Some(Command::Token(args)) => token::token(&args),
        Some(Command::Config(command)) => config::config(&command),
        _ => Ok(()),
    }
}
