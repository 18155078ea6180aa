//! One request: made, sent, repeated where that is safe, and its answer read.

use crate::client::Client;
use crate::error::body_of;
use crate::retry::Backoff;
use crate::transport::{RequestBody, whole};
use crate::{ClientError, RetryPolicy};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The largest answer that is read into memory.
const MAX_ANSWER_BYTES: usize = 1 << 30;
/// The most of a refusal that is read.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// A request, as it can be made any number of times.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Vec<Bytes>,
    repeatable: bool,
}

impl Call {
    /// A read, which can be repeated.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target, true)
    }

    /// A request that is not repeated once the server may have seen it.
    pub(crate) fn new(method: Method, target: impl Into<String>, repeatable: bool) -> Self {
        Self {
            method,
            target: target.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            repeatable,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self, ClientError> {
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            ClientError::invalid(format!("the value for {name} can stand in no header"))
        })?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| ClientError::invalid(format!("the body has no JSON form: {error}")))?;
        Ok(self.json_bytes(vec![bytes.into()]))
    }

    pub(crate) fn json_bytes(mut self, parts: Vec<Bytes>) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(CONTENT_TYPE, json);
        self.body = parts;
        self
    }
}

impl Client {
    /// Makes a request and reads its answer.
    pub(crate) async fn answer<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        let bytes = self.bytes(call, self.shared.retry).await?;
        read_json(&bytes)
    }

    /// Makes a request, repeating it where that is safe, and takes the bytes of its answer.
    pub(crate) async fn bytes(
        &self,
        call: &Call,
        policy: RetryPolicy,
    ) -> Result<Bytes, ClientError> {
        let mut backoff = Backoff::new(policy);
        loop {
            match self.bytes_once(call).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => pause(&mut backoff, call, error).await?,
            }
        }
    }

    async fn bytes_once(&self, call: &Call) -> Result<Bytes, ClientError> {
        let response = self.head_once(call).await?;
        self.read(response, MAX_ANSWER_BYTES).await
    }

    /// Makes a request and gives its answer while it arrives.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response<Incoming>, ClientError> {
        let mut backoff = Backoff::new(self.shared.retry);
        loop {
            match self.head_once(call).await {
                Ok(response) => return Ok(response),
                Err(error) => pause(&mut backoff, call, error).await?,
            }
        }
    }

    /// Makes a request once, or twice when the token has to be renewed.
    pub(crate) async fn head_once(&self, call: &Call) -> Result<Response<Incoming>, ClientError> {
        let mut renewed = false;
        loop {
            let token = self.shared.credentials.header().await?;
            let request = self.prepare(call, token.as_ref(), whole(call.body.clone()))?;
            let response = self.head(request).await?;
            let refused = response.status() == StatusCode::UNAUTHORIZED && !renewed;
            if refused && self.shared.credentials.refused(token.as_ref()).await {
                renewed = true;
                continue;
            }
            return self.success(response).await;
        }
    }

    /// Makes a request whose body is still being written. Nothing limits how long it takes.
    pub(crate) async fn send_written(
        &self,
        call: &Call,
        body: RequestBody,
    ) -> Result<Bytes, ClientError> {
        let token = self.shared.credentials.header().await?;
        let request = self.prepare(call, token.as_ref(), body)?;
        let response = self.shared.transport.send(request).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.shared.credentials.refused(token.as_ref()).await;
        }
        let response = self.success(response).await?;
        self.read(response, MAX_ANSWER_BYTES).await
    }

    fn prepare(
        &self,
        call: &Call,
        token: Option<&HeaderValue>,
        body: RequestBody,
    ) -> Result<Request<RequestBody>, ClientError> {
        const SERVICE_KEY: HeaderName = HeaderName::from_static("x-taskcast-service-key");
        let mut request = Request::new(body);
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = format!("{}{}", self.shared.base, call.target)
            .parse()
            .map_err(|_| ClientError::invalid("the request does not fit into a URL"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        if let Some(key) = &self.shared.service_key {
            headers.insert(SERVICE_KEY, key.clone());
        }
        headers.extend(call.headers.clone());
        Ok(request)
    }

    async fn head(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, ClientError> {
        let head = timeout(self.shared.timeout, self.shared.transport.send(request));
        head.await.map_err(|_| self.late())?
    }

    /// The answer, or the error it tells.
    async fn success(
        &self,
        response: Response<Incoming>,
    ) -> Result<Response<Incoming>, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        // A refusal whose body does not arrive whole is a refusal all the same.
        let body = self
            .read(response, MAX_ERROR_BYTES)
            .await
            .unwrap_or_default();
        Err(ClientError::Server {
            status: status.as_u16(),
            body: body_of(status.as_u16(), &body),
            retry_after,
        })
    }

    async fn read(&self, response: Response<Incoming>, limit: usize) -> Result<Bytes, ClientError> {
        let mut body = response.into_body();
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut body).await? {
            if whole.len() + chunk.len() > limit {
                let text = format!("the answer is larger than {limit} bytes; ask for less");
                return Err(ClientError::protocol(text));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The next piece of an answer; none at its end.
    pub(crate) async fn chunk(&self, body: &mut Incoming) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(self.shared.timeout, body.frame());
            match frame.await.map_err(|_| self.late())? {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(ClientError::broke(&self.shared.origin, &error)),
            }
        }
    }

    pub(crate) fn late(&self) -> ClientError {
        ClientError::Timeout {
            origin: self.shared.origin.clone(),
            after: self.shared.timeout,
        }
    }
}

/// Waits before the next try, or gives the error back when there shall be none.
async fn pause(backoff: &mut Backoff, call: &Call, error: ClientError) -> Result<(), ClientError> {
    if !error.is_retryable() || !(call.repeatable || error.is_unsent()) {
        return Err(error);
    }
    match backoff.wait(&error) {
        Some(wait) => {
            sleep(wait).await;
            Ok(())
        }
        None => Err(error),
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ClientError::protocol(format!("the answer is not what Taskcast answers: {error}"))
    })
}

/// Seconds; dates are not used by Taskcast and count as absent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// What stands in a path segment or a query value as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text as one path segment or query value.
pub(crate) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, PLAIN)
}

/// A path with the query keys that have a value.
#[derive(Debug)]
pub(crate) struct Target {
    text: String,
    separator: char,
}

impl Target {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self {
            text: path.into(),
            separator: '?',
        }
    }

    pub(crate) fn with(mut self, key: &str, value: Option<impl AsRef<str>>) -> Self {
        if let Some(value) = value {
            self.text.push(self.separator);
            self.text.push_str(key);
            self.text.push('=');
            self.text.extend(utf8_percent_encode(value.as_ref(), PLAIN));
            self.separator = '&';
        }
        self
    }

    pub(crate) fn number(self, key: &str, value: Option<impl ToString>) -> Self {
        self.with(key, value.map(|number| number.to_string()))
    }

    pub(crate) fn list(self, key: &str, words: Option<&[impl AsRef<str>]>) -> Self {
        let joined = words.map(|words| {
            let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
            words.join(",")
        });
        self.with(key, joined)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.text
    }
}
