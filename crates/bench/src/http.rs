//! Requests over one connection that is kept.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Body = BoxBody<Bytes, Infallible>;

/// A connection to a server.
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    // Drives the connection; ends with it.
    _driver: JoinSet<()>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // The end of the connection shows at the next request.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            _driver: driver,
        })
    }

    /// Posts JSON and reads the whole answer, which has to be a success.
    pub(crate) async fn post(&mut self, path: &str, json: Bytes) -> io::Result<Bytes> {
        self.send(
            Method::POST,
            path,
            "application/json",
            Full::new(json).boxed(),
        )
        .await
    }

    /// Changes the status of a task.
    pub(crate) async fn change(&mut self, task: &str, status: &str) -> io::Result<()> {
        let (path, body) = (
            format!("/tasks/{task}/status"),
            format!("{{\"status\":\"{status}\"}}"),
        );
        let body = Full::new(body.into()).boxed();
        self.send(Method::PATCH, &path, "application/json", body)
            .await
            .map(drop)
    }

    /// Creates a running task.
    pub(crate) async fn running_task(&mut self, id: &str) -> io::Result<()> {
        let body = format!("{{\"id\":\"{id}\",\"type\":\"bench\"}}");
        self.post("/tasks", body.into()).await?;
        self.change(id, "running").await
    }

    /// Posts lines as a stream of pieces.
    pub(crate) async fn post_lines(
        &mut self,
        path: &str,
        pieces: impl futures_util::Stream<Item = Bytes> + Send + Sync + 'static,
    ) -> io::Result<Bytes> {
        use futures_util::StreamExt;
        let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        let body = BoxBody::new(StreamBody::new(frames));
        self.send(Method::POST, path, "application/x-ndjson", body)
            .await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: Body,
    ) -> io::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, kind)
            .body(body)
            .map_err(io::Error::other)?;
        self.sender.ready().await.map_err(io::Error::other)?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?
            .to_bytes();
        if status.is_success() {
            Ok(body)
        } else {
            Err(refused(path, status, &body))
        }
    }
}

fn refused(path: &str, status: StatusCode, body: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(body);
    io::Error::other(format!("{path} answered {status}: {text}"))
}
