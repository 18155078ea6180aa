//! Auth mode `none`: everybody may do everything.

use crate::{AuthError, Authenticator};
use async_trait::async_trait;
use http::request::Parts;
use taskcast_core::{Identity, Millis};

/// Takes every caller for [`Identity::anyone`], whatever the request shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anyone;

#[async_trait]
impl Authenticator for Anyone {
    async fn authenticate(&self, _: &Parts, _: Millis) -> Result<Identity, AuthError> {
        Ok(Identity::anyone())
    }
}
