//! What the claims of a token mean, and that no mistake in them ever means more.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::time::Duration;
use support::{key, sign};
use taskcast_auth::{Algorithm, Identity, JwtAuthenticator, JwtSettings, TokenProblem};
use taskcast_core::{Millis, Scope, Scopes, TaskId, TaskScope};

const NOW: Millis = Millis(1_700_000_000_000);
const NOW_SECONDS: u64 = 1_700_000_000;

fn settings() -> JwtSettings {
    JwtSettings {
        key: key(Algorithm::HS256),
        issuer: None,
        audience: None,
        leeway: Duration::from_secs(60),
    }
}

fn read_with(settings: JwtSettings, payload: &str) -> Result<Identity, TokenProblem> {
    let token = sign(Algorithm::HS256, payload);
    JwtAuthenticator::new(settings).identify(&token, NOW)
}

fn read(payload: &str) -> Result<Identity, TokenProblem> {
    read_with(settings(), payload)
}

fn ids<const N: usize>(ids: [&str; N]) -> TaskScope {
    TaskScope::Only(ids.map(|id| TaskId::new(id).unwrap()).into())
}

#[test]
fn a_token_that_claims_nothing_may_do_nothing() {
    let nobody = read("{}").unwrap();
    assert_eq!(nobody.subject, None);
    assert_eq!(nobody.tasks, TaskScope::All);
    assert_eq!(nobody.scopes, Scopes::NONE);
    assert_eq!(nobody.expires_at, None);
}

#[test]
fn every_claim_arrives_in_the_identity() {
    let payload = json!({
        "sub": "ann", "taskIds": ["a", "b"], "scope": ["event:publish", "no:such"],
        "exp": NOW_SECONDS + 5, "nbf": NOW_SECONDS, "iat": 0, "jti": "1", "workerId": "w",
        "org": {"plan": "pro"},
    })
    .to_string();
    let ann = read(&payload).unwrap();
    assert_eq!(ann.subject.as_deref(), Some("ann"));
    assert_eq!(ann.tasks, ids(["a", "b"]));
    assert_eq!(ann.scopes, Scopes::NONE.with(Scope::EventPublish));
    assert_eq!(ann.expires_at, Some(Millis(NOW.0 + 65_000)));
    assert_eq!(ann.claims.unwrap().as_str(), payload);
}

