//! `taskcast publish`: one event.

use super::show::json_value;
use crate::Failure;
use crate::args::PublishArgs;
use crate::connect::{SHORT_PATIENCE, client, failure, task_id};
use crate::output::Output;
use serde_json::json;
use std::io::{self, Read};
use taskcast_api::EventBody;
use taskcast_client::PublishAnswer;
use taskcast_core::{EventType, RawJson, SeriesId, SeriesMode};

/// The most that is read from standard input: more than a server takes by default.
const MOST_BYTES: u64 = 256 << 20;

/// Publishes an event and tells where it stands.
pub(super) async fn publish(args: &PublishArgs) -> Result<(), Failure> {
    let (id, event) = (task_id(&args.id)?, event(args)?);
    let client = client(&args.server, SHORT_PATIENCE)?;
    let answer = client.publish(&id, event).await.map_err(failure)?;
    let mut out = Output::new();
    let PublishAnswer::Stored { events, .. } = answer else {
        return match args.json.json {
            true => out.json(&json!({ "duplicate": true })),
            false => out.line("it was published before"),
        };
    };
    for event in &events {
        match args.json.json {
            true => out.json(event)?,
            false => out.line(format_args!("{} at index {}", event.id, event.index.0))?,
        }
    }
    Ok(())
}

fn event(args: &PublishArgs) -> Result<EventBody, Failure> {
    let usage =
        |flag: &str, error: &dyn std::fmt::Display| Failure::Usage(format!("{flag}: {error}"));
    Ok(EventBody {
        event_type: EventType::new(&args.event_type).map_err(|error| usage("--type", &error))?,
        level: Some(
            args.level
                .parse()
                .map_err(|error| usage("--level", &error))?,
        ),
        data: data(args.data.as_deref())?,
        series_id: args
            .series
            .as_deref()
            .map(SeriesId::new)
            .transpose()
            .map_err(|error| usage("--series", &error))?,
        series_mode: args.series_mode.as_deref().map(mode).transpose()?,
        series_acc_field: None,
    })
}

fn mode(word: &str) -> Result<SeriesMode, Failure> {
    serde_json::from_value(word.into())
        .map_err(|_| Failure::usage("--series-mode: expected keep-all, accumulate or latest"))
}

fn data(given: Option<&str>) -> Result<Option<RawJson>, Failure> {
    match given {
        Some("-") => {
            let mut text = String::new();
            io::stdin()
                .take(MOST_BYTES)
                .read_to_string(&mut text)
                .map_err(|error| Failure::Failed(format!("standard input: {error}")))?;
            json_value("standard input", Some(&text))
        }
        other => json_value("--data", other),
    }
}
