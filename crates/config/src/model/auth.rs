//! Keys under `auth` and `trustedServices`.

use super::{Secret, Selection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who may use the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AuthConfig {
    /// How callers are identified: `none` (everybody may do everything), `jwt` (bearer tokens) or
    /// `custom` (a function; only in an embedding program).
    pub mode: AuthMode,
    /// How bearer tokens are checked; used with `auth.mode: jwt`.
    pub jwt: JwtConfig,
}

/// How callers are identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// Everybody may do everything.
    #[default]
    None,
    /// Signed bearer tokens.
    Jwt,
    /// A function of the embedding program.
    Custom,
}

/// How bearer tokens are checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct JwtConfig {
    /// The only accepted signature algorithm, whatever a token's header says.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_ALGORITHM"]))]
    pub algorithm: Algorithm,
    /// The shared secret of HS256, HS384 and HS512; 32 bytes or more.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_SECRET"]))]
    pub secret: Option<Secret>,
    /// A file that holds the shared secret; a line end at its end is not part of it.
    pub secret_file: Option<PathBuf>,
    /// The public key of RS*, PS*, ES* and EdDSA, as PEM text.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_PUBLIC_KEY"]))]
    pub public_key: Option<Secret>,
    /// A PEM file that holds the public key.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_PUBLIC_KEY_FILE"]))]
    pub public_key_file: Option<PathBuf>,
    /// The `iss` claim that tokens must carry.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_ISSUER"]))]
    pub issuer: Option<String>,
    /// The audience that tokens must name in `aud`.
    #[schemars(extend("x-variables" = ["TASKCAST_JWT_AUDIENCE"]))]
    pub audience: Option<String>,
    /// Seconds of clock difference allowed in `exp` and `nbf`.
    #[schemars(range(min = 0, max = 600))]
    pub leeway_seconds: u64,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            secret: None,
            secret_file: None,
            public_key: None,
            public_key_file: None,
            issuer: None,
            audience: None,
            leeway_seconds: 60,
        }
    }
}

/// A signature algorithm of RFC 7518 or RFC 8037.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    #[default]
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// EdDSA on Ed25519.
    EdDSA,
}

impl Algorithm {
    /// The name used in token headers and in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether both sides share one secret (HS256, HS384, HS512).
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

/// A backend that identifies itself with a key instead of a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedServiceConfig {
    /// What the service is called in logs: its subject is `svc:<name>`.
    pub name: String,
    /// The key it sends in `X-Taskcast-Service-Key`; 16 bytes or more.
    pub key: Option<Secret>,
    /// A file that holds the key; a line end at its end is not part of it.
    pub key_file: Option<PathBuf>,
    /// The tasks it may touch: `*` (as when left out) or a list of ids.
    pub task_ids: Option<Selection>,
    /// What it may do.
    pub scope: Vec<ScopeName>,
}

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ScopeName {
    /// Create tasks.
    #[serde(rename = "task:create")]
    TaskCreate,
    /// Read, change and delete tasks.
    #[serde(rename = "task:manage")]
    TaskManage,
    /// Answer what a blocked task asks.
    #[serde(rename = "task:resolve")]
    TaskResolve,
    /// Signal tasks.
    #[serde(rename = "task:signal")]
    TaskSignal,
    /// Publish events.
    #[serde(rename = "event:publish")]
    EventPublish,
    /// Follow events.
    #[serde(rename = "event:subscribe")]
    EventSubscribe,
    /// Read past events.
    #[serde(rename = "event:history")]
    EventHistory,
    /// Attach webhooks to tasks.
    #[serde(rename = "webhook:create")]
    WebhookCreate,
    /// Take tasks as a worker.
    #[serde(rename = "worker:connect")]
    WorkerConnect,
    /// Manage workers.
    #[serde(rename = "worker:manage")]
    WorkerManage,
    /// Everything.
    #[serde(rename = "*")]
    All,
}

impl ScopeName {
    /// The word used in tokens and in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskCreate => "task:create",
            Self::TaskManage => "task:manage",
            Self::TaskResolve => "task:resolve",
            Self::TaskSignal => "task:signal",
            Self::EventPublish => "event:publish",
            Self::EventSubscribe => "event:subscribe",
            Self::EventHistory => "event:history",
            Self::WebhookCreate => "webhook:create",
            Self::WorkerConnect => "worker:connect",
            Self::WorkerManage => "worker:manage",
            Self::All => "*",
        }
    }
}
