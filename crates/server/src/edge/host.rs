//! Loopback names, as `Host` and `Origin` headers write them.

use http::HeaderValue;
use http::uri::Authority;
use std::net::IpAddr;

/// Whether a `Host` header names this machine: `localhost`, a name below it, or a loopback
/// address; with any port.
pub(super) fn is_loopback_host(host: &HeaderValue) -> bool {
    host.to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .is_some_and(|host| is_loopback(&host))
}

/// Whether an `Origin` header names a page served from this machine.
pub(super) fn is_loopback_origin(origin: &HeaderValue) -> bool {
    let authority = origin.to_str().ok().and_then(|text| {
        text.strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
    });
    authority
        .and_then(|text| text.parse().ok())
        .is_some_and(|authority| is_loopback(&authority))
}

fn is_loopback(authority: &Authority) -> bool {
    // Userinfo would make `localhost@evil.example` look local to a careless reader.
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let lower = host.to_ascii_lowercase();
    lower == "localhost"
        || lower.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> bool {
        is_loopback_host(&HeaderValue::from_str(text).unwrap())
    }

    fn origin(text: &str) -> bool {
        is_loopback_origin(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for good in [
            "localhost",
            "LOCALHOST:3721",
            "127.0.0.1:1",
            "[::1]:3721",
            "a.localhost",
        ] {
            assert!(host(good) && origin(&format!("http://{good}")), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "",
        ] {
            assert!(!host(bad) && !origin(&format!("http://{bad}")), "{bad}");
        }
        assert!(!origin("null") && !origin("file://localhost") && !origin("localhost"));
    }
}
