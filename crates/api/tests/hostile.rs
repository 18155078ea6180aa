//! No body makes a parser panic, overflow the stack or take what it should not.

use proptest::prelude::*;
use taskcast_api::{
    AdminTokenRequest, CreateTask, ErrorBody, ImportRequest, Invalid, NdjsonLine, PublishBody,
    ResolveTask, TransitionTask,
};
use taskcast_core::{Limits, Millis};

/// What every parser says about a body: nothing where one takes it.
fn refusals(body: &[u8]) -> Vec<Option<Invalid>> {
    let limits = Limits::default();
    vec![
        CreateTask::parse(body, &limits).err(),
        TransitionTask::parse(body, &limits).err(),
        ResolveTask::parse(body, &limits).err(),
        PublishBody::parse(body, &limits).err(),
        NdjsonLine::parse(body, &limits).err(),
        ImportRequest::parse(body, &limits, Millis(1)).err(),
        AdminTokenRequest::parse(body).err(),
    ]
}

#[test]
fn a_hundred_thousand_levels_are_an_error_and_not_a_full_stack() {
    let nested = |key: &str| {
        let levels = 100_000;
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"type\":\"x\",\"status\":\"running\",\"{key}\":{open}{close}}}")
    };
    for key in [
        "data", "unknown", "params", "events", "error", "archive", "tags", "scopes",
    ] {
        for invalid in refusals(nested(key).as_bytes()).into_iter().flatten() {
            assert!(
                (400..500).contains(&invalid.code().status()),
                "{key}: {invalid}"
            );
        }
    }
    let bare = "[".repeat(100_000);
    assert!(refusals(bare.as_bytes()).iter().all(Option::is_some));
}

#[test]
fn bytes_that_are_no_text_are_no_json() {
    for body in [
        &b"{\"a\":\"\xff\"}"[..],
        b"{\"\xc3\":1}",
        b"\xff",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        assert!(refusals(body).iter().all(Option::is_some), "{body:?}");
    }
}

#[test]
fn the_number_of_issues_told_is_bounded() {
    let batch = format!("[{}1]", "1,".repeat(999));
    let Err(Invalid::Issues(issues)) = PublishBody::parse(batch.as_bytes(), &Limits::default())
    else {
        panic!("a batch of numbers was taken");
    };
    assert_eq!(issues.len(), 64);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused_with_a_sentence(
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            r#"\{("(type|status|data|events|tags|error|archive|id|ttl|result|params)":(null|1e999|-0|"\\ud800"|"a"|\[1,\{\}\]|\{"message":\[\]\}|true),?){0,6}\}"#
                .prop_map(String::into_bytes),
        ],
    ) {
        for invalid in refusals(&body).into_iter().flatten() {
            let answer = ErrorBody::from(&invalid);
            prop_assert!(!answer.error.is_empty());
            prop_assert!((400..500).contains(&invalid.code().status()));
            if let Invalid::Issues(issues) = invalid {
                prop_assert!(!issues.is_empty());
            }
        }
    }
}
