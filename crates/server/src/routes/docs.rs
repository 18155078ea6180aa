//! The description of the surface: for programs, and as a page for people.
//!
//! The page is three files of our own. It asks for nothing from elsewhere, and its policy forbids
//! it to; its addresses are relative, so that it works wherever a host puts the router.

use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Describes the routes as OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getOpenApi", tag = "server", security(()),
    responses((status = 200, content_type = "application/json", body = serde_json::Value)))]
pub(crate) async fn document(State(app): State<App>) -> Response {
    file("application/json", app.document().clone())
}

/// Shows the routes as a page from which requests can be sent.
#[utoipa::path(get, path = "/docs", operation_id = "getDocs", tag = "server", security(()),
    responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn page() -> Response {
    file(
        "text/html; charset=utf-8",
        include_str!("../docs/index.html"),
    )
}

/// The script of the page.
#[utoipa::path(get, path = "/docs/app.js", operation_id = "getDocsScript", tag = "server", security(()),
    responses((status = 200, content_type = "text/javascript", body = String)))]
pub(crate) async fn script() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("../docs/app.js"),
    )
}

/// The style of the page.
#[utoipa::path(get, path = "/docs/style.css", operation_id = "getDocsStyle", tag = "server", security(()),
    responses((status = 200, content_type = "text/css", body = String)))]
pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../docs/style.css"))
}

fn file(kind: &'static str, content: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, content.into()).into_response()
}
