//! `taskcast tasks`: one request each.

use super::show::{json_object, task_line, task_lines};
use crate::Failure;
use crate::args::{
    CreateArgs, DeleteArgs, GetArgs, JsonArg, ListArgs, TasksCommand, TransitionArgs,
};
use crate::connect::{SHORT_PATIENCE, client, failure, task_id};
use crate::output::Output;
use std::fmt::Display;
use taskcast_api::{CreateTask, Task, TaskError, TransitionTask};
use taskcast_client::ListOptions;
use taskcast_core::{EventType, Status, Tag};

/// Does what is asked about tasks.
pub(super) async fn tasks(command: &TasksCommand) -> Result<(), Failure> {
    match command {
        TasksCommand::List(args) => list(args).await,
        TasksCommand::Get(args) => get(args).await,
        TasksCommand::Create(args) => create(args).await,
        TasksCommand::Transition(args) => transition(args).await,
        TasksCommand::Delete(args) => delete(args).await,
    }
}

async fn list(args: &ListArgs) -> Result<(), Failure> {
    const MOST_PER_PAGE: usize = 1_000;
    let options = ListOptions {
        statuses: args
            .status
            .iter()
            .map(|word| status(word))
            .collect::<Result<_, _>>()?,
        types: args.task_type.iter().cloned().collect(),
        tags: args.tags.clone(),
        limit: u64::try_from(args.limit.clamp(1, MOST_PER_PAGE)).ok(),
    };
    let mut pages = client(&args.server, SHORT_PATIENCE)?.tasks(options);
    let (mut left, mut out) = (args.limit, Output::new());
    while left > 0
        && let Some(page) = pages.next_page().await.map_err(failure)?
    {
        for view in page.iter().take(left) {
            match args.json.json {
                true => out.json(view)?,
                false => out.line(task_line(&out, &view.task))?,
            }
        }
        left = left.saturating_sub(page.len());
    }
    Ok(())
}

async fn get(args: &GetArgs) -> Result<(), Failure> {
    let id = task_id(&args.id)?;
    let view = client(&args.server, SHORT_PATIENCE)?
        .get_task(&id)
        .await
        .map_err(failure)?;
    let mut out = Output::new();
    if args.json.json {
        return out.json(&view);
    }
    for line in task_lines(&out, &view.task) {
        out.line(line)?;
    }
    out.line(format_args!(
        "{:<10} {}",
        "followers", view.subscriber_count
    ))
}

async fn create(args: &CreateArgs) -> Result<(), Failure> {
    let task = CreateTask {
        id: args.id.as_deref().map(task_id).transpose()?,
        task_type: args
            .task_type
            .as_deref()
            .map(EventType::new)
            .transpose()
            .map_err(Failure::usage)?,
        params: json_object("--params", args.params.as_deref())?,
        metadata: json_object("--metadata", args.metadata.as_deref())?,
        ttl: args.ttl,
        tags: args
            .tags
            .iter()
            .map(Tag::new)
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)?,
        ..CreateTask::default()
    };
    let client = client(&args.server, SHORT_PATIENCE)?;
    let task = client.create_task(&task).await.map_err(failure)?;
    print(&task, args.json, task.id.as_str())
}

async fn transition(args: &TransitionArgs) -> Result<(), Failure> {
    let id = task_id(&args.id)?;
    let change = TransitionTask {
        status: status(&args.status)?,
        result: json_object("--result", args.result.as_deref())?,
        error: args.error.clone().map(|message| TaskError {
            code: None,
            message,
            details: None,
        }),
        reason: args.reason.clone(),
        ttl: None,
        resume_after_ms: None,
        blocked_request: None,
    };
    let client = client(&args.server, SHORT_PATIENCE)?;
    let task = client.transition(&id, change).await.map_err(failure)?;
    print(
        &task,
        args.json,
        format_args!("{} is {}", task.id, task.status.as_str()),
    )
}

async fn delete(args: &DeleteArgs) -> Result<(), Failure> {
    let id = task_id(&args.id)?;
    let client = client(&args.server, SHORT_PATIENCE)?;
    client.delete_task(&id).await.map_err(failure)
}

fn print(task: &Task, json: JsonArg, plain: impl Display) -> Result<(), Failure> {
    match json.json {
        true => Output::new().json(task),
        false => Output::new().line(plain),
    }
}

fn status(word: &str) -> Result<Status, Failure> {
    word.parse().map_err(|_| {
        let known: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        Failure::Usage(format!(
            "{word:?} is no status; expected {}",
            known.join(", ")
        ))
    })
}
