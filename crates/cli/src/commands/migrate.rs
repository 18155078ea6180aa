//! `taskcast migrate`: the schema of the PostgreSQL database, brought up to date.

use crate::args::MigrateArgs;
use crate::output::{Output, note};
use crate::{Failure, environment};
use serde_json::json;
use std::io::{self, IsTerminal};
use taskcast_config::{LongTermStorage, Overrides, ServerUrl, load};
use taskcast_embed::postgres::migrations;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Tells what is to be done, asks, and does it.
pub(super) async fn migrate(args: &MigrateArgs) -> Result<(), Failure> {
    let database = database(args)?;
    let url = database.secret().expose();
    let pending = migrations::pending(url).await.map_err(Failure::failed)?;
    if args.dry_run {
        return tell(args, &database, &pending);
    }
    if pending.is_empty() {
        return done(args, &database, &[]);
    }
    if !args.yes {
        ask(&database, &pending).await?;
    }
    let applied = migrations::run(url).await.map_err(Failure::failed)?;
    done(args, &database, &applied.names)
}

/// The database: of the flag, the environment, or the configuration.
fn database(args: &MigrateArgs) -> Result<ServerUrl, Failure> {
    const VARIABLE: &str = "TASKCAST_POSTGRES_URL";
    let request = environment::load_request(&args.config, Overrides::default());
    let named = |name: &str, text: &str| {
        let form = ServerUrl::POSTGRES_FORM;
        ServerUrl::postgres(text).map_err(|why| Failure::Usage(format!("{name}: {why}; {form}")))
    };
    if let Some(url) = &args.url {
        return named("--url", url);
    }
    if let Some(url) = request.env.get(VARIABLE).filter(|url| !url.is_empty()) {
        return named(VARIABLE, url);
    }
    let loaded = load(&request).map_err(Failure::usage)?;
    match loaded.settings.long_term.map(|it| it.store) {
        Some(LongTermStorage::Postgres(postgres)) => Ok(postgres.url),
        Some(LongTermStorage::Sqlite { .. }) | None => Err(Failure::Usage(format!(
            "no PostgreSQL database is configured: give --url, set {VARIABLE}, or configure \
             adapters.longTerm"
        ))),
    }
}

fn tell(args: &MigrateArgs, database: &ServerUrl, pending: &[String]) -> Result<(), Failure> {
    let mut out = Output::new();
    if args.json.json {
        return out.json(&json!({ "database": database, "pending": pending }));
    }
    for line in lines(database, pending) {
        out.line(line)?;
    }
    Ok(())
}

fn lines(database: &ServerUrl, pending: &[String]) -> Vec<String> {
    let mut lines = vec![format!("[taskcast] Database: {database}")];
    if pending.is_empty() {
        lines.push("[taskcast] Database is up to date.".to_owned());
    } else {
        lines.push(format!(
            "[taskcast] {} pending migration(s):",
            pending.len()
        ));
        lines.extend(pending.iter().map(|name| format!("  {name}")));
    }
    lines
}

/// Asks whoever sits there; nobody does when the input is no terminal.
async fn ask(database: &ServerUrl, pending: &[String]) -> Result<(), Failure> {
    for line in lines(database, pending) {
        note(line);
    }
    if !io::stdin().is_terminal() {
        let text = "nobody can be asked here: add --yes to run them, or --dry-run to only look";
        return Err(Failure::usage(text));
    }
    note("[taskcast] Run them? [y/N]");
    let mut answer = String::new();
    let mut input = BufReader::new(tokio::io::stdin());
    input
        .read_line(&mut answer)
        .await
        .map_err(Failure::failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::failed("nothing was migrated")),
    }
}

fn done(args: &MigrateArgs, database: &ServerUrl, applied: &[String]) -> Result<(), Failure> {
    let mut out = Output::new();
    if args.json.json {
        return out.json(&json!({ "database": database, "applied": applied }));
    }
    match applied.len() {
        0 => out.line("[taskcast] Database is up to date."),
        count => out.line(format_args!(
            "[taskcast] Applied {count} migration(s) successfully."
        )),
    }
}
