//! Tickets: who gets one, what it allows, and for how long.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use proptest::prelude::*;
use serde_json::json;
use support::SECRET;
use taskcast_auth::{
    AuthError, FIRST_CONNECT_MILLIS, Identity, OPEN_ENDED_MILLIS, TICKET_CLAIMS_MAX_BYTES,
    TicketError, TicketKey, TicketProblem,
};
use taskcast_core::{Denied, Millis, RawJson, Scope, Scopes, TaskId, TaskScope};

const NOW: Millis = Millis(1_700_000_000_000);

fn at(millis: u64) -> Millis {
    Millis(NOW.0 + millis)
}

fn task(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

fn ann() -> Identity {
    Identity {
        subject: Some("ann".into()),
        expires_at: Some(at(3_600_000)),
        claims: Some(RawJson::from_value(&json!({"sub": "ann", "org": 7})).unwrap()),
        ..Identity::anyone()
    }
}

/// What a ticket of `caller` for task `a` gives, presented for `a`.
fn present(caller: &Identity, now: Millis, is_resume: bool) -> Result<Identity, AuthError> {
    let key = TicketKey::from_secret(SECRET);
    let ticket = key.issue(&task("a"), caller, NOW).unwrap();
    key.verify(ticket.as_str(), &task("a"), now, is_resume)
}

fn refused(problem: TicketProblem) -> Result<Identity, AuthError> {
    Err(AuthError::InvalidTicket(problem))
}

#[test]
fn a_ticket_is_its_owner_reduced_to_following_one_task() {
    let follower = present(&ann(), NOW, false).unwrap();
    let expected = Identity {
        tasks: TaskScope::Only([task("a")].into()),
        scopes: Scopes::NONE.with(Scope::EventSubscribe),
        ..ann()
    };
    assert_eq!(follower, expected);
}

#[test]
fn a_first_connection_opens_within_60_seconds() {
    assert!(present(&ann(), at(FIRST_CONNECT_MILLIS), false).is_ok());
    let late = at(FIRST_CONNECT_MILLIS + 1);
    assert_eq!(present(&ann(), late, false), refused(TicketProblem::Late));
    assert!(present(&ann(), late, true).is_ok());
}

#[test]
fn a_stream_resumes_until_the_credentials_behind_the_ticket_end() {
    assert!(present(&ann(), at(3_599_999), true).is_ok());
    let expired = refused(TicketProblem::Expired);
    assert_eq!(present(&ann(), at(3_600_000), true), expired);
    let endless = Identity {
        expires_at: None,
        ..ann()
    };
    let last = present(&endless, at(OPEN_ENDED_MILLIS - 1), true).unwrap();
    assert_eq!(last.expires_at, Some(at(OPEN_ENDED_MILLIS)));
    assert_eq!(present(&endless, at(OPEN_ENDED_MILLIS), true), expired);
    let brief = Identity {
        expires_at: Some(at(1_000)),
        ..ann()
    };
    assert_eq!(present(&brief, at(1_000), false), expired);
}

#[test]
fn only_who_may_follow_a_task_gets_a_ticket_for_it() {
    let key = TicketKey::from_secret(SECRET);
    let denied = Err(TicketError::Denied(Denied));
    let other_tasks = Identity {
        tasks: TaskScope::Only([task("b")].into()),
        ..ann()
    };
    let other_scope = Identity {
        scopes: Scopes::NONE.with(Scope::EventHistory),
        ..ann()
    };
    for caller in [other_tasks, other_scope] {
        assert_eq!(key.issue(&task("a"), &caller, NOW), denied);
    }
}

#[test]
fn a_ticket_opens_one_task() {
    let key = TicketKey::from_secret(SECRET);
    let ticket = key.issue(&task("a"), &ann(), NOW).unwrap();
    for other in ["b", "A", "a ", "aa"] {
        let result = key.verify(ticket.as_str(), &task(other), NOW, false);
        assert_eq!(result, refused(TicketProblem::OtherTask));
    }
}

#[test]
fn every_instance_with_the_secret_verifies_and_no_other() {
    let ticket = TicketKey::from_secret(SECRET).issue(&task("a"), &ann(), NOW);
    let ticket = ticket.unwrap();
    let verify = |key: TicketKey| key.verify(ticket.as_str(), &task("a"), NOW, false);
    assert!(verify(TicketKey::from_secret(SECRET)).is_ok());
    let raw = TicketKey::new(SECRET.try_into().unwrap());
    for other in [raw, TicketKey::from_secret(b""), TicketKey::new(&[0; 32])] {
        assert_eq!(verify(other), refused(TicketProblem::Forged));
    }
}

#[test]
fn a_ticket_is_no_token_and_a_token_is_no_ticket() {
    let key = TicketKey::from_secret(SECRET);
    let algorithm = taskcast_auth::Algorithm::HS256;
    let token = support::sign(algorithm, "{}");
    let forged = refused(TicketProblem::Forged);
    assert_eq!(key.verify(&token, &task("a"), NOW, false), forged);
    let ticket = key.issue(&task("a"), &ann(), NOW).unwrap();
    assert!(taskcast_auth::verify_jws(ticket.as_str(), &support::key(algorithm)).is_err());
}

#[test]
fn claims_that_fit_into_no_url_are_refused_when_the_ticket_is_asked_for() {
    let key = TicketKey::from_secret(SECRET);
    let with_subject = |subject: String| Identity {
        subject: Some(subject.into()),
        claims: None,
        ..ann()
    };
    // The longest subject, and in its longest spelling.
    let fits = with_subject("\0".repeat(TICKET_CLAIMS_MAX_BYTES));
    let name = task(&"\"".repeat(256));
    let ticket = key.issue(&name, &fits, NOW).unwrap();
    assert!(key.verify(ticket.as_str(), &name, NOW, false).is_ok());

    let bytes = TICKET_CLAIMS_MAX_BYTES + 1;
    let error = key.issue(&name, &with_subject("x".repeat(bytes)), NOW);
    assert_eq!(error, Err(TicketError::TooLarge { bytes }));
}

#[test]
fn neither_key_nor_ticket_is_printed() {
    let key = TicketKey::from_secret(SECRET);
    let ticket = key.issue(&task("a"), &ann(), NOW).unwrap();
    assert_eq!(format!("{key:?} {ticket:?}"), "TicketKey(…) Ticket(…)");
    let error = AuthError::from(TicketProblem::Forged);
    assert_eq!(error.to_string(), "Invalid or expired ticket");
}

proptest! {
    #[test]
    fn a_ticket_is_safe_in_a_url_and_carries_its_owner_exactly(
        subject in proptest::option::of("\\PC{0,40}"), claim: String, id in "\\PC{1,40}",
    ) {
        let Ok(id) = TaskId::new(&id) else { return Ok(()) };
        let caller = Identity {
            subject: subject.map(Into::into),
            claims: Some(RawJson::from_value(&json!({"claim": claim})).unwrap()),
            ..ann()
        };
        let key = TicketKey::new(&[7; 32]);
        let ticket = String::from(key.issue(&id, &caller, NOW).unwrap());
        prop_assert!(ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        let follower = key.verify(&ticket, &id, NOW, false).unwrap();
        prop_assert_eq!((follower.subject, follower.claims), (caller.subject, caller.claims));
    }

    #[test]
    fn a_changed_ticket_is_forged(at in 0..10_000_usize, with in "[A-Za-z0-9_.= -]") {
        let key = TicketKey::from_secret(SECRET);
        let ticket = String::from(key.issue(&task("a"), &ann(), NOW).unwrap());
        let at = at % ticket.len();
        let changed = format!("{}{with}{}", &ticket[..at], &ticket[at + 1..]);
        prop_assume!(changed != ticket);
        let result = key.verify(&changed, &task("a"), NOW, false);
        prop_assert_eq!(result, refused(TicketProblem::Forged));
    }

    #[test]
    fn hostile_text_is_forged(text: String, base64 in "[A-Za-z0-9_-]{0,400}") {
        let key = TicketKey::from_secret(SECRET);
        for ticket in [text, base64] {
            let result = key.verify(&ticket, &task("a"), NOW, true);
            prop_assert_eq!(result, refused(TicketProblem::Forged));
        }
    }
}
