//! What the server says about itself. No route here does work that grows with requests.

use crate::app::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::collections::BTreeMap;
use taskcast_api::{
    Adapter, Adapters, Dependency, DependencyState, Health, HealthDetail, Readiness, ServerInfo,
};

/// Says who the server is and where to look.
#[utoipa::path(get, path = "/", operation_id = "getServerInfo", tag = "server", security(()), responses((status = 200, body = ServerInfo)))]
pub(crate) async fn root(State(app): State<App>) -> Json<ServerInfo> {
    Json(ServerInfo::new(&app.settings.version))
}

/// Says that the process answers.
#[utoipa::path(get, path = "/health", operation_id = "getHealth", tag = "server", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health::new(&app.settings.version))
}

/// Says whether the server can do its work: whether its store answers.
#[utoipa::path(get, path = "/health/ready", operation_id = "getReadiness", tag = "server", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let readiness = Readiness::of(dependencies(&app).await);
    let status = if readiness.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

/// Says how the parts of the server are, and what an acknowledgement means.
#[utoipa::path(get, path = "/health/detail", operation_id = "getHealthDetail", tag = "server", security(()),
    responses((status = 200, body = HealthDetail)))]
pub(crate) async fn detail(State(app): State<App>) -> Json<HealthDetail> {
    let info = app.engine.store().info();
    let dependencies = dependencies(&app).await;
    let works = dependencies
        .values()
        .all(|one| one.state == DependencyState::Healthy);
    let adapters = Adapters {
        broadcast: Adapter::new("memory", true),
        short_term_store: Adapter::new(info.provider, works),
        long_term_store: None,
    };
    let (version, mode) = (&app.settings.version, app.settings.auth_mode);
    let acknowledgement = info.acknowledgement.to_string();
    let detail = HealthDetail::new(version, app.uptime(), mode, adapters, acknowledgement);
    Json(detail.with_dependencies(dependencies))
}

async fn dependencies(app: &App) -> BTreeMap<String, Dependency> {
    let dependency = match app.store_health().await {
        Ok(()) => Dependency {
            state: DependencyState::Healthy,
            error_kind: None,
        },
        Err(kind) => Dependency {
            state: DependencyState::Unhealthy,
            error_kind: Some(kind),
        },
    };
    BTreeMap::from([(app.engine.store().info().provider.to_owned(), dependency)])
}
