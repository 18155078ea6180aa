//! Where to listen: an open server is reachable from elsewhere only when somebody asked for that.

use super::problem_at;
use crate::draft::Draft;
use crate::model::{AuthMode, Config};
use crate::settings::{Bind, Interface};
use std::net::IpAddr;

pub(super) fn resolve(config: &Config, draft: &mut Draft) -> Option<Bind> {
    if !["host", "port", "auth."]
        .iter()
        .all(|part| draft.is_sound(part))
    {
        return None;
    }
    let interface = match (&config.host, config.auth.mode) {
        (Some(host), mode) => given(host, mode, draft)?,
        (None, AuthMode::None) => Interface::Loopback,
        (None, AuthMode::Jwt | AuthMode::Custom) => Interface::All,
    };
    Some(Bind {
        interface,
        port: config.port,
    })
}

fn given(host: &str, mode: AuthMode, draft: &mut Draft) -> Option<Interface> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address: Option<IpAddr> = bare.parse().ok();
    if address.is_none() && (bare != host || !is_name(host)) {
        let problem = problem_at(draft, "host", "expected an IP address or a host name");
        draft.problem(problem.hint("give the port with `port`, and no scheme or path"));
        return None;
    }
    let loopback = address.map_or(bare == "localhost", |address| address.is_loopback());
    if mode == AuthMode::None && !loopback {
        draft.warnings.push(format!(
            "auth.mode is none and host is {bare}: everyone who can reach it may do everything"
        ));
    }
    Some(Interface::Host(bare.to_owned()))
}

fn is_name(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    // A name whose last label is a number is a mistyped address: resolvers read it as one.
    let last = host
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    !last.is_empty()
        && !last.bytes().all(|byte| byte.is_ascii_digit())
        && host.len() <= 253
        && host.chars().all(allowed)
}
