//! What the server says about itself. No route here does work that grows with requests.

use crate::app::App;
use crate::{ArchiveStatus, Layer};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use taskcast_api::{
    Adapter, Adapters, ArchiveDetail, Dependency, DependencyDetail, DependencyState, Health,
    HealthDetail, ManagedState, Readiness, ServerInfo,
};
use taskcast_store::{DependencyReport, DependencyState as Known, FailureKind};

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

/// Says whether the server can do its work: whether everything it depends on answers.
#[utoipa::path(get, path = "/health/ready", operation_id = "getReadiness", tag = "server", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let reports = app.dependencies().await;
    let named = |report: &DependencyReport| (report.name.to_owned(), brief(report));
    let readiness = Readiness::of(reports.iter().map(named).collect());
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
    let reports = app.dependencies().await;
    let adapters = Adapters {
        broadcast: adapter(&app.backend.broadcast),
        short_term_store: Adapter::new(info.provider, app.store_works()),
        long_term_store: app.backend.long_term.as_ref().map(adapter),
    };
    let (version, mode) = (&app.settings.version, app.settings.auth_mode);
    let acknowledgement = info.acknowledgement.to_string();
    let named = |report: &DependencyReport| (report.name.to_owned(), full(report));
    let detail = HealthDetail::new(version, app.uptime(), mode, adapters, acknowledgement);
    let detail = detail.with_dependencies(reports.iter().map(named).collect());
    let archive = app.backend.archive.as_ref().map(|it| it.archive());
    Json(HealthDetail {
        archive: archive.map(archive_detail),
        ..detail
    })
}

fn adapter(layer: &Layer) -> Adapter {
    let mut reports = layer.dependencies.iter().map(|one| one.report());
    let works = reports.all(|report| report.state == Known::Healthy);
    Adapter::new(layer.provider, works)
}

fn brief(report: &DependencyReport) -> Dependency {
    if report.state == Known::Healthy {
        return Dependency {
            state: DependencyState::Healthy,
            error_kind: None,
        };
    }
    let kind = report.last_failure.unwrap_or(FailureKind::Unavailable);
    Dependency {
        state: DependencyState::Unhealthy,
        error_kind: Some(kind.as_str().to_owned()),
    }
}

fn full(report: &DependencyReport) -> DependencyDetail {
    let state = match report.state {
        Known::Starting => ManagedState::Starting,
        Known::Healthy => ManagedState::Healthy,
        Known::Reconnecting => ManagedState::Reconnecting,
        Known::Unhealthy => ManagedState::Unhealthy,
    };
    let attempts = report.reconnect_attempts;
    DependencyDetail {
        consecutive_failures: report.consecutive_failures,
        last_error_kind: report.last_failure.map(|kind| kind.as_str().to_owned()),
        reconnect_attempts: (attempts > 0).then_some(attempts),
        ..DependencyDetail::new(state, report.since)
    }
}

fn archive_detail(status: ArchiveStatus) -> ArchiveDetail {
    ArchiveDetail {
        backlog_bytes: status.backlog_bytes,
        max_backlog_bytes: status.max_backlog_bytes,
        partitions_behind: status.partitions_behind,
        full: status.full,
        working: status.working,
    }
}
