//! Rules of one task on who may do what with it: restrictions on top of the caller's token.

use crate::{Identity, RawJson, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `authConfig` of a task. Rules only ever narrow what a token allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// All rules that apply have to hold.
    #[serde(default)]
    pub rules: Vec<AuthRule>,
}

/// One rule: it applies to the scopes it names, and asks something of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthRule {
    /// When the rule applies.
    #[serde(rename = "match")]
    pub matches: RuleMatch,
    /// What it asks.
    pub require: Requirement,
}

/// When a rule applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleMatch {
    /// The scopes that the rule is about; `*` for every one.
    pub scope: Vec<String>,
}

/// What a rule asks of the caller; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The subject is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Vec<String>>,
    /// Each of these claims is in the token with an equal value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Map<String, Value>>,
}

impl AuthConfig {
    /// Whether every rule that applies to `scope` holds for the caller.
    #[must_use]
    pub fn allows(&self, scope: Scope, caller: &Identity) -> bool {
        self.rules
            .iter()
            .filter(|rule| rule.matches.contains(scope))
            .all(|rule| rule.require.holds_for(caller))
    }
}

impl AuthConfig {
    /// Bytes it takes in memory, about: rules may be long, and are remembered.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.rules.iter().map(AuthRule::weight).sum()
    }
}

impl AuthRule {
    fn weight(&self) -> usize {
        let words = self
            .matches
            .scope
            .iter()
            .chain(self.require.sub.iter().flatten());
        let claims = self.require.claims.as_ref();
        OBJECT + words.map(|word| text(word)).sum::<usize>() + claims.map_or(0, members)
    }
}

/// What stands around a value or a text.
const OBJECT: usize = 32;

fn text(text: &str) -> usize {
    OBJECT + text.len()
}

fn members(object: &Map<String, Value>) -> usize {
    let member = |(name, value): (&String, &Value)| text(name) + weight(value);
    object.iter().map(member).sum()
}

fn weight(value: &Value) -> usize {
    OBJECT
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(object) => members(object),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

impl RuleMatch {
    fn contains(&self, scope: Scope) -> bool {
        self.scope
            .iter()
            .any(|word| word == "*" || word == scope.as_str())
    }
}

impl Requirement {
    fn holds_for(&self, caller: &Identity) -> bool {
        let subject = self.sub.as_ref().is_none_or(|allowed| {
            caller
                .subject
                .as_deref()
                .is_some_and(|sub| allowed.iter().any(|one| one == sub))
        });
        subject
            && self
                .claims
                .as_ref()
                .is_none_or(|asked| has_claims(caller, asked))
    }
}

fn has_claims(caller: &Identity, asked: &Map<String, Value>) -> bool {
    let claims = caller
        .claims
        .as_ref()
        .map(RawJson::read::<Map<String, Value>>);
    let Some(Ok(claims)) = claims else {
        return asked.is_empty();
    };
    asked
        .iter()
        .all(|(name, value)| claims.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rules: &str, scope: Scope, subject: &str) -> bool {
        let config: AuthConfig = serde_json::from_str(rules).unwrap();
        let caller = Identity {
            subject: Some(subject.into()),
            claims: Some(
                RawJson::from_value(&serde_json::json!({"org": 7, "sub": subject})).unwrap(),
            ),
            ..Identity::anyone()
        };
        config.allows(scope, &caller)
    }

    #[test]
    fn a_rule_narrows_the_scopes_it_names_and_no_others() {
        let rules = r#"{"rules":[{"match":{"scope":["task:manage"]},"require":{"sub":["ann"]}}]}"#;
        assert!(allowed(rules, Scope::TaskManage, "ann"));
        assert!(!allowed(rules, Scope::TaskManage, "bob"));
        assert!(allowed(rules, Scope::EventSubscribe, "bob"));
    }

    #[test]
    fn all_rules_that_apply_have_to_hold() {
        let rules = r#"{"rules":[
            {"match":{"scope":["*"]},"require":{"claims":{"org":7}}},
            {"match":{"scope":["event:publish"]},"require":{"claims":{"org":8}}}]}"#;
        assert!(allowed(rules, Scope::TaskManage, "ann"));
        assert!(!allowed(rules, Scope::EventPublish, "ann"));
    }
}
