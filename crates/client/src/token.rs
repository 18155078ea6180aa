//! Where bearer tokens come from.

use crate::ClientError;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;

type Ask =
    dyn Fn() -> BoxFuture<'static, Result<String, Box<dyn Error + Send + Sync>>> + Send + Sync;

/// Where the bearer token of a client comes from. Never shows it.
#[derive(Clone, Default)]
pub struct TokenSource(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Fixed(String),
    Asked(Arc<Ask>),
}

impl TokenSource {
    /// No token.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One token, for as long as the client lives.
    #[must_use]
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Kind::Fixed(token.into()))
    }

    /// A function that gives a token. It is asked before the first request, and again when the
    /// server does not take the token any more; what it gave is used until then.
    #[must_use]
    pub fn asked<F, E>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        Self(Kind::Asked(Arc::new(move || {
            let answer = ask();
            Box::pin(async move { answer.await.map_err(Into::into) })
        })))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::None => "TokenSource::none",
            Kind::Fixed(_) => "TokenSource::fixed",
            Kind::Asked(_) => "TokenSource::asked",
        })
    }
}

/// The token as it is used, shared by all requests of a client.
#[derive(Debug)]
pub(crate) struct Credentials {
    source: TokenSource,
    /// Held while the source is asked, so that many requests ask once.
    current: Mutex<Option<HeaderValue>>,
}

impl Credentials {
    pub(crate) fn new(source: TokenSource) -> Self {
        Self {
            source,
            current: Mutex::default(),
        }
    }

    /// The value of the `Authorization` header.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, ClientError> {
        let mut current = self.current.lock().await;
        if current.is_none() {
            let token = match &self.source.0 {
                Kind::None => return Ok(None),
                Kind::Fixed(token) => token.clone(),
                Kind::Asked(ask) => ask()
                    .await
                    .map_err(|error| ClientError::Token(error.to_string().into()))?,
            };
            *current = Some(bearer(&token)?);
        }
        Ok(current.clone())
    }

    /// Forgets a token that was refused, unless another request already did; tells whether asking
    /// again may give another one.
    pub(crate) async fn refused(&self, used: Option<&HeaderValue>) -> bool {
        let Kind::Asked(_) = self.source.0 else {
            return false;
        };
        let mut current = self.current.lock().await;
        if current.as_ref() == used {
            *current = None;
        }
        true
    }

    /// Whether another token can be had than the one in use.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.source.0, Kind::Asked(_))
    }

    /// Makes the next request ask for a token: the one in use has probably expired.
    pub(crate) async fn renew(&self) {
        if let Kind::Asked(_) = self.source.0 {
            *self.current.lock().await = None;
        }
    }
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value = value.map_err(|_| {
        ClientError::Token("the token has characters that no header can carry".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}