#[test]
fn task_ids_name_tasks_or_all_of_them_or_refuse() {
    let tasks = |value: &str| read(&format!(r#"{{"taskIds":{value}}}"#)).map(|who| who.tasks);
    assert_eq!(tasks(r#""*""#), Ok(TaskScope::All));
    assert_eq!(tasks("[]"), Ok(ids([])));
    assert_eq!(tasks(r#"["*"]"#), Ok(ids(["*"])));
    assert_eq!(tasks(r#"["a","","..","a\nb"]"#), Ok(ids(["a"])));
    let wrong = TokenProblem::ClaimType("taskIds");
    for value in [
        "\"a\"",
        "\"\"",
        "\"**\"",
        "null",
        "1",
        "true",
        "{}",
        "[1]",
        "[null]",
        r#"["a",["b"]]"#,
    ] {
        assert_eq!(tasks(value), Err(wrong.clone()), "{value}");
    }
}

#[test]
fn scope_is_a_list_of_words_or_refuses() {
    let scopes = |value: &str| read(&format!(r#"{{"scope":{value}}}"#)).map(|who| who.scopes);
    assert_eq!(scopes("[]"), Ok(Scopes::NONE));
    assert_eq!(scopes(r#"["*"]"#), Ok(Scopes::EVERY));
    assert_eq!(
        scopes(r#"["task:*","TASK:CREATE","task:create "]"#),
        Ok(Scopes::NONE)
    );
    let wrong = TokenProblem::ClaimType("scope");
    for value in [
        "\"*\"",
        "\"task:create task:manage\"",
        "null",
        "0",
        "{}",
        "[[\"*\"]]",
        "[\"*\",1]",
    ] {
        assert_eq!(scopes(value), Err(wrong.clone()), "{value}");
    }
}

#[test]
fn a_claim_of_a_wrong_type_never_counts_as_absent() {
    for name in ["exp", "nbf", "iat"] {
        for value in ["\"1\"", "\"\"", "null", "true", "[1]", "{}", "-1", "-0.5"] {
            let problem = read(&format!(r#"{{"{name}":{value}}}"#)).unwrap_err();
            assert_eq!(problem, TokenProblem::ClaimType(name), "{value}");
        }
        let endless = read(&format!(r#"{{"{name}":1e400}}"#));
        assert_eq!(endless, Err(TokenProblem::Claims));
    }
    for name in ["sub", "iss", "jti", "workerId"] {
        for value in ["null", "1", "true", "[\"a\"]", "{}"] {
            let problem = read(&format!(r#"{{"{name}":{value}}}"#)).unwrap_err();
            assert_eq!(problem, TokenProblem::ClaimType(name), "{value}");
        }
    }
    for value in ["null", "1", "{}", "[1]", "[\"a\",null]"] {
        let problem = read(&format!(r#"{{"aud":{value}}}"#)).unwrap_err();
        assert_eq!(problem, TokenProblem::ClaimType("aud"), "{value}");
    }
}

#[test]
fn a_token_is_valid_from_nbf_until_exp_with_leeway_on_both_sides() {
    let exp = |seconds: &str| read(&format!(r#"{{"exp":{seconds}}}"#)).map(|who| who.expires_at);
    assert_eq!(exp("1699999940"), Err(TokenProblem::Expired));
    assert_eq!(exp("1699999940.001"), Ok(Some(Millis(NOW.0 + 1))));
    assert_eq!(exp("0"), Err(TokenProblem::Expired));
    assert_eq!(exp("1.7e9"), Ok(Some(Millis(NOW.0 + 60_000))));
    assert_eq!(exp("18446744073709551615"), Ok(Some(Millis(u64::MAX))));
    assert_eq!(exp("1e300"), Ok(Some(Millis(u64::MAX))));
    let nbf = |seconds: &str| read(&format!(r#"{{"nbf":{seconds}}}"#)).map(|_| ());
    assert_eq!(nbf("1700000060"), Ok(()));
    assert_eq!(nbf("1700000060.001"), Err(TokenProblem::NotYetValid));
    assert_eq!(nbf("1e300"), Err(TokenProblem::NotYetValid));
}

#[test]
fn issuer_and_audience_are_required_once_configured() {
    let strict = || JwtSettings {
        issuer: Some("us".into()),
        audience: Some("taskcast".into()),
        ..settings()
    };
    for good in [
        r#"{"iss":"us","aud":"taskcast"}"#,
        r#"{"iss":"us","aud":["other","taskcast"]}"#,
    ] {
        assert!(read_with(strict(), good).is_ok(), "{good}");
    }
    for (claim, payload) in [
        ("iss", r#"{"aud":"taskcast"}"#),
        ("iss", r#"{"iss":"","aud":"taskcast"}"#),
        ("iss", r#"{"iss":"us ","aud":"taskcast"}"#),
        ("aud", r#"{"iss":"us"}"#),
        ("aud", r#"{"iss":"us","aud":[]}"#),
        ("aud", r#"{"iss":"us","aud":"taskcast2"}"#),
        ("aud", r#"{"iss":"us","aud":["task","cast"]}"#),
    ] {
        let problem = read_with(strict(), payload).unwrap_err();
        assert_eq!(problem, TokenProblem::ClaimValue(claim), "{payload}");
    }
    let list = read_with(strict(), r#"{"iss":["us"],"aud":"taskcast"}"#);
    assert_eq!(list, Err(TokenProblem::ClaimType("iss")));
}

#[test]
fn claims_are_one_object_in_which_no_name_repeats() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    for payload in [
        "",
        "null",
        "[]",
        "{} {}",
        r#"{"scope":[],"scope":["*"]}"#,
        r#"{"taskIds":["a"],"task\u0049ds":"*"}"#,
        r#"{"org":{"id":1,"id":2}}"#,
        r#"{"sub":"\ud800"}"#,
        &deep,
    ] {
        assert_eq!(read(payload), Err(TokenProblem::Claims), "{payload}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just("*".into()), Just("a".into()), any::<String>()].prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z*]{1,3}", inner, 0..3)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn is_texts(value: &Value) -> bool {
    let list = value.as_array();
    list.is_some_and(|list| list.iter().all(Value::is_string))
}

proptest! {
    /// Whatever stands in the claims that grant: all tasks only for `"*"`, scopes only from a
    /// list of strings, and everything else is refused.
    #[test]
    fn no_value_widens_what_a_token_allows(tasks in any_json(), scope in any_json()) {
        let payload = json!({"taskIds": tasks, "scope": scope}).to_string();
        let well_formed = (tasks == "*" || is_texts(&tasks)) && is_texts(&scope);
        match read(&payload) {
            Ok(who) => {
                prop_assert!(well_formed);
                prop_assert_eq!(who.tasks == TaskScope::All, tasks == "*");
                let words = scope.as_array().unwrap().iter().filter_map(Value::as_str);
                prop_assert_eq!(who.scopes, Scopes::from_words(words));
            }
            Err(problem) => prop_assert!(!well_formed, "{}", problem),
        }
    }

    /// A token is valid on exactly the interval that its two times and the leeway span.
    #[test]
    fn validity_is_one_interval(exp in 0..4_000_u64, nbf in 0..4_000_u64, leeway in 0..600_u64, now in 0..5_000_000_u64) {
        let token = sign(Algorithm::HS256, &json!({"exp": exp, "nbf": nbf}).to_string());
        let leeway = Duration::from_secs(leeway);
        let auth = JwtAuthenticator::new(JwtSettings { leeway, ..settings() });
        let leeway = leeway.as_secs() * 1_000;
        let expected = nbf * 1_000 <= now + leeway && now < exp * 1_000 + leeway;
        prop_assert_eq!(auth.identify(&token, Millis(now)).is_ok(), expected);
    }
}
