//! Where a server is: a URL that shows without user and password.

use crate::model::Secret;
use serde::{Serialize, Serializer};
use std::fmt;

/// The URL of a server. Shows and serialises as scheme, hosts and path; [`ServerUrl::secret`] gives
/// all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    all: Secret,
    shown: String,
}

impl ServerUrl {
    /// Reads a URL with one of these schemes. The error says what is wrong, and nothing of the text.
    fn parse(text: Secret, schemes: &[&str]) -> Result<Self, &'static str> {
        let parts = Parts::of(text.expose()).ok_or("it is not a URL")?;
        if !schemes.contains(&parts.scheme) {
            return Err("it has another scheme");
        }
        if parts.rest.contains('@') {
            return Err("its user or password has characters that have to be percent-encoded");
        }
        let mut hosts = parts.hosts.split(',');
        // Without a host it is where the parameters say, as the directory of a socket.
        if !parts.hosts.is_empty() && !hosts.all(is_host) {
            return Err("it does not name hosts and ports");
        }
        Ok(Self {
            shown: parts.shown(),
            all: text,
        })
    }

    /// Reads the URL of a PostgreSQL database.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and nothing of the text.
    pub fn postgres(text: impl Into<Secret>) -> Result<Self, String> {
        Self::parse(text.into(), &["postgres", "postgresql"])
            .map_err(|why| format!("this is no URL of a PostgreSQL database: {why}"))
    }

    /// Reads the URL of a Redis, or of nodes of a cluster.
    pub(crate) fn redis(text: Secret) -> Result<Self, String> {
        Self::parse(text, &["redis", "rediss"])
            .map_err(|why| format!("this is no URL of a Redis: {why}"))
    }

    /// How a URL of PostgreSQL is written.
    pub const POSTGRES_FORM: &str = "write it as postgres://user:password@host:5432/database";

    /// The URL with everything in it.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.all
    }

    /// A URL for each of its hosts, all else the same.
    #[must_use]
    pub fn each_host(&self) -> Vec<Secret> {
        let Some(parts) = Parts::of(self.all.expose()) else {
            return vec![self.all.clone()];
        };
        let alone = |host: &str| {
            let Parts {
                scheme, user, rest, ..
            } = parts;
            let at = if user.is_empty() { "" } else { "@" };
            Secret::new(format!("{scheme}://{user}{at}{host}{rest}"))
        };
        parts.hosts.split(',').map(alone).collect()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// `scheme://user@hosts rest`, where the rest is path and query.
#[derive(Clone, Copy)]
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    hosts: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, after) = text.split_once("://")?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        Some(Self {
            scheme,
            user,
            hosts,
            rest,
        })
    }

    /// Parameters are left out: they may hold a password too.
    fn shown(&self) -> String {
        let user = if self.user.is_empty() {
            ""
        } else {
            "[redacted]@"
        };
        let path = self.rest.split(['?', '#']).next().unwrap_or_default();
        format!("{}://{user}{}{path}", self.scheme, self.hosts)
    }
}

/// `name`, `name:port`, `[address]`, `[address]:port`.
fn is_host(text: &str) -> bool {
    let (host, after) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some(split) => split,
            None => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = after.strip_prefix(':');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '%' | ':');
    !host.is_empty()
        && host.chars().all(plain)
        && (after.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<ServerUrl, &'static str> {
        ServerUrl::parse(Secret::new(text), &["redis", "rediss", "postgres"])
    }

    #[test]
    fn a_url_shows_without_user_password_and_parameters() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost"),
            (
                "rediss://me:pw@r.example:6380/2",
                "rediss://[redacted]@r.example:6380/2",
            ),
            ("redis://:pw@[::1]:6379", "redis://[redacted]@[::1]:6379"),
            ("redis://me:pw@a:1,b:2,c", "redis://[redacted]@a:1,b:2,c"),
            (
                "postgres://u@db/tasks?password=pw",
                "postgres://[redacted]@db/tasks",
            ),
            ("postgres:///tasks?host=/run/pg", "postgres:///tasks"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
            assert_eq!(url.secret().expose(), text);
        }
    }

    #[test]
    fn each_host_of_a_cluster_has_a_url() {
        let url = parse("rediss://me:p,w@a:1,[::1]:2,c/?x=1").unwrap();
        let each: Vec<String> = url
            .each_host()
            .iter()
            .map(|it| it.expose().to_owned())
            .collect();
        let expected = [
            "rediss://me:p,w@a:1/?x=1",
            "rediss://me:p,w@[::1]:2/?x=1",
            "rediss://me:p,w@c/?x=1",
        ];
        assert_eq!(each, expected);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://me:p/w@host",
            "redis://me:p?w@host",
            "redis://host:port",
            "redis://host:99999",
            "redis://ho st",
            "redis://a,,b",
            "redis://[::1",
            "redis://a:1,redis://b:1",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown(password in "[!-~]{0,3}WORD[!-~]{0,3}") {
            for text in [
                format!("redis://me:{password}@host:1/0"),
                format!("redis://{password}@host"),
                format!("redis://me:{password}@a,b"),
            ] {
                if let Ok(url) = parse(&text) {
                    prop_assert!(!url.to_string().contains("WORD"), "{}", url);
                }
            }
        }
    }
}
