//! Where tasks and events are kept.
//!
//! `--storage` over `TASKCAST_STORAGE` over the configured providers (which must agree) over Redis
//! when there is a URL of one over SQLite.

use super::idle::are_idle;
use super::{Context, problem_at, redis};
use crate::draft::{Draft, Layer};
use crate::model::{BroadcastProvider, Config, ShortTermProvider};
use crate::problem::Place;
use crate::settings::Storage;

const SHORT_TERM: &str = "adapters.shortTerm.provider";
const BROADCAST: &str = "adapters.broadcast.provider";

pub(super) fn resolve(
    config: &Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Storage> {
    let sections = ["adapters.broadcast", "adapters.shortTerm", "adapters.redis"];
    if !sections.iter().all(|section| draft.is_sound(section)) {
        return None;
    }
    let store = &config.adapters.short_term;
    let provider = provider(config, draft)?;
    let storage = match provider {
        ShortTermProvider::Memory => Storage::Memory {
            max_bytes: store.max_bytes,
        },
        ShortTermProvider::Sqlite => Storage::Sqlite {
            path: context.absolute(&store.path, draft.place("adapters.shortTerm.path")),
            durability: store.durability,
        },
        ShortTermProvider::Redis => Storage::Redis(redis::resolve(config, context, draft)?),
    };
    let chooser = draft.place(chooser(draft)).cloned();
    let chosen = format!("storage {}", provider.as_str());
    let fine = are_idle(&unused(provider), &chosen, chooser.as_ref(), draft);
    if provider != ShortTermProvider::Redis {
        warn_of_idle_redis(&chosen, draft);
    }
    fine.then_some(storage)
}

fn provider(config: &Config, draft: &mut Draft) -> Option<ShortTermProvider> {
    let adapters = &config.adapters;
    let (short_term, broadcast) = (adapters.short_term.provider, adapters.broadcast.provider);
    let agree = match (short_term, broadcast) {
        (Some(store), Some(broadcast)) => {
            (store == ShortTermProvider::Redis) == (broadcast == BroadcastProvider::Redis)
                || is_mode(draft)
                || draft.layer(SHORT_TERM) > draft.layer(BROADCAST)
        }
        _ => true,
    };
    if !agree {
        let message = "configured short-term and broadcast providers must match";
        let problem = problem_at(draft, BROADCAST, message);
        draft.problem(
            problem.hint(
                "redis serves as both; with memory or sqlite as short-term store leave it out",
            ),
        );
        return None;
    }
    Some(short_term.unwrap_or(match broadcast {
        Some(BroadcastProvider::Redis) => ShortTermProvider::Redis,
        None if redis::is_named(draft) => ShortTermProvider::Redis,
        Some(BroadcastProvider::Memory) | None => ShortTermProvider::Sqlite,
    }))
}

/// Whether the store was chosen by `--storage` or `TASKCAST_STORAGE`, which choose the broadcast too.
fn is_mode(draft: &Draft) -> bool {
    match draft.place(SHORT_TERM) {
        Some(Place::Flag { .. }) => true,
        Some(Place::Variable { name }) => name == "TASKCAST_STORAGE",
        _ => false,
    }
}

/// The key that chose the store: a provider, or else the URL of a Redis; that of the provider when
/// nothing did.
pub(super) fn chooser(draft: &Draft) -> &'static str {
    let given = |key: &&str| draft.place(key).is_some();
    [SHORT_TERM, BROADCAST]
        .into_iter()
        .chain(redis::URLS)
        .find(given)
        .unwrap_or(SHORT_TERM)
}

/// Whether somebody chose the store by name.
pub(super) fn is_chosen(draft: &Draft) -> bool {
    draft.place(SHORT_TERM).is_some()
}

fn unused(provider: ShortTermProvider) -> Vec<&'static str> {
    let of_redis = [
        "adapters.broadcast.url",
        "adapters.shortTerm.url",
        "adapters.redis.url",
        "adapters.redis.urlFile",
        "adapters.redis.prefix",
        "adapters.redis.waitReplicas",
    ];
    let of_sqlite = ["adapters.shortTerm.path", "adapters.shortTerm.durability"];
    let of_memory = ["adapters.shortTerm.maxBytes"];
    match provider {
        ShortTermProvider::Memory => [&of_redis[..], &of_sqlite].concat(),
        ShortTermProvider::Sqlite => [&of_redis[..], &of_memory].concat(),
        ShortTermProvider::Redis => [&of_sqlite[..], &of_memory].concat(),
    }
}

/// A Redis that only the environment names may well be meant.
fn warn_of_idle_redis(chosen: &str, draft: &mut Draft) {
    let named = redis::URLS.iter().find_map(|key| match draft.place(key) {
        Some(place) if draft.layer(key) == Layer::Variable => Some(place.to_string()),
        _ => None,
    });
    if let Some(name) = named {
        let text = format!("{name} is set, but {chosen} does not use Redis");
        draft.warnings.push(text);
    }
}
