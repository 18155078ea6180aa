//! What the claims of a token say, and whether they hold.
//!
//! Two rules stand above the others. A claim of a wrong type never counts as absent, because
//! absent may mean more: it refuses the token. And what cannot be understood never widens what
//! the token allows.

use super::json;
use super::problem::TokenProblem;
use serde_json::{Map, Value};
use taskcast_core::{Identity, Limits, Millis, RawJson, Scopes, TaskId, TaskScope};

/// What tokens must say, and how far clocks may differ.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) leeway: Millis,
}

/// The identity that a payload describes at `now`.
pub(super) fn identity(
    payload: &[u8],
    expected: &Expected,
    now: Millis,
) -> Result<Identity, TokenProblem> {
    let raw =
        RawJson::parse(payload, Limits::default().json_depth).map_err(|_| TokenProblem::Claims)?;
    let claims = Claims(json::object(payload).ok_or(TokenProblem::Claims)?);
    claims.check_parties(expected)?;
    for name in ["jti", "workerId"] {
        claims.text(name)?;
    }
    Ok(Identity {
        subject: claims.text("sub")?.map(Into::into),
        tasks: claims.tasks()?,
        scopes: claims.scopes()?,
        expires_at: claims.check_times(expected.leeway, now)?,
        claims: Some(raw),
    })
}

struct Claims(Map<String, Value>);

impl Claims {
    fn check_parties(&self, expected: &Expected) -> Result<(), TokenProblem> {
        let issuer = self.text("iss")?;
        if expected.issuer.is_some() && issuer != expected.issuer.as_deref() {
            return Err(TokenProblem::ClaimValue("iss"));
        }
        let audiences = self.audiences()?;
        match &expected.audience {
            Some(audience) if !audiences.contains(&audience.as_str()) => {
                Err(TokenProblem::ClaimValue("aud"))
            }
            _ => Ok(()),
        }
    }

    /// Checks `exp`, `nbf` and `iat`; returns when the token ends, leeway included.
    fn check_times(&self, leeway: Millis, now: Millis) -> Result<Option<Millis>, TokenProblem> {
        let after_leeway = |time: Millis| Millis(time.0.saturating_add(leeway.0));
        self.time("iat")?;
        if self
            .time("nbf")?
            .is_some_and(|from| after_leeway(now) < from)
        {
            return Err(TokenProblem::NotYetValid);
        }
        let end = self.time("exp")?.map(after_leeway);
        match end {
            Some(end) if now >= end => Err(TokenProblem::Expired),
            _ => Ok(end),
        }
    }

    fn tasks(&self) -> Result<TaskScope, TokenProblem> {
        match self.0.get("taskIds") {
            None => Ok(TaskScope::All),
            Some(Value::String(word)) if word == "*" => Ok(TaskScope::All),
            // In a list, `*` is the id of a task like any other.
            Some(Value::Array(_)) => {
                let ids = self.texts("taskIds")?;
                let ids = ids.into_iter().filter_map(|id| TaskId::new(id).ok());
                Ok(TaskScope::Only(ids.collect()))
            }
            Some(_) => Err(TokenProblem::ClaimType("taskIds")),
        }
    }

    fn scopes(&self) -> Result<Scopes, TokenProblem> {
        match self.0.get("scope") {
            None => Ok(Scopes::NONE),
            Some(_) => self.texts("scope").map(Scopes::from_words),
        }
    }

    fn audiences(&self) -> Result<Vec<&str>, TokenProblem> {
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(_) => self.texts("aud"),
        }
    }

    /// A claim that is a string when it is present.
    fn text(&self, name: &'static str) -> Result<Option<&str>, TokenProblem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenProblem::ClaimType(name)),
        }
    }

    /// A claim that is a list of strings; it is present.
    fn texts(&self, name: &'static str) -> Result<Vec<&str>, TokenProblem> {
        self.0
            .get(name)
            .and_then(Value::as_array)
            .and_then(|list| list.iter().map(Value::as_str).collect())
            .ok_or(TokenProblem::ClaimType(name))
    }

    /// A claim that is a number of seconds, whole or not, when it is present.
    fn time(&self, name: &'static str) -> Result<Option<Millis>, TokenProblem> {
        self.0
            .get(name)
            .map(|value| millis(value).ok_or(TokenProblem::ClaimType(name)))
            .transpose()
    }
}

/// Seconds since the epoch, to the nearest millisecond; times out of range become the last one.
fn millis(seconds: &Value) -> Option<Millis> {
    if let Some(whole) = seconds.as_u64() {
        return Some(Millis(whole.saturating_mul(1_000)));
    }
    let seconds = seconds.as_f64().filter(|number| *number >= 0.0)?;
    // A conversion from floating point saturates.
    Some(Millis((seconds * 1_000.0).round() as u64))
}
