//! The server as an operator knows it: host and port, never who logs in.

use redis::{ConnectionAddr, IntoConnectionInfo};
use taskcast_store::StoreError;

/// `Redis at host:port`.
pub(crate) fn shown(url: &str) -> Result<String, StoreError> {
    let info = url.into_connection_info().map_err(|_| {
        StoreError::unavailable(
            "Redis",
            "its URL is not one of the form redis://[user:password@]host[:port][/database], or \
             rediss:// for TLS",
        )
    })?;
    Ok(match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("Redis at {host}:{port}")
        }
        other => format!("Redis at {other}"),
    })
}
