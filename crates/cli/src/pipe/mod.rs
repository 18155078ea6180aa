//! `taskcast pipe`: standard input, or a command's output, becomes a task, event by event.
//!
//! ```text
//!   input ──▶ text ──▶ producer stream ──▶ the end of the task
//!   reads what is there    each piece once, whatever breaks    by exit status, or cancelled
//! ```
//!
//! The input is read only when the piece before it was taken, so memory is bounded and a fast
//! writer waits.

mod command;
mod input;
mod progress;
mod text;

use crate::Failure;
use crate::args::PipeArgs;
use crate::connect::{client, events_url, failure, task_id};
use crate::output::note;
use crate::start::signals::Signals;
use command::Running;
use input::Input;
use progress::Progress;
use serde_json::json;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;
use taskcast_api::{CreateTask, ErrorCode, EventBody};
use taskcast_client::{Client, ClientError, Producer, ProducerStream};
use taskcast_core::{
    EventType, RawJson, SeriesId, SeriesMode, Status, TaskError, TaskId, Transition,
};
use tokio::io::AsyncRead;

/// How long a server that is restarted may stay away before the task exists. After that the
/// producer's own patience counts.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pipes the input into a task, and ends the task as the input ends.
pub(crate) async fn pipe(args: &PipeArgs) -> Result<(), Failure> {
    let shape = Shape::of(args)?;
    let mut signals = Signals::listen()
        .map_err(|error| Failure::Failed(format!("signals cannot be listened to: {error}")))?;
    let stream = tokio::select! {
        stream = open(args) => stream?,
        _ = signals.next() => return Err(Failure::Silent(130)),
    };
    let mut piping = Piping {
        stream,
        shape,
        progress: Progress::new(),
    };
    let ending = match args.command.as_slice() {
        [] => {
            let input = Input::new(tokio::io::stdin(), args.lines);
            piping.stdin(input, &mut signals).await
        }
        words => match Running::start(words) {
            Ok((running, output)) => {
                let input = Input::new(output, args.lines);
                piping.command(running, input, &mut signals).await
            }
            Err(error) => Ok(Ending::NotStarted(error)),
        },
    };
    match ending {
        Ok(ending) => piping.end(ending, &mut signals).await,
        Err(error) => {
            piping.progress.end("broken off");
            Err(failure(error))
        }
    }
}

/// Creates the task and tells where it is, sets it running, and opens the stream of its events.
async fn open(args: &PipeArgs) -> Result<ProducerStream, Failure> {
    let client = client(&args.server, PATIENCE)?;
    let task = open_task(&client, args).await?;
    note(format_args!("task {task}"));
    note(format_args!("events {}", events_url(&args.server, &task)));
    begin(&client, &task).await.map_err(failure)
}

/// Creates the task. One that was named and exists already is taken as it is.
async fn open_task(client: &Client, args: &PipeArgs) -> Result<TaskId, Failure> {
    let id = args.task.as_deref().map(task_id).transpose()?;
    let create = CreateTask {
        id: id.clone(),
        task_type: Some(EventType::new(&args.task_type).map_err(Failure::usage)?),
        ..CreateTask::default()
    };
    match (client.create_task(&create).await, id) {
        (Ok(task), _) => Ok(task.id),
        (Err(error), Some(id)) if error.code() == Some(ErrorCode::TaskExists) => Ok(id),
        (Err(error), _) => Err(failure(error)),
    }
}

/// Sets the task running, unless it runs, and opens the stream of its events.
async fn begin(client: &Client, task: &TaskId) -> Result<ProducerStream, ClientError> {
    let mut producer = Producer::new(client, task)?;
    let status = client.get_task(task).await?.task.status;
    if status != Status::Running {
        // Numbered like the events: a repetition after a cut is no second transition.
        producer
            .finish_with(Vec::new(), Transition::to(Status::Running))
            .await?;
    }
    producer.stream().await
}

/// How a piece becomes an event.
struct Shape {
    event_type: EventType,
    series: SeriesId,
}

impl Shape {
    fn of(args: &PipeArgs) -> Result<Self, Failure> {
        Ok(Self {
            event_type: EventType::new(&args.event_type).map_err(Failure::usage)?,
            series: SeriesId::new(&args.series).map_err(Failure::usage)?,
        })
    }

