//! The command line.

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
    /// Where tasks are kept: memory or sqlite [default: sqlite]
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

/// Which server to talk to.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// The URL of the server
    #[arg(
        long,
        env = "TASKCAST_URL",
        default_value = "http://localhost:3721",
        global = true
    )]
    pub url: String,
    /// The bearer token; better given in the variable, because other users can see arguments
    #[arg(long, env = "TASKCAST_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
}

/// How data is printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct JsonArg {
    /// Print JSON: one value, or one per line
    #[arg(long)]
    pub json: bool,
}

/// What to do with tasks.
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// List tasks, newest first
    List(ListArgs),
    /// Show a task
    Get(GetArgs),
    /// Create a task
    Create(CreateArgs),
    /// Change the status of a task
    Transition(TransitionArgs),
    /// Delete a task with its events
    Delete(DeleteArgs),
}

/// `tasks list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only tasks with one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only tasks of this type; `*` stands for the words that follow
    #[arg(long = "type", value_name = "TYPE")]
    pub task_type: Option<String>,
    /// Only tasks with all of these tags, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub tags: Vec<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// The id of the task
    pub id: String,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// The id [default: a new one]
    #[arg(long)]
    pub id: Option<String>,
    /// The type; dots separate words
    #[arg(long = "type", value_name = "TYPE")]
    pub task_type: Option<String>,
    /// The input, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// Notes, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// Words to find the task by, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Seconds the task may take
    #[arg(long, value_name = "SECONDS")]
    pub ttl: Option<u64>,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks transition`.
#[derive(Args, Debug)]
pub struct TransitionArgs {
    /// The id of the task
    pub id: String,
    /// The new status: running, paused, blocked, completed, failed, timeout or cancelled
    pub status: String,
    /// What came out, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub result: Option<String>,
    /// What went wrong, as a sentence
    #[arg(long, value_name = "MESSAGE")]
    pub error: Option<String>,
    /// Why it is paused or blocked
    #[arg(long)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// The id of the task
    pub id: String,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `publish`.
#[derive(Args, Debug)]
pub struct PublishArgs {
    /// The id of the task
    pub id: String,
    /// What happened; dots separate words
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: String,
    /// The payload as JSON; `-` reads it from standard input
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
    /// How much it matters: debug, info, warn or error
    #[arg(long, default_value = "info")]
    pub level: String,
    /// The series it belongs to
    #[arg(long, requires = "series_mode")]
    pub series: Option<String>,
    /// How the series folds: keep-all, accumulate or latest
    #[arg(long, value_name = "MODE", requires = "series")]
    pub series_mode: Option<String>,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Which events are followed.
#[derive(Args, Clone, Debug)]
pub struct FilterArgs {
    /// Only these types, separated by commas; `*` stands for the words that follow
    #[arg(long, value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only these levels, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub levels: Vec<String>,
}

/// `logs`.
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// The id of the task
    pub id: String,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only what follows the event with this id
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["since_index", "since_timestamp"])]
    pub since_id: Option<String>,
    /// Only what follows this position among the events that the filter lets through
    #[arg(long, value_name = "N", conflicts_with = "since_timestamp")]
    pub since_index: Option<u64>,
    /// Only what is later than this, in milliseconds since the Unix epoch
    #[arg(long, value_name = "MILLIS")]
    pub since_timestamp: Option<u64>,
    /// Print what there is, and end
    #[arg(long)]
    pub no_follow: bool,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tail`.
#[derive(Args, Debug)]
pub struct TailArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub json: JsonArg,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `pipe`.
#[derive(Args, Debug)]
pub struct PipeArgs {
    /// The type of the task
    #[arg(long = "type", value_name = "TYPE", default_value = "pipe")]
    pub task_type: String,
    /// The series that joins the text
    #[arg(long, default_value = "output")]
    pub series: String,
    /// The id of the task [default: a new one]
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// The type of the events
    #[arg(long, value_name = "TYPE", default_value = "llm.delta")]
    pub event_type: String,
    /// One event for each line
    #[arg(long)]
    pub lines: bool,
    #[command(flatten)]
    pub server: ServerArgs,
    /// The command to run, after `--`; its output is read instead of standard input
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<std::ffi::OsString>,
}

/// `token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// The configuration file that holds the secret
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who the token is for
    #[arg(long)]
    pub sub: Option<String>,
    /// What it allows, as event:subscribe; separated by commas, or given several times
    #[arg(long, value_delimiter = ',', required = true)]
    pub scope: Vec<String>,
    /// The tasks it is good for [default: all]
    #[arg(long, value_delimiter = ',')]
    pub task_id: Vec<String>,
    /// How long it is good: seconds, or a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub expires_in: std::time::Duration,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `ping`.
#[derive(Args, Debug)]
pub struct PingArgs {
    #[command(flatten)]
    pub json: JsonArg,
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
    #[command(flatten)]
    pub start: StartArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `config reference`.
#[derive(Args, Debug)]
pub struct ReferenceArgs {
    #[command(flatten)]
    pub json: JsonArg,
}

/// `90`, `90s`, `15m`, `12h` or `7d`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let complaint = || "expected seconds, or a number with s, m, h or d".to_owned();
    let (number, unit) = match text.char_indices().last() {
        Some((_, last)) if last.is_ascii_digit() => (text, 1),
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => return Err(complaint()),
    };
    let number: u64 = number.parse().map_err(|_| complaint())?;
    match number.checked_mul(unit) {
        Some(0) => Err("a token that is never good is of no use".to_owned()),
        Some(seconds) if seconds <= 100 * 366 * 86_400 => {
            Ok(std::time::Duration::from_secs(seconds))
        }
        _ => Err("at most a hundred years".to_owned()),
    }
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

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("2m", 120), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "h", "1w", "-1", "0", "1.5h", "99999999999999999999", "999999d", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
