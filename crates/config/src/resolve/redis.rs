//! Which Redis: the highest layer that names one has the say, and all it names must be the same.

use super::secrets::Either;
use super::{Context, problem_at};
use crate::ServerUrl;
use crate::draft::Draft;
use crate::model::{Config, Secret};
use crate::settings::RedisSettings;

/// Where a URL can be given, the one for both first.
pub(super) const URLS: [&str; 4] = [
    "adapters.redis.url",
    "adapters.redis.urlFile",
    "adapters.broadcast.url",
    "adapters.shortTerm.url",
];

/// Whether a URL is given anywhere.
pub(super) fn is_named(draft: &Draft) -> bool {
    URLS.iter().any(|key| draft.place(key).is_some())
}

pub(super) fn resolve(
    config: &Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<RedisSettings> {
    let redis = &config.adapters.redis;
    let url = url(config, context, draft);
    let prefix = prefix(&redis.prefix, draft);
    Some(RedisSettings {
        url: url?,
        prefix: prefix?,
        wait_replicas: redis.wait_replicas,
    })
}

fn url(config: &Config, context: &Context<'_>, draft: &mut Draft) -> Option<ServerUrl> {
    let adapters = &config.adapters;
    let shared = Either {
        key: URLS[0],
        value: &adapters.redis.url,
        file_key: URLS[1],
        file: &adapters.redis.url_file,
    };
    let shared_key = shared.given_key().to_owned();
    let shared = shared.read(context, draft).ok()?;
    let (broadcast, short_term) = (&adapters.broadcast.url, &adapters.short_term.url);
    let given: Vec<(&str, &Secret)> = [
        (shared_key.as_str(), &shared),
        (URLS[2], broadcast),
        (URLS[3], short_term),
    ]
    .into_iter()
    .filter_map(|(key, url)| Some((key, url.as_ref()?)))
    .collect();
    let highest = given.iter().map(|(key, _)| draft.layer(key)).max();
    let mut given = given
        .into_iter()
        .filter(|(key, _)| Some(draft.layer(key)) == highest);
    let Some((key, url)) = given.next() else {
        let message = "storage mode redis requires TASKCAST_REDIS_URL or a configured Redis URL";
        let chooser = super::storage::chooser(draft);
        let problem = problem_at(draft, chooser, message);
        draft.problem(problem.hint("set TASKCAST_REDIS_URL, or adapters.redis.url"));
        return None;
    };
    if let Some((other, _)) = given.find(|(_, other)| *other != url) {
        let message = "configured Redis broadcast and short-term URLs must match";
        let problem = problem_at(draft, other, message);
        draft.problem(problem.hint(format!("one Redis carries both; {key} names another one")));
        return None;
    }
    let key = key.to_owned();
    server(&key, url.clone(), draft)
}

fn server(key: &str, url: Secret, draft: &mut Draft) -> Option<ServerUrl> {
    let complain = |message| {
        let problem = problem_at(draft, key, message);
        draft.problem(problem.hint(
            "write it as redis://[user:password@]host:6379[/0], with rediss:// for TLS, and \
             nodes of a cluster with commas: redis://a:6379,b:6379",
        ));
    };
    ServerUrl::redis(url).map_err(complain).ok()
}

/// Braces mark what lies together in a cluster.
fn prefix(prefix: &str, draft: &mut Draft) -> Option<String> {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '{' && c != '}';
    if prefix.chars().all(plain) && prefix.len() <= 256 {
        return Some(prefix.to_owned());
    }
    let message = "the prefix of keys has braces, white space, or more than 256 bytes";
    let problem = problem_at(draft, "adapters.redis.prefix", message);
    draft.problem(problem.hint("use a word like taskcast, or app:taskcast"));
    None
}
