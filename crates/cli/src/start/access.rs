//! How callers are identified, from settings: the keys, and what checks with them.

use crate::Failure;
use std::fmt;
use std::sync::Arc;
use taskcast_auth::{
    Anyone, Authenticator, JwtAuthenticator, Key, PublicKey, ServiceKey, SharedKey, WithServiceKeys,
};
use taskcast_config::{Auth, JwtKey, JwtSettings, Selection, Settings, TrustedService};
use taskcast_core::{Scopes, TaskId, TaskScope};

/// How callers are identified.
pub struct Access {
    /// Finds out who a caller is.
    pub authenticator: Arc<dyn Authenticator>,
    /// What signs tokens, where they are checked with a shared secret.
    pub signer: Option<SharedKey>,
    /// What is questionable about the key.
    pub warning: Option<String>,
}

/// How callers are identified.
///
/// # Errors
/// When a key does not fit its algorithm, or a trusted service cannot be used as it is configured.
pub fn access(settings: &Settings) -> Result<Access, Failure> {
    let services: Vec<ServiceKey> = settings
        .trusted_services
        .iter()
        .map(service)
        .collect::<Result<_, _>>()?;
    let Auth::Jwt(jwt) = &settings.auth else {
        return Ok(Access {
            authenticator: Arc::new(WithServiceKeys::new(services, Anyone)),
            signer: None,
            warning: None,
        });
    };
    let key = key(jwt).map_err(|problem| Failure::Usage(format!("auth.jwt: {problem}")))?;
    let signer = match &key {
        Key::Shared(key) => Some(key.clone()),
        Key::Public(_) => None,
    };
    let inner = JwtAuthenticator::new(taskcast_auth::JwtSettings {
        key,
        issuer: jwt.issuer.clone(),
        audience: jwt.audience.clone(),
        leeway: jwt.leeway,
    });
    Ok(Access {
        warning: inner
            .warning()
            .map(|warning| format!("auth.jwt: {warning}")),
        authenticator: Arc::new(WithServiceKeys::new(services, inner)),
        signer,
    })
}

fn key(jwt: &JwtSettings) -> Result<Key, String> {
    let algorithm: taskcast_auth::Algorithm = jwt
        .algorithm
        .as_str()
        .parse()
        .map_err(|_| format!("{} cannot be checked by this build", jwt.algorithm.as_str()))?;
    let key = match &jwt.key {
        JwtKey::Secret(secret) => {
            SharedKey::new(algorithm, secret.expose().as_bytes()).map(Key::from)
        }
        JwtKey::PublicKey(pem) => PublicKey::from_pem(algorithm, pem.expose()).map(Key::from),
    };
    key.map_err(|error| error.to_string())
}

fn service(service: &TrustedService) -> Result<ServiceKey, Failure> {
    let refuse = |problem: &dyn fmt::Display| {
        Failure::Usage(format!("trustedServices: {:?}: {problem}", service.name))
    };
    let tasks = match &service.task_ids {
        Selection::All => TaskScope::All,
        Selection::These(ids) => TaskScope::Only(
            ids.iter()
                .map(|id| TaskId::new(id).map_err(|error| refuse(&error)))
                .collect::<Result<_, _>>()?,
        ),
    };
    let scopes = Scopes::from_words(service.scope.iter().map(|scope| scope.as_str()));
    let key = service.key.expose().as_bytes();
    ServiceKey::new(&service.name, key, tasks, scopes).map_err(|error| refuse(&error))
}
