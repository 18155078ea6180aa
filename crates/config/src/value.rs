//! One value against the type of its key. A refused secret, or variable, is never shown.

use crate::describe::takes;
use crate::keys::{Property, Shape};
use crate::parse::{Node, Value as Written, Written as Source};
use crate::suggest::did_you_mean;
use serde_json::Value;

/// Why a value does not fit its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<Option<String>>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Fits a value from a file.
pub(crate) fn from_node(property: &Property, value: &Written) -> Result<Value, Complaint> {
    let refuse = |hint| expected(property, &got(property, value), hint);
    match (&property.shape, value) {
        (_, Written::Text(text)) if text.written == Source::AsVariable => {
            let got = "something else from a variable";
            from_text(property, &text.text).ok_or_else(|| expected(property, got, None))
        }
        (Shape::Bool, Written::Bool(value)) => Ok(Value::Bool(*value)),
        (Shape::Integer { min, max }, Written::Number(text)) => {
            integer(text, *min, *max).ok_or_else(|| refuse(None))
        }
        (Shape::Text, Written::Text(text)) if !text.text.is_empty() => Ok(text.text.clone().into()),
        (Shape::Word(words), Written::Text(text)) => {
            word(words, &text.text).ok_or_else(|| refuse(near(words, &text.text)))
        }
        (Shape::Selection, Written::Text(text)) if text.text == "*" => Ok("*".into()),
        (Shape::Selection, Written::List(items)) => texts(property, items),
        (Shape::Words(words), Written::List(items)) => listed(property, words, items),
        _ => Err(refuse(remedy(&property.shape, value))),
    }
}

/// Fits the text of a variable, which takes the type its key needs; lists are comma-separated. The
/// text itself is the caller's to show.
pub(crate) fn from_text(property: &Property, text: &str) -> Option<Value> {
    let parts = || {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
    };
    match &property.shape {
        Shape::Bool => text.parse().map(Value::Bool).ok(),
        Shape::Integer { min, max } => integer(text, *min, *max),
        Shape::Text if !text.is_empty() => Some(text.into()),
        Shape::Word(words) => word(words, text),
        Shape::Selection if text == "*" => Some("*".into()),
        Shape::Selection => Some(parts().map(Value::from).collect()),
        Shape::Words(words) if parts().all(|part| words.iter().any(|word| word == part)) => {
            Some(parts().map(Value::from).collect())
        }
        _ => None,
    }
}

/// Decimal digits within bounds.
fn integer(text: &str, min: i64, max: i64) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    (min..=max).contains(&number).then(|| number.into())
}

/// A known word.
fn word(words: &[String], text: &str) -> Option<Value> {
    words.iter().any(|word| word == text).then(|| text.into())
}

fn texts(property: &Property, items: &[Node]) -> Result<Value, Complaint> {
    let text = |item: &Node| match &item.value {
        Written::Text(text) if !text.text.is_empty() => Ok(Value::from(text.text.clone())),
        other => Err(expected(
            property,
            &format!("a list with {} in it", other.kind()),
            None,
        )),
    };
    items.iter().map(text).collect()
}

fn listed(property: &Property, words: &[String], items: &[Node]) -> Result<Value, Complaint> {
    let one = |item: &Node| match &item.value {
        Written::Text(text) if words.contains(&text.text) => Ok(Value::from(text.text.clone())),
        Written::Text(text) => {
            let shown = format!("a list with {} in it", got(property, &item.value));
            Err(expected(property, &shown, near(words, &text.text)))
        }
        other => Err(expected(
            property,
            &format!("a list with {} in it", other.kind()),
            None,
        )),
    };
    items.iter().map(one).collect()
}

fn near(words: &[String], text: &str) -> Option<String> {
    did_you_mean(text, words.iter().map(String::as_str))
}

fn expected(property: &Property, got: &str, hint: Option<String>) -> Complaint {
    Complaint::new(
        format!("expected {}, got {got}", takes(&property.shape)),
        hint,
    )
}

/// The value as it may be shown.
fn got(property: &Property, value: &Written) -> String {
    // What stands where a section should may well be meant for a secret key below it.
    let hidden = property.secret || !property.is_single();
    match value {
        Written::Text(text) if text.text.is_empty() => "empty text".into(),
        Written::Text(text) if !hidden && text.written == Source::Literally => quoted(&text.text),
        Written::Number(number) if !hidden => shortened(number),
        Written::Bool(value) if !hidden => value.to_string(),
        other => other.kind().into(),
    }
}

/// Text in quotes with control characters escaped, shortened.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(48) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What usually lies behind a value of the wrong type.
fn remedy(shape: &Shape, value: &Written) -> Option<String> {
    let hint = match (shape, value) {
        (_, Written::Null) => "give it a value or remove the key",
        (Shape::Integer { .. }, Written::Text(text))
            if text.written == Source::Literally
                && text.text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            "remove the quotes"
        }
        (Shape::Text, Written::Number(_) | Written::Bool(_)) => "put it in quotes",
        (Shape::Bool, Written::Text(_)) => "write true or false, without quotes",
        (Shape::Selection | Shape::Words(_), Written::Text(_)) => "write it as a list, [\"…\"]",
        _ => return None,
    };
    Some(hint.into())
}
