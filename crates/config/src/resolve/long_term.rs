//! Where every task is kept for good.
//!
//! The configured provider; or else PostgreSQL when there is a URL of one (but not when only a
//! variable names it and somebody chose storage `sqlite`), or a file when there is a path.

use super::idle::are_idle;
use super::secrets::Either;
use super::{Context, problem_at, storage};
use crate::ServerUrl;
use crate::draft::{Draft, Layer};
use crate::model::{Config, LongTermProvider, Secret};
use crate::settings::{HotRetention, LongTerm, LongTermStorage, PostgresSettings, Storage};
use std::path::PathBuf;
use std::time::Duration;

const PROVIDER: &str = "adapters.longTerm.provider";
const URL: &str = "adapters.longTerm.url";
const URL_FILE: &str = "adapters.longTerm.urlFile";
const PATH: &str = "adapters.longTerm.path";
const MAX_CONNECTIONS: &str = "adapters.longTerm.maxConnections";
const AUTO_MIGRATE: &str = "adapters.longTerm.autoMigrate";

/// The long-term store: outer `None` after a problem.
pub(super) fn resolve(
    config: &Config,
    storage: Option<&Storage>,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Option<LongTerm>> {
    let sections = ["adapters.longTerm", "longTerm", "storageLifecycle"];
    if !sections.iter().all(|section| draft.is_sound(section)) {
        return None;
    }
    // What the short-term store is has been complained about already.
    let storage = storage?;
    let Some(provider) = provider(config, storage, draft)? else {
        without(config, draft);
        return Some(None);
    };
    let chooser = [PROVIDER, URL, URL_FILE, PATH]
        .iter()
        .find_map(|key| draft.place(key))
        .cloned();
    let (store, chosen, unused): (_, _, &[&str]) = match provider {
        LongTermProvider::Postgres => (
            postgres(config, context, draft),
            "long-term store postgres",
            &[PATH],
        ),
        LongTermProvider::Sqlite => (
            sqlite(config, storage, context, draft),
            "long-term store sqlite",
            &[URL, URL_FILE, MAX_CONNECTIONS, AUTO_MIGRATE],
        ),
    };
    if provider == LongTermProvider::Sqlite && config.adapters.long_term.auto_migrate {
        skip_migration(draft);
    }
    let fine = are_idle(unused, chosen, chooser.as_ref(), draft);
    let lifecycle = &config.storage_lifecycle;
    let long_term = LongTerm {
        store: store?,
        max_backlog_bytes: config.long_term.max_backlog_bytes,
        lease_ttl: Duration::from_secs(lifecycle.storage_lock_ttl_seconds),
        retention: retention(config, storage, draft),
    };
    fine.then_some(Some(long_term))
}

/// Which store; outer `None` after a problem.
fn provider(
    config: &Config,
    storage: &Storage,
    draft: &mut Draft,
) -> Option<Option<LongTermProvider>> {
    if let Some(provider) = config.adapters.long_term.provider {
        return Some(Some(provider));
    }
    let url = [URL, URL_FILE]
        .into_iter()
        .find(|key| draft.place(key).is_some());
    let path = draft.place(PATH).is_some();
    match (url, path) {
        (Some(key), true) if draft.layer(key) == draft.layer(PATH) => {
            let message = "a path of SQLite and a URL of PostgreSQL are given, and no provider";
            draft.problem(problem_at(draft, PATH, message).hint(format!("set {PROVIDER}")));
            None
        }
        (Some(key), _) if is_bystander(key, storage, draft) => {
            let place = draft.place(key).map(ToString::to_string);
            draft.warnings.push(format!(
                "{} is set, but storage sqlite does not use it unless {PROVIDER} is postgres",
                place.unwrap_or_default()
            ));
            Some(path.then_some(LongTermProvider::Sqlite))
        }
        (Some(_), _) => Some(Some(LongTermProvider::Postgres)),
        (None, true) => Some(Some(LongTermProvider::Sqlite)),
        (None, false) => Some(None),
    }
}

/// A URL that lies in the environment while somebody chose to keep everything in a file.
fn is_bystander(key: &str, storage: &Storage, draft: &Draft) -> bool {
    let sqlite = matches!(storage, Storage::Sqlite { .. });
    sqlite && storage::is_chosen(draft) && draft.layer(key) == Layer::Variable
}

fn postgres(config: &Config, context: &Context<'_>, draft: &mut Draft) -> Option<LongTermStorage> {
    let store = &config.adapters.long_term;
    let url = Either {
        key: URL,
        value: &store.url,
        file_key: URL_FILE,
        file: &store.url_file,
    };
    let key = url.given_key().to_owned();
    let Some(url) = url.read(context, draft).ok()? else {
        let message = "configured PostgreSQL long-term store requires TASKCAST_POSTGRES_URL or \
                       adapters.longTerm.url";
        draft.problem(problem_at(draft, PROVIDER, message));
        return None;
    };
    Some(LongTermStorage::Postgres(PostgresSettings {
        url: server(&key, url, draft)?,
        max_connections: store.max_connections,
        auto_migrate: store.auto_migrate,
    }))
}

fn server(key: &str, url: Secret, draft: &mut Draft) -> Option<ServerUrl> {
    let complain = |message| {
        let problem = problem_at(draft, key, message);
        draft.problem(problem.hint(ServerUrl::POSTGRES_FORM));
    };
    ServerUrl::postgres(url).map_err(complain).ok()
}

fn sqlite(
    config: &Config,
    storage: &Storage,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<LongTermStorage> {
    let Some(path) = &config.adapters.long_term.path else {
        let message = "the long-term store needs a file of its own";
        draft.problem(problem_at(draft, PROVIDER, message).hint(format!("set {PATH}")));
        return None;
    };
    let path: PathBuf = context.absolute(path, draft.place(PATH));
    if matches!(storage, Storage::Sqlite { path: other, .. } if *other == path) {
        let message = "this is the file of the short-term store";
        draft.problem(problem_at(draft, PATH, message).hint("give the archive a file of its own"));
        return None;
    }
    Some(LongTermStorage::Sqlite { path })
}

fn retention(config: &Config, storage: &Storage, draft: &mut Draft) -> Option<HotRetention> {
    let lifecycle = &config.storage_lifecycle;
    let memory = matches!(storage, Storage::Memory { .. });
    if !lifecycle.hot_retention_enabled.unwrap_or(memory) {
        let tuning = [
            "storageLifecycle.hotRetentionTerminalSeconds",
            "storageLifecycle.hotRetentionIdleSeconds",
            "storageLifecycle.rehydrateReplayEvents",
        ];
        if let Some(key) = tuning.into_iter().find(|key| draft.place(key).is_some()) {
            draft.warnings.push(format!(
                "{key} has no effect without `storageLifecycle.hotRetentionEnabled: true`"
            ));
        }
        return None;
    }
    Some(HotRetention {
        terminal: Duration::from_secs(lifecycle.hot_retention_terminal_seconds),
        idle: Duration::from_secs(lifecycle.hot_retention_idle_seconds),
        window_events: lifecycle.rehydrate_replay_events,
    })
}

/// No long-term store: what tunes one has no effect, and says so.
fn without(config: &Config, draft: &mut Draft) {
    let sections = ["longTerm.", "storageLifecycle."];
    let tuning = sections
        .into_iter()
        .filter_map(|section| draft.first_below(section))
        .map(|(key, _)| key.to_owned());
    let connections = draft
        .place(MAX_CONNECTIONS)
        .map(|_| MAX_CONNECTIONS.to_owned());
    let all: Vec<String> = tuning.chain(connections).collect();
    let warnings = all
        .iter()
        .map(|key| format!("{key} has no effect without a long-term store"));
    draft.warnings.extend(warnings);
    if config.adapters.long_term.auto_migrate {
        skip_migration(draft);
    }
}

fn skip_migration(draft: &mut Draft) {
    let place = draft.place(AUTO_MIGRATE).map(ToString::to_string);
    let name = place.unwrap_or_else(|| AUTO_MIGRATE.to_owned());
    draft.warnings.push(format!(
        "{name} is set but no Postgres configured — skipping"
    ));
}
