//! Trusted services: backends that identify themselves with a key instead of a token.

use crate::{AuthError, Authenticator};
use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderMap;
use http::request::Parts;
use std::fmt;
use taskcast_core::{Identity, Millis, Scopes, TaskScope};

/// The header in which a trusted service sends its key.
pub const SERVICE_KEY_HEADER: &str = "x-taskcast-service-key";

/// The shortest key a service may have, in bytes.
pub const SERVICE_KEY_MIN_BYTES: usize = 16;

/// A trusted service: its key (kept as a digest only) and what it may do.
#[derive(Clone)]
pub struct ServiceKey {
    subject: Box<str>,
    digest: [u8; SHA256_OUTPUT_LEN],
    tasks: TaskScope,
    scopes: Scopes,
}

/// A key that no service may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of service `{service}` has {bytes} bytes; give it at least 16")]
pub struct ServiceKeyTooShort {
    /// The name of the service.
    pub service: String,
    /// How long its key is, in bytes.
    pub bytes: usize,
}

impl ServiceKey {
    /// A service that sends `key` and then acts as `svc:<name>`.
    ///
    /// # Errors
    /// When the key has fewer than [`SERVICE_KEY_MIN_BYTES`] bytes.
    pub fn new(
        name: &str,
        key: &[u8],
        tasks: TaskScope,
        scopes: Scopes,
    ) -> Result<Self, ServiceKeyTooShort> {
        if key.len() < SERVICE_KEY_MIN_BYTES {
            return Err(ServiceKeyTooShort {
                service: name.to_owned(),
                bytes: key.len(),
            });
        }
        Ok(Self {
            subject: format!("svc:{name}").into(),
            digest: sha256(key),
            tasks,
            scopes,
        })
    }

    fn identity(&self) -> Identity {
        Identity {
            subject: Some(self.subject.clone()),
            tasks: self.tasks.clone(),
            scopes: self.scopes,
            expires_at: None,
            claims: None,
        }
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceKey")
            .field("subject", &self.subject)
            .field("tasks", &self.tasks)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Identifies services by their key, and leaves everybody else to another authenticator.
///
/// A request with the header [`SERVICE_KEY_HEADER`] is a service's: a key that fits none is
/// refused, and the inner authenticator is not asked. Without any service the header means
/// nothing. Of services with the same key the first one counts.
#[derive(Clone, Debug)]
pub struct WithServiceKeys<A> {
    services: Vec<ServiceKey>,
    inner: A,
}

impl<A> WithServiceKeys<A> {
    /// Puts services before another authenticator.
    pub fn new(services: Vec<ServiceKey>, inner: A) -> Self {
        Self { services, inner }
    }

    /// Compares digests of one length, with every service: neither the length of a key, nor how
    /// much of it fits, nor whose it is shows in the time that takes.
    fn find(&self, key: &[u8]) -> Option<&ServiceKey> {
        let sent = sha256(key);
        self.services.iter().rev().fold(None, |found, service| {
            match verify_slices_are_equal(&service.digest, &sent) {
                Ok(()) => Some(service),
                Err(_) => found,
            }
        })
    }
}

#[async_trait]
impl<A: Authenticator> Authenticator for WithServiceKeys<A> {
    async fn authenticate(&self, request: &Parts, now: Millis) -> Result<Identity, AuthError> {
        match sent_key(&request.headers) {
            Sent::Nothing => self.inner.authenticate(request, now).await,
            _ if self.services.is_empty() => self.inner.authenticate(request, now).await,
            Sent::Several => Err(AuthError::InvalidServiceKey),
            Sent::Key(key) => self
                .find(key)
                .map(ServiceKey::identity)
                .ok_or(AuthError::InvalidServiceKey),
        }
    }
}

enum Sent<'a> {
    Nothing,
    Key(&'a [u8]),
    Several,
}

fn sent_key(headers: &HeaderMap) -> Sent<'_> {
    let mut keys = headers.get_all(SERVICE_KEY_HEADER).iter();
    match (keys.next(), keys.next()) {
        (None, _) => Sent::Nothing,
        (Some(key), None) => Sent::Key(key.as_bytes()),
        (Some(_), Some(_)) => Sent::Several,
    }
}

fn sha256(bytes: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut output = [0; SHA256_OUTPUT_LEN];
    output.copy_from_slice(digest(&SHA256, bytes).as_ref());
    output
}
