//! Where the database is: the URL, taken apart, and its name without secrets.

use crate::PostgresError;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How the server is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Not looked at: encryption only.
    Anybody,
    /// Its certificate is signed by somebody we trust.
    Signed,
    /// It is also the one for this host.
    Host,
}

/// A URL, taken apart.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) trust: Trust,
    /// The PEM file of certificates to trust; else those of the host.
    pub(crate) roots: Option<PathBuf>,
    /// The database as people may see it: host, port and name.
    pub(crate) shown: Arc<str>,
}

impl Address {
    /// Reads a URL. Nothing of it is in the error.
    pub(crate) fn parse(url: &str) -> Result<Self, PostgresError> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(PostgresError::Url("it begins with `postgres://`".into()));
        }
        let (url, ssl) = Ssl::split(url);
        let (mode, trust) = ssl.mode()?;
        let malformed = |_| {
            let form = "its form is `postgres://user:password@host:5432/database`, with special \
                        characters of the password percent-encoded; of the parameters it takes \
                        sslmode, sslrootcert and those of libpq about the connection (no client \
                        certificates)";
            PostgresError::Url(form.into())
        };
        let mut config: Config = url.parse().map_err(malformed)?;
        config.ssl_mode(mode);
        if config.get_hosts().is_empty() {
            return Err(PostgresError::Url("it names no host".into()));
        }
        Ok(Self {
            shown: shown(&config).into(),
            config,
            trust,
            roots: ssl.roots.map(PathBuf::from),
        })
    }
}

/// The parameters that the connection library does not know.
#[derive(Default)]
struct Ssl {
    mode: Option<String>,
    roots: Option<String>,
}

impl Ssl {
    /// Takes the parameters about TLS out of a URL.
    fn split(url: &str) -> (String, Self) {
        let mut ssl = Self::default();
        let Some((base, query)) = url.split_once('?') else {
            return (url.to_owned(), ssl);
        };
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|p| !p.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => ssl.mode = Some(mode.to_owned()),
                Some(("sslrootcert", path)) => {
                    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
                    ssl.roots = Some(path.into_owned());
                }
                _ => rest.push(parameter),
            }
        }
        let url = match rest.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", rest.join("&")),
        };
        (url, ssl)
    }

    /// As `libpq` reads them: given certificates are looked at with `require` too.
    fn mode(&self) -> Result<(SslMode, Trust), PostgresError> {
        Ok(match self.mode.as_deref() {
            Some("disable") => (SslMode::Disable, Trust::Anybody),
            None | Some("prefer" | "allow") => (SslMode::Prefer, Trust::Anybody),
            Some("require") if self.roots.is_none() => (SslMode::Require, Trust::Anybody),
            Some("require" | "verify-ca") => (SslMode::Require, Trust::Signed),
            Some("verify-full") => (SslMode::Require, Trust::Host),
            Some(_) => {
                let modes = "`sslmode` is one of disable, prefer, require, verify-ca, verify-full";
                return Err(PostgresError::Url(modes.into()));
            }
        })
    }
}

fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let port = config.get_ports().get(at).or(config.get_ports().first());
        let port = port.copied().unwrap_or(5432);
        match host {
            Host::Tcp(host) if host.contains(':') => format!("[{host}]:{port}"),
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    let name = config.get_dbname().unwrap_or("");
    format!("PostgreSQL at {}/{name}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_user_and_password() {
        let address = Address::parse("postgres://me:se%3Acret@db.example:6432/tasks?sslmode=verify-full&sslrootcert=%2Fca.pem&connect_timeout=3").unwrap();
        assert_eq!(&*address.shown, "PostgreSQL at db.example:6432/tasks");
        assert_eq!(
            (address.trust, address.roots),
            (Trust::Host, Some("/ca.pem".into()))
        );
        assert_eq!(address.config.get_password(), Some(&b"se:cret"[..]));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        for url in [
            "mysql://me:hunter2@x/y",
            "postgres://me:hun@ter2@x:y/z",
            "postgres://me:hunter2@x/y?sslmode=hunter2",
            "hunter2",
        ] {
            let error = Address::parse(url)
                .err()
                .map(|error| error.to_string())
                .unwrap();
            assert!(
                error.starts_with("the PostgreSQL URL cannot be used"),
                "{error}"
            );
            assert!(!error.contains("ter2"), "{error}");
        }
    }
}
