//! `taskcast logs` and `taskcast tail`: events as they come.

use super::show::{envelope_line, event_line};
use crate::Failure;
use crate::args::{FilterArgs, LogsArgs, ServerArgs, TailArgs};
use crate::connect::{SHORT_PATIENCE, client, failure, task_id};
use crate::output::{Output, Style, note, printable};
use serde_json::json;
use taskcast_client::{
    Client, HistoryOptions, Item, SeriesFormat, Since, SubscribeOptions, Subscriber,
};
use taskcast_core::{Level, Millis};

/// Prints the events of a task until it ends.
pub(super) async fn logs(args: &LogsArgs) -> Result<(), Failure> {
    if args.no_follow {
        return history(args).await;
    }
    let options = SubscribeOptions {
        since: since(args),
        ..options(&args.filter)?
    };
    let client = reachable(&args.server).await?;
    let subscriber = client.subscribe(&task_id(&args.id)?, options);
    print(subscriber, args.json.json, false).await
}

/// Prints the events of all tasks until it is interrupted.
pub(super) async fn tail(args: &TailArgs) -> Result<(), Failure> {
    let client = reachable(&args.server).await?;
    let subscriber = client.subscribe_all(options(&args.filter)?);
    print(subscriber, args.json.json, true).await
}

/// A client of a server that is there. Later a subscriber waits for ever for one that is not, which
/// is of no help against a wrong URL.
async fn reachable(server: &ServerArgs) -> Result<Client, Failure> {
    let client = client(server, SHORT_PATIENCE)?;
    client.health().await.map_err(failure)?;
    Ok(client)
}

async fn history(args: &LogsArgs) -> Result<(), Failure> {
    let options = HistoryOptions {
        types: words(&args.filter),
        levels: levels(&args.filter)?,
        format: SeriesFormat::Delta,
        since: since(args),
        limit: None,
    };
    let client = client(&args.server, SHORT_PATIENCE)?;
    let mut pages = client.history(&task_id(&args.id)?, options);
    let mut out = Output::new();
    while let Some(page) = pages.next_page().await.map_err(failure)? {
        for event in &page {
            match args.json.json {
                true => out.json(event)?,
                false => out.line(event_line(&out, event, false))?,
            }
        }
    }
    Ok(())
}

async fn print(mut subscriber: Subscriber, json: bool, with_task: bool) -> Result<(), Failure> {
    let mut out = Output::new();
    while let Some(item) = subscriber.next().await {
        match item.map_err(failure)? {
            Item::Event(event) if json => out.json(&*event)?,
            Item::Event(event) => out.line(envelope_line(&out, *event, with_task))?,
            Item::Gap(gap) if json => out.json(&json!({ "gap": gap }))?,
            Item::Gap(gap) => note(format_args!("events are missing here: {}", gap.reason)),
            Item::Done { reason } if json => out.json(&json!({ "done": reason }))?,
            Item::Done { reason } => {
                let done = out.styled(Style::Good, "[DONE]");
                out.line(format_args!("{done} {}", printable(&reason)))?;
            }
            Item::Reconnecting { cause, .. } => {
                note(format_args!(
                    "{}; trying again",
                    printable(&cause.to_string())
                ));
            }
        }
    }
    Ok(())
}

fn options(filter: &FilterArgs) -> Result<SubscribeOptions, Failure> {
    Ok(SubscribeOptions {
        types: words(filter),
        levels: levels(filter)?,
        ..SubscribeOptions::default()
    })
}

fn words(filter: &FilterArgs) -> Option<Vec<String>> {
    (!filter.types.is_empty()).then(|| filter.types.clone())
}

fn levels(filter: &FilterArgs) -> Result<Option<Vec<Level>>, Failure> {
    let levels = filter.levels.iter().map(|word| word.parse());
    let levels: Vec<Level> = levels
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::usage("--levels: expected debug, info, warn or error"))?;
    Ok((!levels.is_empty()).then_some(levels))
}

fn since(args: &LogsArgs) -> Since {
    match (&args.since_id, args.since_index, args.since_timestamp) {
        (Some(id), _, _) => Since::Id(id.clone()),
        (None, Some(index), _) => Since::Index(index),
        (None, None, Some(at)) => Since::Timestamp(Millis(at)),
        (None, None, None) => Since::Start,
    }
}
