//! Bytes to and from the server: HTTP/1.1 over TCP or TLS, connections kept and reused.

use crate::ClientError;
use crate::error::innermost;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// The body of a request.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, Infallible>;

/// Connections to one server. No proxy of the environment is used: what goes to a server named by
/// its URL goes there.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: Client<HttpsConnector<HttpConnector>, RequestBody>,
    origin: Arc<str>,
}

impl Transport {
    /// Connections to the server at `base`. Certificates of the system are read for `https` only.
    pub(crate) fn new(base: &Uri, origin: Arc<str>) -> Result<Self, ClientError> {
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
        /// Shorter than servers keep idle connections, so that a request seldom meets a closed one.
        const KEEP_IDLE: Duration = Duration::from_secs(5);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(base.scheme_str() == Some("https"))?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP_IDLE)
            .build(connector);
        Ok(Self { http, origin })
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, ClientError> {
        self.http.request(request).await.map_err(|error| {
            let sent = !error.is_connect();
            ClientError::Network {
                what: if sent {
                    "the connection broke to"
                } else {
                    "cannot reach"
                },
                origin: self.origin.clone(),
                cause: innermost(&error).into(),
                sent,
            }
        })
    }
}

fn tls(wanted: bool) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::invalid(format!("TLS cannot be used: {error}")))?;
    let builder = if wanted {
        builder.with_native_roots().map_err(|error| {
            ClientError::invalid(format!("the system's certificates cannot be read: {error}"))
        })?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// A body that is there.
pub(crate) fn whole(mut parts: Vec<Bytes>) -> RequestBody {
    if parts.len() <= 1 {
        return Full::new(parts.pop().unwrap_or_default()).boxed_unsync();
    }
    let frames = parts.into_iter().map(|part| Ok(Frame::data(part)));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

/// A body that is written while it is sent. It ends when the sender is dropped. One chunk waits at
/// most: who writes faster than the server takes has to wait.
pub(crate) fn written() -> (mpsc::Sender<Bytes>, RequestBody) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Chunks(receiver).boxed_unsync())
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
