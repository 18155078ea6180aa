//! Which signed tokens verify: the algorithm is the configured one, the form is the only one, and
//! the header chooses nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use proptest::prelude::*;
use support::{SECRET, encode, key, sign, sign_with_header};
use taskcast_auth::{
    Algorithm, Key, SharedKey, TOKEN_MAX_BYTES, TokenProblem, UnknownAlgorithm, verify_jws,
};

const HS: Algorithm = Algorithm::HS256;

fn problem(token: &str) -> TokenProblem {
    verify_jws(token, &key(HS)).expect_err(token)
}

#[test]
fn a_token_verifies_with_its_own_algorithm_and_no_other() {
    for signed in Algorithm::ALL.iter().copied() {
        let token = sign(signed, "{}");
        for configured in Algorithm::ALL.iter().copied() {
            let result = verify_jws(&token, &key(configured));
            if signed == configured {
                assert_eq!(result.unwrap(), b"{}", "{signed}");
            } else {
                assert_eq!(result, Err(TokenProblem::Algorithm(configured)));
            }
            // And when the header lies about it, the signature does not.
            let header = format!(r#"{{"alg":"{configured}"}}"#);
            let lie = sign_with_header(signed, &header, "{}");
            assert_eq!(
                verify_jws(&lie, &key(configured)).is_ok(),
                signed == configured
            );
        }
    }
}

#[test]
fn a_public_key_used_as_a_secret_signs_nothing() {
    for (kind, pem) in support::public_pems() {
        let algorithm = Algorithm::ALL.iter().find(|a| support::kind(**a) == kind);
        let configured = key(*algorithm.unwrap());
        let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode("{}"));
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, pem.as_bytes());
        let mac = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
        let token = format!("{signed}.{}", encode(mac));
        assert!(verify_jws(&token, &configured).is_err(), "{kind}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    for algorithm in Algorithm::ALL.iter().copied() {
        let (token, key) = (sign(algorithm, r#"{"sub":"ann"}"#), key(algorithm));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(verify_jws(&changed, &key).is_err(), "{algorithm} at {at}");
        }
    }
}

#[test]
fn the_header_names_exactly_the_configured_algorithm() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":" HS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":null}"#,
        r#"{"typ":"JWT"}"#,
    ] {
        let expected = TokenProblem::Algorithm(HS);
        assert_eq!(problem(&sign_with_header(HS, header, "{}")), expected);
        let unsigned = format!("{}.{}.", encode(header), encode("{}"));
        assert_eq!(problem(&unsigned), expected);
    }
}

#[test]
fn critical_extensions_are_refused_even_if_there_are_none() {
    for crit in [r#"["b64"]"#, r#"["exp"]"#, "[]", "null", "\"\""] {
        let header = format!(r#"{{"alg":"HS256","b64":true,"crit":{crit}}}"#);
        assert_eq!(
            problem(&sign_with_header(HS, &header, "{}")),
            TokenProblem::Critical
        );
    }
}

#[test]
fn keys_that_a_header_points_to_are_not_looked_at() {
    let other = SharedKey::new(HS, b"the secret of somebody else, who has his own").unwrap();
    let other = Key::from(other);
    for header in [
        r#"{"alg":"HS256","kid":"../../../../dev/null"}"#,
        r#"{"alg":"HS256","kid":"' OR 1=1 --"}"#,
        r#"{"alg":"HS256","kid":["not","a","string"]}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":""}}"#,
        r#"{"alg":"HS256","jku":"http://127.0.0.1:1/","x5u":"file:///dev/zero","x5c":[]}"#,
    ] {
        let token = sign_with_header(HS, header, "{}");
        assert_eq!(verify_jws(&token, &key(HS)).unwrap(), b"{}");
        assert_eq!(verify_jws(&token, &other), Err(TokenProblem::Signature));
    }
}

#[test]
fn a_header_in_which_a_name_repeats_is_refused() {
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","a\u006cg":"none"}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","kty":"RSA"}}"#,
        r#"["HS256"]"#,
        "\"HS256\"",
        "",
        "{",
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        let expected = TokenProblem::Header;
        assert_eq!(
            problem(&sign_with_header(HS, header, "{}")),
            expected,
            "{header}"
        );
    }
}

#[test]
fn base64url_has_one_form() {
    let token = sign(HS, "{}");
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    // Signs a text of parts that are not what an encoder writes.
    let signed = |header: &str, payload: &str| {
        let text = format!("{header}.{payload}");
        let mac = support::signature(HS, text.as_bytes());
        format!("{text}.{}", encode(mac))
    };
    assert_eq!(encode("{}"), "e30");
    for bad in [
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}. {signature}"),
        format!("{header}.{payload}.{signature}\n"),
        format!("{header}.{payload}.{signature}."),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}"),
        header.into(),
        String::new(),
        "..".into(),
        "...".into(),
        "é.é.é".into(),
        signed(header, "e30="),
        signed(header, "e31"), // The two lowest bits of the last letter encode nothing.
        signed(header, "e30?"),
        signed(header, "e3+/"),
        signed(&format!("{header}="), payload),
    ] {
        let problem = problem(&bad);
        assert!(
            matches!(problem, TokenProblem::Malformed | TokenProblem::Header),
            "{bad}: {problem}"
        );
    }
}

#[test]
fn a_token_has_at_most_8192_bytes() {
    let of_length = |length: usize| {
        (0..=length)
            .map(|pad| sign(HS, &"x".repeat(length * 3 / 4 - pad)))
            .find(|token| token.len() <= length)
            .unwrap()
    };
    let longest = of_length(TOKEN_MAX_BYTES);
    assert!(longest.len() > TOKEN_MAX_BYTES - 4);
    assert!(verify_jws(&longest, &key(HS)).is_ok());
    let longer = of_length(TOKEN_MAX_BYTES + 4);
    assert!(longer.len() > TOKEN_MAX_BYTES);
    assert_eq!(problem(&longer), TokenProblem::TooLong);
}

#[test]
fn algorithms_have_exact_names() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.as_str().parse(), Ok(*algorithm));
    }
    for word in ["none", "hs256", "ES521", "", "ES256K"] {
        assert_eq!(word.parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}

proptest! {
    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,80}", parts in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(verify_jws(&text, &key(HS)).is_err());
        prop_assert!(verify_jws(&parts, &key(HS)).is_err());
    }

    #[test]
    fn any_payload_that_was_signed_comes_back(payload in "\\PC{0,200}") {
        let token = sign(HS, &payload);
        prop_assert_eq!(verify_jws(&token, &key(HS)).unwrap(), payload.as_bytes());
        let other: Key = SharedKey::new(HS, &SECRET[1..]).unwrap().into();
        prop_assert_eq!(verify_jws(&token, &other), Err(TokenProblem::Signature));
    }
}
