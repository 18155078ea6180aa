//! The server as an operator knows it: host and port, never who logs in.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use taskcast_store::StoreError;

/// Reads a URL.
pub(crate) fn parse(url: &str) -> Result<ConnectionInfo, StoreError> {
    url.into_connection_info().map_err(|_| {
        StoreError::unavailable(
            "Redis",
            "its URL is not one of the form redis://[user:password@]host[:port][/database], or \
             rediss:// for TLS",
        )
    })
}

/// `Redis at host:port`, of a URL.
pub(crate) fn shown(url: &str) -> Result<String, StoreError> {
    Ok(of(&parse(url)?))
}

/// `Redis at host:port`.
pub(crate) fn of(info: &ConnectionInfo) -> String {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("Redis at {host}:{port}")
        }
        other => format!("Redis at {other}"),
    }
}
