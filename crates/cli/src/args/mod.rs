//! The command line.

mod events;
mod tasks;
mod token;

pub use events::{FilterArgs, LogsArgs, PipeArgs, PublishArgs, TailArgs};
pub use tasks::{CreateArgs, DeleteArgs, GetArgs, ListArgs, TasksCommand, TransitionArgs};
pub use token::TokenArgs;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use taskcast_config::{LogLevel, Overrides};

/// Tracks long-running tasks, takes their events, and streams them to any number of viewers.
#[derive(Debug, Parser)]
#[command(
    name = "taskcast",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Without a command, `taskcast` starts a server.\n\
                  Exit codes: 0 success, 1 failure, 2 wrong usage or configuration."
)]
pub struct Cli {
    /// The command; `start` where none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The arguments of `start`.
    #[command(flatten)]
    pub start: StartArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a server (the default command)
    Start(StartArgs),
    /// List, show, create, change and delete tasks
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// Publish an event
    Publish(PublishArgs),
    /// Follow the events of a task
    Logs(LogsArgs),
    /// Follow the events of all tasks
    Tail(TailArgs),
    /// Turn standard input, or a command's output, into a task, event by event
    Pipe(PipeArgs),
    /// Sign a bearer token with the configured secret
    Token(TokenArgs),
    /// Bring the schema of the PostgreSQL database up to date
    Migrate(MigrateArgs),
    /// Ask whether a server is there
    Ping(PingArgs),
    /// Check the configuration, or show what can be configured
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// How a server is started. Each of these wins over environment and file.
#[derive(Args, Clone, Debug, Default)]
pub struct StartArgs {
    /// The configuration file [default: taskcast.config.{yaml,yml,json} here, then in ~/.taskcast]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The TCP port; 0 takes any free one [default: 3721]
    #[arg(short, long)]
    pub port: Option<u16>,
    /// The address or name to listen on [default: this machine only, or all with auth jwt]
    #[arg(long)]
    pub host: Option<String>,
    /// Where tasks are kept: memory, sqlite or redis [default: redis with a Redis URL, else sqlite]
    #[arg(short, long, value_name = "MODE")]
    pub storage: Option<String>,
    /// The database file of sqlite [default: ./taskcast.db]
    #[arg(long, value_name = "PATH")]
    pub db_path: Option<PathBuf>,
    /// Log every request
    #[arg(short, long)]
    pub verbose: bool,
}

impl StartArgs {
    /// What these say over environment and file.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            port: self.port,
            host: self.host.clone(),
            storage: self.storage.clone(),
            db_path: self.db_path.clone(),
            log_level: self.verbose.then_some(LogLevel::Debug),
        }
    }
}

/// Where a server listens unless it is told otherwise.
const DEFAULT_URL: &str = "http://localhost:3721";

/// Which server to talk to.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// The URL of the server
    #[arg(
        long,
        env = "TASKCAST_URL",
        default_value = DEFAULT_URL,
        global = true
    )]
    pub url: String,
    /// The bearer token; better given in the variable, because other users can see arguments
    #[arg(long, env = "TASKCAST_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
}

impl ServerArgs {
    /// The URL; an empty variable counts as unset.
    #[must_use]
    pub fn url(&self) -> &str {
        match self.url.as_str() {
            "" => DEFAULT_URL,
            url => url,
        }
    }
}

/// How data is printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct JsonArg {
    /// Print JSON: one value, or one per line
    #[arg(long)]
    pub json: bool,
}

/// `migrate`.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// The database; better given in TASKCAST_POSTGRES_URL, because other users can see arguments
    /// [default: as `start` would use]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The configuration file [default: taskcast.config.{yaml,yml,json} here, then in ~/.taskcast]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Only tell what would be done
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `ping`.
#[derive(Args, Debug)]
pub struct PingArgs {
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Load the configuration as `start` would, and show what it comes to, secrets redacted
    Check(CheckArgs),
    /// Show every key that can be configured
    Reference(ReferenceArgs),
}

/// `config check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// What would be given to `start`.
    #[command(flatten)]
    pub start: StartArgs,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `config reference`.
#[derive(Args, Debug)]
pub struct ReferenceArgs {
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn start_is_the_default_command() {
        let bare = Cli::try_parse_from(["taskcast", "-p", "1", "-v"]).unwrap();
        assert!(bare.command.is_none());
        assert_eq!(bare.start.overrides().port, Some(1));
        let named = Cli::try_parse_from(["taskcast", "start", "-p", "1"]).unwrap();
        assert!(matches!(named.command, Some(Command::Start(args)) if args.port == Some(1)));
        assert!(Cli::try_parse_from(["taskcast", "-p", "1", "ping"]).is_err());
    }
}
