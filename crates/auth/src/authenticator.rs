//! The one question of this crate: who sent this request?

use crate::AuthError;
use async_trait::async_trait;
use http::request::Parts;
use std::sync::Arc;
use taskcast_core::{Identity, Millis};

/// Finds out who sent a request.
///
/// An authenticator only ever says who somebody is. What they may do with a task is decided from
/// the [`Identity`], by whoever serves the request.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The identity behind a request, as of `now`.
    ///
    /// # Errors
    /// [`AuthError`]: the request shows no credentials, or they do not hold, or they cannot be
    /// checked at the moment.
    async fn authenticate(&self, request: &Parts, now: Millis) -> Result<Identity, AuthError>;
}

#[async_trait]
impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    async fn authenticate(&self, request: &Parts, now: Millis) -> Result<Identity, AuthError> {
        (**self).authenticate(request, now).await
    }
}

#[async_trait]
impl<A: Authenticator + ?Sized> Authenticator for Box<A> {
    async fn authenticate(&self, request: &Parts, now: Millis) -> Result<Identity, AuthError> {
        (**self).authenticate(request, now).await
    }
}
