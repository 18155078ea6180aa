//! Trusted services: each has a name and a key of its own.

use super::secrets::Either;
use super::{Context, problem_at};
use crate::draft::Draft;
use crate::model::{Config, Selection, TrustedServiceConfig};
use crate::settings::TrustedService;

/// Shorter keys can be guessed.
const KEY_BYTES: usize = 16;

pub(super) fn resolve(
    config: &Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Vec<TrustedService>> {
    if !draft.is_sound("trustedServices") {
        return None;
    }
    let all = config.trusted_services.iter().enumerate();
    let services: Vec<Option<TrustedService>> = all
        .map(|(index, service)| one(index, service, context, draft))
        .collect();
    let services: Vec<TrustedService> = services.into_iter().collect::<Option<_>>()?;
    let distinct = (1..services.len()).filter(|index| !is_distinct(&services, *index, draft));
    (distinct.count() == 0).then_some(services)
}

fn one(
    index: usize,
    service: &TrustedServiceConfig,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<TrustedService> {
    let key = |name: &str| format!("trustedServices[{index}].{name}");
    let secret = Either {
        key: &key("key"),
        value: &service.key,
        file_key: &key("keyFile"),
        file: &service.key_file,
    };
    let Some(secret) = secret.read(context, draft).ok()? else {
        let problem = problem_at(draft, &key("name"), "the service has no key");
        draft.problem(problem.hint("set `key` or `keyFile`"));
        return None;
    };
    if secret.expose().len() < KEY_BYTES {
        let message = format!("the key has fewer than {KEY_BYTES} bytes and can be guessed");
        let problem = problem_at(draft, &key("name"), message);
        draft.problem(problem.hint("make a new one, such as with `openssl rand -hex 32`"));
        return None;
    }
    Some(TrustedService {
        name: service.name.clone(),
        key: secret,
        task_ids: service.task_ids.clone().unwrap_or(Selection::All),
        scope: service.scope.clone(),
    })
}

/// The first match would win, so a shared key would give one service the rights of another.
fn is_distinct(services: &[TrustedService], index: usize, draft: &mut Draft) -> bool {
    let (Some(before), Some(this)) = (services.get(..index), services.get(index)) else {
        return true;
    };
    let what = if before.iter().any(|other| other.name == this.name) {
        "name"
    } else if before.iter().any(|other| other.key == this.key) {
        "key"
    } else {
        return true;
    };
    let key = format!("trustedServices[{index}].name");
    let message = format!("another service has the same {what}");
    draft.problem(problem_at(draft, &key, message));
    false
}