    fn event(&self, piece: &str) -> EventBody {
        EventBody {
            event_type: self.event_type.clone(),
            level: None,
            // Text always has a JSON form.
            data: RawJson::from_value(&json!({ "delta": piece })).ok(),
            series_id: Some(self.series.clone()),
            series_mode: Some(SeriesMode::Accumulate),
            series_acc_field: None,
        }
    }
}

/// Why the input is over.
enum Ending {
    Eof,
    Exited(ExitStatus),
    NotStarted(io::Error),
    Unreadable(io::Error),
    Interrupted,
}

struct Piping {
    stream: ProducerStream,
    shape: Shape,
    progress: Progress,
}

impl Piping {
    async fn stdin(
        &mut self,
        input: Input<impl AsyncRead + Unpin>,
        signals: &mut Signals,
    ) -> Result<Ending, ClientError> {
        tokio::select! {
            ending = self.drain(input) => ending,
            _ = signals.next() => Ok(Ending::Interrupted),
        }
    }

    /// The command is over when its output is, and it has ended.
    async fn command(
        &mut self,
        mut running: Running,
        input: Input<impl AsyncRead + Unpin>,
        signals: &mut Signals,
    ) -> Result<Ending, ClientError> {
        let to_the_end = async {
            match self.drain(input).await? {
                Ending::Eof => Ok(match running.wait().await {
                    Ok(status) => Ending::Exited(status),
                    Err(error) => Ending::Unreadable(error),
                }),
                other => Ok(other),
            }
        };
        let ending = tokio::select! {
            ending = to_the_end => ending,
            _ = signals.next() => Ok(Ending::Interrupted),
        };
        if !matches!(ending, Ok(Ending::Exited(_))) {
            running.stop().await;
        }
        ending
    }

    /// Sends piece after piece.
    async fn drain(
        &mut self,
        mut input: Input<impl AsyncRead + Unpin>,
    ) -> Result<Ending, ClientError> {
        loop {
            let piece = {
                let mut next = pin!(input.next());
                loop {
                    tokio::select! {
                        piece = next.as_mut() => break piece,
                        () = self.progress.tick() => {}
                    }
                }
            };
            let piece = match piece {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(Ending::Eof),
                Err(error) => return Ok(Ending::Unreadable(error)),
            };
            let mut sending = pin!(self.stream.send(self.shape.event(&piece)));
            loop {
                tokio::select! {
                    sent = sending.as_mut() => break sent?,
                    () = self.progress.tick() => {}
                }
            }
            self.progress.sent(piece.len());
        }
    }

    /// Ends the task; everything that was sent is stored then. A signal breaks this off.
    async fn end(self, ending: Ending, signals: &mut Signals) -> Result<(), Failure> {
        let (transition, code) = outcome(&ending);
        let (status, error) = (transition.to, transition.error.clone());
        let Self {
            stream, progress, ..
        } = self;
        let finished = tokio::select! {
            finished = stream.finish(transition) => finished,
            _ = signals.next() => {
                progress.end("broken off");
                return Err(Failure::Silent(130));
            }
        };
        finished.map_err(failure)?;
        progress.end(status.as_str());
        if let Some(error) = error {
            note(error.message);
        }
        match code {
            0 => Ok(()),
            code => Err(Failure::Silent(code)),
        }
    }
}

/// How the task ends, and the exit code.
fn outcome(ending: &Ending) -> (Transition, u8) {
    let failed = |code: &str, message: String| Transition {
        error: Some(TaskError {
            code: Some(code.to_owned()),
            message,
            details: None,
        }),
        ..Transition::to(Status::Failed)
    };
    match ending {
        Ending::Eof => (Transition::to(Status::Completed), 0),
        Ending::Exited(status) if status.success() => {
            let result = RawJson::from_value(&json!({ "exitCode": 0 })).ok();
            let completed = Transition {
                result,
                ..Transition::to(Status::Completed)
            };
            (completed, 0)
        }
        Ending::Exited(status) => (
            failed("exit_status", command::words(*status)),
            command::code(*status),
        ),
        Ending::NotStarted(error) => (
            failed(
                "not_started",
                format!("the command could not be started: {error}"),
            ),
            127,
        ),
        Ending::Unreadable(error) => (
            failed("input", format!("the input could not be read: {error}")),
            1,
        ),
        Ending::Interrupted => (Transition::to(Status::Cancelled), 130),
    }
}
