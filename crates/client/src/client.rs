//! The client: where the server is, and who calls.

use crate::token::Credentials;
use crate::transport::Transport;
use crate::{ClientError, RetryPolicy, TokenSource};
use http::{HeaderValue, Uri};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A client of one Taskcast server. Cheap to clone; clones share connections and token.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) transport: Transport,
    pub(crate) credentials: Credentials,
    pub(crate) service_key: Option<HeaderValue>,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    /// Scheme, host and port: what errors name.
    pub(crate) origin: Arc<str>,
    /// The URL of the server without a slash at its end.
    pub(crate) base: String,
}

/// The settings of a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    base_url: String,
    token: TokenSource,
    service_key: Option<String>,
    timeout: Duration,
    retry: RetryPolicy,
}

impl Client {
    /// A client of the server at a URL: `http://localhost:3721`, or with the path under which a
    /// host application nests it: `https://app.example.com/taskcast`.
    #[must_use]
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            token: TokenSource::none(),
            service_key: None,
            timeout: Duration::from_secs(30),
            retry: RetryPolicy::requests(),
        }
    }

    /// A client without credentials.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn new(base_url: impl Into<String>) -> Result<Self, ClientError> {
        Self::builder(base_url).build()
    }

    /// Scheme, host and port of the server.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Where the bearer token comes from; none by default.
    #[must_use]
    pub fn token(mut self, source: TokenSource) -> Self {
        self.token = source;
        self
    }

    /// The key of a trusted service.
    #[must_use]
    pub fn service_key(mut self, key: impl Into<String>) -> Self {
        self.service_key = Some(key.into());
        self
    }

    /// How long to wait for the head of an answer, and for each further piece of it; 30 s by
    /// default. Streams have their own time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How requests that may be repeated are repeated; [`RetryPolicy::requests`] by default.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The client. Connects to nothing yet.
    ///
    /// # Errors
    /// When the URL is none or carries credentials or a query, when the key can stand in no
    /// header, or when the certificates of the system cannot be read.
    pub fn build(self) -> Result<Client, ClientError> {
        let base = self.base_url.trim_end_matches('/').to_owned();
        let uri = check_base(&base)?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let origin: Arc<str> = format!("{scheme}://{authority}").into();
        let shared = Shared {
            transport: Transport::new(&uri, origin.clone())?,
            credentials: Credentials::new(self.token),
            service_key: self.service_key.as_deref().map(service_key).transpose()?,
            timeout: self.timeout,
            retry: self.retry,
            origin,
            base,
        };
        Ok(Client {
            shared: Arc::new(shared),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("token", &self.token)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

fn check_base(base: &str) -> Result<Uri, ClientError> {
    let because = |why: &str| ClientError::invalid(format!("the URL of the server {why}"));
    // The URL itself is not told: it may carry a password.
    let uri: Uri = base.parse().map_err(|_| because("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(because("has to begin with http:// or https://"));
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err(because("must not carry credentials; give a token instead"));
    }
    if uri.query().is_some() || base.contains('#') {
        return Err(because("must not have a query or a fragment"));
    }
    Ok(uri)
}

fn service_key(key: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(key).map_err(|_| {
        ClientError::invalid("the service key has characters that no header can carry")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_cannot_work_are_refused_without_telling_a_secret() {
        for (url, why) in [
            ("localhost:3721", "http://"),
            ("ftp://h", "http://"),
            ("", "not a URL"),
            ("http://u:s3cret@h", "credentials"),
            ("http://h/?token=s3cret", "query"),
        ] {
            let text = Client::new(url).unwrap_err().to_string();
            assert!(
                text.contains(why) && !text.contains("s3cret"),
                "{url}: {text}"
            );
        }
        let client = Client::new("http://[::1]:1/nested/").unwrap();
        assert_eq!(client.origin(), "http://[::1]:1");
    }

    #[test]
    fn nothing_shows_a_secret() {
        let builder = Client::builder("http://h")
            .token(TokenSource::fixed("s3cret"))
            .service_key("s3cret");
        assert!(!format!("{builder:?} {:?}", builder.clone().build().unwrap()).contains("s3cret"));
        let broken = Client::builder("http://h").service_key("s3cret\n").build();
        assert!(!broken.unwrap_err().to_string().contains("s3cret"));
    }
}
