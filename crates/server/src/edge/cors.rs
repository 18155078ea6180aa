//! Which pages of other origins may call.

use super::host::is_loopback_origin;
use crate::CorsPolicy;
use http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

/// The layer that answers preflights and marks answers. Credentials are never allowed: bearer
/// headers are not ambient, and nothing here reads cookies.
pub(crate) fn cors(policy: &CorsPolicy) -> CorsLayer {
    let origins = match policy {
        CorsPolicy::Any => AllowOrigin::any(),
        CorsPolicy::Loopback => AllowOrigin::predicate(|origin, _| is_loopback_origin(origin)),
        CorsPolicy::Origins(list) => AllowOrigin::list(
            list.iter()
                .filter_map(|one| HeaderValue::from_str(one).ok()),
        ),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::list(names(&[
            "authorization",
            "content-type",
            "idempotency-key",
            "last-event-id",
            "producer-epoch",
            "producer-id",
            "producer-seq",
            "x-request-id",
            "x-taskcast-service-key",
        ])))
        .expose_headers(ExposeHeaders::list(names(&[
            "producer-epoch",
            "producer-expected-seq",
            "producer-received-seq",
            "producer-seq",
            "retry-after",
            "taskcast-earliest-index",
            "x-request-id",
        ])))
        .max_age(Duration::from_secs(600))
}

fn names(list: &'static [&'static str]) -> impl Iterator<Item = HeaderName> {
    list.iter().map(|name| HeaderName::from_static(name))
}
