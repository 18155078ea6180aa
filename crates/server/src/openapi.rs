//! The description of the surface: OpenAPI 3.1, made of the handlers themselves.

use crate::app::App;
use crate::routes;
use axum::Router;
use axum::response::Html;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, SecurityRequirement};

/// The OpenAPI document of all routes.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, mut document) = routes::all().split_for_parts();
    let license = LicenseBuilder::new()
        .name("MIT")
        .identifier(Some("MIT"))
        .build();
    document.info = InfoBuilder::new()
        .title("Taskcast")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Tracks long-lived tasks and streams their events: live or late, nothing lost, \
             repeated or out of order.",
        ))
        .license(Some(license))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let key = ApiKey::Header(ApiKeyValue::new("X-Taskcast-Service-Key"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("serviceKey", SecurityScheme::ApiKey(key));
    let none: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("bearer", none),
        SecurityRequirement::new("serviceKey", none),
    ]);
    document
}

/// The interactive page. Everything it needs is in it.
pub(crate) fn docs() -> Router<App> {
    Router::new().route(
        "/docs",
        axum::routing::get(|| async { Html(include_str!("docs.html")) }),
    )
}
