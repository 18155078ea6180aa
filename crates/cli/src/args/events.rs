//! Commands that write or read events.

use super::{JsonArg, ServerArgs};
use clap::Args;
use std::ffi::OsString;

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
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
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
    /// Which events are wanted.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only what follows the event with this id
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["since_index", "since_timestamp"])]
    pub since_id: Option<String>,
    /// Only what follows this position among the events that the filter lets through (with
    /// --no-follow: this index of the log); -1 shows every event on its own
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        conflicts_with = "since_timestamp"
    )]
    pub since_index: Option<i64>,
    /// Only what is later than this, in milliseconds since the Unix epoch
    #[arg(long, value_name = "MILLIS")]
    pub since_timestamp: Option<u64>,
    /// Print what there is, and end
    #[arg(long)]
    pub no_follow: bool,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tail`.
#[derive(Args, Debug)]
pub struct TailArgs {
    /// Which events are wanted.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
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
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The command to run, after `--`; its output is read instead of standard input
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
