//! The commands of the program.

mod config;
mod follow;
mod migrate;
mod ping;
mod publish;
mod show;
mod tasks;
mod token;

use crate::args::Command;
use crate::{Cli, Failure, pipe, start};
use std::future::Future;
use tokio::runtime::Builder;

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => start::start(&cli.start),
        Some(Command::Start(args)) => start::start(&args),
        Some(Command::Tasks(command)) => block_on(tasks::tasks(&command)),
        Some(Command::Publish(args)) => block_on(publish::publish(&args)),
        Some(Command::Logs(args)) => block_on(follow::logs(&args)),
        Some(Command::Tail(args)) => block_on(follow::tail(&args)),
        Some(Command::Pipe(args)) => block_on(pipe::pipe(&args)),
        Some(Command::Token(args)) => token::token(&args),
        Some(Command::Migrate(args)) => block_on(migrate::migrate(&args)),
        Some(Command::Ping(args)) => block_on(ping::ping(&args)),
        Some(Command::Config(command)) => config::config(&command),
    }
}

/// Runs a command that talks to a server.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no runtime could be started: {error}")))?;
    let outcome = runtime.block_on(command);
    // A read of standard input that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    outcome
}
