//! The addresses a server listens on.

use crate::Failure;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as Std, ToSocketAddrs};
use taskcast_config::{Bind, Interface};
use tokio::net::TcpListener;

/// Connections that may wait to be taken.
const BACKLOG: i32 = 4_096;
/// How often another free port is tried, when one is free for IPv4 and not for IPv6.
const TRIES: usize = 16;

/// What is listened on.
#[derive(Debug)]
pub(crate) struct Listening {
    /// The listeners; all have the same port.
    pub listeners: Vec<TcpListener>,
    /// Where to open the server, as `http://localhost:3721`.
    pub url: String,
    /// Who can reach it, in words.
    pub reach: String,
}

/// Listens where the settings say. Call it on a runtime.
pub(crate) fn bind(bind: &Bind) -> Result<Listening, Failure> {
    let bound = match &bind.interface {
        Interface::Loopback => loopback(bind.port),
        Interface::All => all(bind.port),
        Interface::Host(host) => named(host, bind.port),
    };
    bound.map_err(|error| Failure::Failed(refusal(bind, &error)))
}

fn loopback(port: u16) -> io::Result<Listening> {
    let (listeners, port) = loopback_listeners(port)?;
    let reach = match listeners.len() {
        1 => "this machine only, by IPv4 (it has no IPv6); set `host` to be reachable by others",
        _ => "this machine only; set `host` to be reachable by others",
    };
    listening(listeners, &format!("http://localhost:{port}"), reach)
}

/// A browser may try either address of `localhost` first: no other program may have one of them.
fn loopback_listeners(port: u16) -> io::Result<(Vec<Std>, u16)> {
    let mut last = None;
    for _ in 0..TRIES {
        let four = open((Ipv4Addr::LOCALHOST, port).into())?;
        let found = four.local_addr()?.port();
        match open((Ipv6Addr::LOCALHOST, found).into()) {
            Ok(six) => return Ok((vec![four, six], found)),
            Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => last = Some(error),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(_) => return Ok((vec![four], found)),
        }
    }
    Err(last.unwrap_or_else(|| ErrorKind::AddrInUse.into()))
}

/// One socket takes both kinds of address; a machine without IPv6 has only the other.
fn all(port: u16) -> io::Result<Listening> {
    let (listener, reach) = match open((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if error.kind() != ErrorKind::AddrInUse => {
            let four = open((Ipv4Addr::UNSPECIFIED, port).into())?;
            (four, "every interface, by IPv4 (this machine has no IPv6)")
        }
        six => (six?, "every interface"),
    };
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    listening(vec![listener], &url, reach)
}

fn named(host: &str, port: u16) -> io::Result<Listening> {
    let mut last = None;
    for address in (host, port).to_socket_addrs()? {
        match open(address) {
            Ok(listener) => {
                let address = listener.local_addr()?;
                let shown = shown_host(host, address.ip());
                let url = format!("http://{shown}:{}", address.port());
                return listening(vec![listener], &url, &format!("whoever reaches {address}"));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("the name has no address")))
}

fn shown_host(host: &str, bound: IpAddr) -> String {
    match bound {
        _ if bound.is_unspecified() => "localhost".to_owned(),
        IpAddr::V6(_) if host.contains(':') => format!("[{host}]"),
        _ => host.to_owned(),
    }
}

fn listening(listeners: Vec<Std>, url: &str, reach: &str) -> io::Result<Listening> {
    Ok(Listening {
        listeners: listeners
            .into_iter()
            .map(TcpListener::from_std)
            .collect::<io::Result<_>>()?,
        url: url.to_owned(),
        reach: reach.to_owned(),
    })
}

fn open(address: SocketAddr) -> io::Result<Std> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if let IpAddr::V6(ip) = address.ip() {
        socket.set_only_v6(!ip.is_unspecified())?;
    }
    // A server that was stopped can be started again while old connections linger.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn refusal(bind: &Bind, error: &io::Error) -> String {
    let host = match &bind.interface {
        Interface::Loopback => "localhost",
        Interface::All => "all interfaces",
        Interface::Host(host) => host,
    };
    let port = bind.port;
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!("port {port} of {host} is in use by another program; choose one with --port")
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not listen on port {port}; choose one above 1023 with --port")
        }
        ErrorKind::AddrNotAvailable => {
            format!("{host} is no address of this machine; change `host` (--host)")
        }
        _ => format!("cannot listen on port {port} of {host}: {error}; check `host` and `port`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(interface: Interface, port: u16) -> Result<Listening, Failure> {
        bind(&Bind { interface, port })
    }

    #[tokio::test]
    async fn all_listeners_have_the_port_that_the_url_tells() {
        for interface in [
            Interface::Loopback,
            Interface::All,
            Interface::Host("127.0.0.1".to_owned()),
        ] {
            let listening = on(interface, 0).unwrap();
            for listener in &listening.listeners {
                let port = listener.local_addr().unwrap().port();
                assert!(
                    listening.url.ends_with(&format!(":{port}")),
                    "{listening:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_refused_with_what_to_do() {
        let first = on(Interface::Loopback, 0).unwrap();
        let port = first.listeners[0].local_addr().unwrap().port();
        let refused = on(Interface::Loopback, port).unwrap_err().to_string();
        assert_eq!(
            refused,
            format!(
                "port {port} of localhost is in use by another program; choose one with --port"
            )
        );
    }
}
