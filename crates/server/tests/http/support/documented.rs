//! The OpenAPI document as a promise: every answer that a test sees has to be in it.

use super::Answer;
use http::Method;
use serde_json::Value;
use std::sync::LazyLock;
use taskcast_api::ErrorCode;

pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(taskcast_server::openapi()).expect("JSON"));

/// Checks an answer to a request against the document, and the shape of errors.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    check_status(method, path, answer.status);
    if answer.status >= 400 && method != Method::HEAD && method != Method::OPTIONS {
        // Readiness is no error: it is an answer that says no.
        if path != "/health/ready" {
            check_error(answer);
        }
    }
}

#[track_caller]
pub fn check_status(method: &Method, path: &str, status: u16) {
    assert!(
        status < 500 || status == 503,
        "{method} {path} failed with {status}"
    );
    let Some(operation) = operation(method, path) else {
        assert!(
            matches!(status, 403..=405) || method == Method::OPTIONS,
            "{method} {path} is not documented and answers {status}"
        );
        return;
    };
    assert!(
        operation["responses"].get(status.to_string()).is_some(),
        "{method} {path} answers {status}, which is not documented"
    );
}

/// Every error is one object: a sentence, a known code whose status it has, maybe details.
#[track_caller]
pub fn check_error(answer: &Answer) {
    let json = answer.json();
    let object = json.as_object().expect("an object");
    let code: ErrorCode = answer.code().parse().expect("a known code");
    assert_eq!(code.status(), answer.status, "{json}");
    assert!(!answer.error().is_empty(), "{json}");
    assert!(
        object
            .keys()
            .all(|key| matches!(&**key, "error" | "code" | "details")),
        "{json}"
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        code.retry_after().map(|seconds| seconds.to_string()),
        answer.header("retry-after").map(str::to_owned)
    );
}

/// The documented operation that a request means; HEAD is GET without its body.
pub fn operation<'a>(method: &Method, path: &str) -> Option<&'a Value> {
    let method = match method.as_str() {
        "HEAD" => "get".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    let path = path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    // A literal path is meant before one with parameters.
    let exact = paths.get(path).and_then(|item| item.get(&method));
    exact.or_else(|| {
        paths
            .iter()
            .filter(|(template, _)| fits(template, path))
            .find_map(|(_, item)| item.get(&method))
    })
}

fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(known), Some(given)) if known == given => {}
            (Some(known), Some(_)) if known.starts_with('{') => {}
            _ => return false,
        }
    }
}
