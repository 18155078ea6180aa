//! Requests and their answers.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use serde_json::Value;

/// A request about to be sent.
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Body,
}

pub fn get(path: &str) -> Ask {
    Ask::new(Method::GET, path)
}

pub fn post(path: &str) -> Ask {
    Ask::new(Method::POST, path)
}

pub fn patch(path: &str) -> Ask {
    Ask::new(Method::PATCH, path)
}

pub fn delete(path: &str) -> Ask {
    Ask::new(Method::DELETE, path)
}

impl Ask {
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Body::empty(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::try_from(name).expect("a header name");
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header value");
        self.headers.append(name, value);
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    /// A body that says it is JSON.
    #[must_use]
    pub fn text(self, body: &str) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_owned())
    }

    /// Lines.
    #[must_use]
    pub fn lines(self, body: impl Into<Body>) -> Self {
        self.header("content-type", "application/x-ndjson")
            .body(body)
    }

    pub fn into_request(self) -> Request<Body> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().expect("a path");
        *request.headers_mut() = self.headers;
        request
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// The answer, which has to have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The answer, which has to have this status, error code and sentence.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, error: &str) -> Self {
        let (is_code, is_error) = (self.code(), self.error());
        assert_eq!(
            (self.status, &*is_code, &*is_error),
            (status, code, error),
            "{}",
            self.text()
        );
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn field(&self, name: &str) -> String {
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        let text = json.and_then(|json| Some(json.get(name)?.as_str()?.to_owned()));
        text.unwrap_or_default()
    }

    pub fn code(&self) -> String {
        self.field("code")
    }

    pub fn error(&self) -> String {
        self.field("error")
    }
}
