//! `taskcast tasks`.

use super::{JsonArg, ServerArgs};
use clap::{Args, Subcommand};

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
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// The id of the task
    pub id: String,
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
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
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
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
    /// How it is printed.
    #[command(flatten)]
    pub json: JsonArg,
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `tasks delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// The id of the task
    pub id: String,
    /// The server to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}
