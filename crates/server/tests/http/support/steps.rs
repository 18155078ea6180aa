//! Stories as tables: a request, and what has to come back.

use super::{Ask, World};
use http::Method;
use serde_json::Value;

/// `POST /tasks`, its JSON body or nothing, the status, and what the answer has to hold.
pub type Step = (&'static str, &'static str, u16, &'static str);

/// Takes the steps in their order.
pub async fn take(world: &World, steps: &[Step]) {
    for (request, body, status, expected) in steps {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let mut ask = Ask::new(
            Method::from_bytes(method.as_bytes()).expect("a method"),
            path,
        );
        if !body.is_empty() {
            ask = ask.text(body);
        }
        let answer = world.ask(ask).await;
        let text = answer.text();
        assert_eq!(answer.status, *status, "{request} {body}: {text}");
        if !expected.is_empty() {
            let expected: Value = serde_json::from_str(expected).expect("the table is JSON");
            assert!(
                holds(&answer.json(), &expected),
                "{request}: {text} is not {expected}"
            );
        }
    }
}

/// Whether a value has everything that is expected: objects may have more keys, arrays may not
/// have more items, and an expected `null` means that the key is absent.
pub fn holds(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => {
            expected.iter().all(|(key, expected)| match value.get(key) {
                None => expected.is_null(),
                Some(value) => holds(value, expected),
            })
        }
        (Value::Array(value), Value::Array(expected)) => {
            value.len() == expected.len() && value.iter().zip(expected).all(|(v, e)| holds(v, e))
        }
        (value, expected) => value == expected,
    }
}
