//! Which pages of other origins may call.

use super::problem_at;
use crate::draft::Draft;
use crate::model::{AuthMode, Config, Selection};
use crate::settings::Cors;

pub(super) fn resolve(config: &Config, draft: &mut Draft) -> Option<Cors> {
    if !draft.is_sound("cors") {
        return None;
    }
    match (&config.cors.origins, config.auth.mode) {
        (Some(Selection::All), _) => Some(Cors::Any),
        (Some(Selection::These(origins)), _) => {
            let origins: Vec<Option<String>> = (1..)
                .zip(origins)
                .map(|(number, origin)| one(number, origin, draft))
                .collect();
            origins
                .into_iter()
                .collect::<Option<_>>()
                .map(Cors::Origins)
        }
        (None, AuthMode::None) => Some(Cors::Loopback),
        (None, AuthMode::Jwt | AuthMode::Custom) => Some(Cors::Any),
    }
}

/// An origin as browsers send it: scheme, host and an unusual port, nothing after them.
fn one(number: usize, origin: &str, draft: &mut Draft) -> Option<String> {
    let lower = origin.to_ascii_lowercase();
    let host = lower
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
        .map(|(_, host)| host);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
    if host.is_some_and(|host| !host.is_empty() && host.chars().all(plain)) {
        return Some(lower);
    }
    // The text may come from a variable, so it is counted rather than shown.
    let message = format!("number {number} of the list is not an origin");
    let hint = match origin {
        "*" => "write `origins: \"*\"` for any origin",
        _ => "write it as https://app.example.com, without a path or a slash at the end",
    };
    draft.problem(problem_at(draft, "cors.origins", message).hint(hint));
    None
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}
