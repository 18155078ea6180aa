//! Single values of an archive, refused in the words that archives have always been refused in.

use crate::Invalid;
use crate::read::object;
use serde_json::value::RawValue;
use std::borrow::Cow;
use taskcast_core::Millis;

pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), Invalid> {
    if holds {
        Ok(())
    } else {
        Err(Invalid::because(message()))
    }
}

pub(super) fn about(id: &str, what: &str) -> Invalid {
    Invalid::because(format!("{what} for event {id}"))
}

pub(super) fn fields<'a, const N: usize>(
    raw: Option<&'a RawValue>,
    names: &[&str; N],
    otherwise: &str,
) -> Result<[Option<&'a RawValue>; N], Invalid> {
    raw.and_then(|raw| object(raw.get(), names).ok().flatten())
        .ok_or_else(|| Invalid::because(otherwise))
}

pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str(raw?.get()).ok().map(Cow::Owned)
}

pub(super) fn number(raw: Option<&RawValue>) -> Option<f64> {
    let number: f64 = raw?.get().parse().ok()?;
    number.is_finite().then_some(number)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion that saturates is what is meant: before 1970 is 1970"
)]
pub(super) fn time_of(
    raw: Option<&RawValue>,
    now: Millis,
    name: impl FnOnce() -> String,
) -> Result<Millis, Invalid> {
    let number = number(raw)
        .ok_or_else(|| Invalid::because(format!("{} must be a finite number", name())))?;
    Ok(Millis((number as u64).min(now.0)))
}

/// Whether a JSON value asks for nothing: `null`, an empty list, an empty set of rules.
pub(super) fn holds_nothing(json: &str) -> bool {
    let compact: String = json.split_ascii_whitespace().collect();
    matches!(&*compact, "null" | "[]" | "{}" | r#"{"rules":[]}"#)
}

/// A value as an error text shows it.
pub(super) fn shown(raw: Option<&RawValue>) -> String {
    const MOST_CHARS: usize = 100;
    let whole = match (raw, text(raw)) {
        (None, _) => Cow::Borrowed("undefined"),
        (Some(_), Some(text)) => text,
        (Some(raw), None) => Cow::Borrowed(raw.get()),
    };
    whole.chars().take(MOST_CHARS).collect()
}
