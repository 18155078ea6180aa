//! `GET /` and the health routes.

use super::{ArchiveDetail, Dependency, DependencyDetail, DependencyState, ManagedState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

const NAME: &str = "taskcast";
const API_VERSION: &str = "v1";

/// The answer of `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// `taskcast`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// The version of the routes: `v1`.
    pub api_version: String,
    /// Where to look next.
    pub links: Links,
}

/// Paths below the root of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// Whether the process lives.
    pub health: String,
    /// Whether its dependencies answer.
    pub health_ready: String,
    /// How it is set up.
    pub health_detail: String,
    /// The description of the routes.
    pub openapi: String,
    /// The same for people.
    pub docs: String,
}

impl ServerInfo {
    /// The answer of a server of this version.
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            name: NAME.into(),
            version: version.into(),
            api_version: API_VERSION.into(),
            links: Links {
                health: "/health".into(),
                health_ready: "/health/ready".into(),
                health_detail: "/health/detail".into(),
                openapi: "/openapi.json".into(),
                docs: "/docs".into(),
            },
        }
    }
}

/// The answer of `GET /health`: the process lives. Nothing else is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// True.
    pub ok: bool,
    /// `taskcast`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// The version of the routes: `v1`.
    pub api_version: String,
}

impl Health {
    /// The answer of a server of this version.
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            ok: true,
            name: NAME.into(),
            version: version.into(),
            api_version: API_VERSION.into(),
        }
    }
}

/// The answer of `GET /health/ready`: 200 when every dependency is healthy, else 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether every dependency is healthy.
    pub ok: bool,
    /// The dependencies by name.
    pub dependencies: BTreeMap<String, Dependency>,
}

impl Readiness {
    /// The answer for these dependencies.
    #[must_use]
    pub fn of(dependencies: BTreeMap<String, Dependency>) -> Self {
        Self {
            ok: dependencies
                .values()
                .all(|one| one.state == DependencyState::Healthy),
            dependencies,
        }
    }
}

/// The answer of `GET /health/detail`: always 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthDetail {
    /// Whether every dependency is healthy.
    pub ok: bool,
    /// `taskcast`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// The version of the routes: `v1`.
    pub api_version: String,
    /// Seconds since the server started.
    pub uptime: u64,
    /// How callers are known.
    pub auth: AuthMode,
    /// What the server is built on.
    pub adapters: Adapters,
    /// The dependencies by name; absent when there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub dependencies: BTreeMap<String, DependencyDetail>,
    /// How far the archive is behind; absent without a long-term store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ArchiveDetail, required = false)]
    pub archive: Option<ArchiveDetail>,
    /// What a 2xx answer to a write means, as a sentence.
    pub acknowledgement: String,
}

impl HealthDetail {
    /// The answer of a server of this version without dependencies that could fail.
    #[must_use]
    pub fn new(
        version: impl Into<String>,
        uptime: u64,
        auth_mode: impl Into<String>,
        adapters: Adapters,
        acknowledgement: impl Into<String>,
    ) -> Self {
        Self {
            ok: adapters.are_ok(),
            name: NAME.into(),
            version: version.into(),
            api_version: API_VERSION.into(),
            uptime,
            auth: AuthMode {
                mode: auth_mode.into(),
            },
            adapters,
            dependencies: BTreeMap::new(),
            archive: None,
            acknowledgement: acknowledgement.into(),
        }
    }

    /// The same with dependencies, each of which has to be healthy.
    #[must_use]
    pub fn with_dependencies(self, dependencies: BTreeMap<String, DependencyDetail>) -> Self {
        let healthy = |one: &DependencyDetail| one.state == ManagedState::Healthy;
        Self {
            ok: self.ok && dependencies.values().all(healthy),
            dependencies,
            ..self
        }
    }
}

/// How callers are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthMode {
    /// `none`, `jwt` or `custom`.
    pub mode: String,
}

/// What a server is built on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adapters {
    /// What tells other instances that something was appended.
    pub broadcast: Adapter,
    /// The truth about live tasks.
    pub short_term_store: Adapter,
    /// The archive, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Adapter, required = false)]
    pub long_term_store: Option<Adapter>,
}

impl Adapters {
    fn are_ok(&self) -> bool {
        [
            Some(&self.broadcast),
            Some(&self.short_term_store),
            self.long_term_store.as_ref(),
        ]
        .into_iter()
        .flatten()
        .all(|adapter| adapter.status == Adapter::OK)
    }
}

/// One layer of storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Adapter {
    /// `memory`, `sqlite`, `redis`, `postgres`.
    pub provider: String,
    /// `ok` or `error`.
    pub status: String,
}

impl Adapter {
    const OK: &str = "ok";

    /// A layer that works or does not.
    #[must_use]
    pub fn new(provider: impl Into<String>, works: bool) -> Self {
        Self {
            provider: provider.into(),
            status: if works { Self::OK } else { "error" }.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskcast_core::Millis;

    #[test]
    fn a_server_says_who_it_is() {
        assert_eq!(
            serde_json::to_string(&ServerInfo::new("1.2.3")).unwrap(),
            concat!(
                r#"{"name":"taskcast","version":"1.2.3","apiVersion":"v1","links":{"health":"/health","#,
                r#""healthReady":"/health/ready","healthDetail":"/health/detail","#,
                r#""openapi":"/openapi.json","docs":"/docs"}}"#
            )
        );
        assert_eq!(
            serde_json::to_string(&Health::new("1.2.3")).unwrap(),
            r#"{"ok":true,"name":"taskcast","version":"1.2.3","apiVersion":"v1"}"#
        );
    }

    #[test]
    fn one_unhealthy_dependency_is_enough_to_be_unready() {
        let none = serde_json::to_string(&Readiness::of(BTreeMap::new())).unwrap();
        assert_eq!(none, r#"{"ok":true,"dependencies":{}}"#);
        let late = Dependency {
            state: DependencyState::Unhealthy,
            error_kind: Some("timeout".into()),
        };
        let dependencies = BTreeMap::from([("redis".to_owned(), late)]);
        assert_eq!(
            serde_json::to_string(&Readiness::of(dependencies.clone())).unwrap(),
            r#"{"ok":false,"dependencies":{"redis":{"state":"unhealthy","errorKind":"timeout"}}}"#
        );
        let adapters = Adapters {
            broadcast: Adapter::new("memory", true),
            short_term_store: Adapter::new("memory", true),
            long_term_store: None,
        };
        let detail = HealthDetail::new("1", 5, "none", adapters, "In this process only.");
        assert!(detail.ok);
        let since = Millis(1_700_000_000_005);
        let away = DependencyDetail::new(ManagedState::Reconnecting, since);
        let away = BTreeMap::from([("redis".to_owned(), away)]);
        assert!(!detail.with_dependencies(away).ok);
    }
}
