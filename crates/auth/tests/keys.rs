//! Which keys fit which algorithm, and what a key that does not fit is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use support::{SECRET, kind, pem, public_pems, rsa_pkcs1_pem};
use taskcast_auth::{Algorithm, Key, KeyError, KeyWarning, PublicKey, SharedKey};

/// Public halves of keys made for this test and thrown away: nothing is signed with them.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDmkdAPKtBOC0oCSRmWDLO9XMnB
IC6KmtfqAJmbLpS16Vnx/kdRORtTTacqUY8DztU7zwe9/T1TEE9QAfRsFXgjm0TU
HThkqmgGUtdUQEDBf5lhtf3GH39/CR6TcsGqNH+J0myyehCVnU4ZnK7CY/lv+tvu
54j4kBBRJEVaCEmIdQIDAQAB
-----END PUBLIC KEY-----";
const RSA_2047: &str = "-----BEGIN PUBLIC KEY-----
MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQBfWLudDyF6+beSgNBeEfEf
b3M47xPz3yVOq3Ala/1F8HCMhGRoAJ2cEggWbpmQl2X2F3tGgdNdwu+UAWaLdRnj
MIMa1HHXp1lc0G/fbijOgS4QXKxcbfaMmVYjzuWm17sTWFCzJhCcxPT8MoYVYDdV
tN+h/25cbc2UxwfmR9v6fhRBVB2OVjHKnDi3UnFb6SsKFOqeHUHmp+OFXcH5I+kp
1u4eZh1KheM0O18XoSD0jUV8uP2rRcQCeLOguVBg7QINga65hlbrOfnCm9ccjrvA
1F2ehFMOsVMSEtmeCGSKX7PsvU0TTfr04pUlvn0IZbGLvxXbbLXihuSl4bdEaGBd
AgMBAAE=
-----END PUBLIC KEY-----";
const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEm97u2iaTFK9GhMfsWokO4KK7qmfH0xCp
29pnEwbI8gD3pF6WPtNl8/TllutpzLc+zX9Eky8K7ECDAOonZAh6Ng==
-----END PUBLIC KEY-----";
const ED448: &str = "-----BEGIN PUBLIC KEY-----
MEMwBQYDK2VxAzoAx5HRKeAfp0KjouLUYPK5PF0CQ8kRuUE6kKmLymlqVDnabo6f
GuV8/+2rx/2ZFle0msxz37a3gsyA
-----END PUBLIC KEY-----";

fn refusal(algorithm: Algorithm, text: &str) -> KeyError {
    PublicKey::from_pem(algorithm, text).expect_err(text)
}

#[test]
fn an_algorithm_takes_the_one_kind_of_key_it_works_with() {
    for algorithm in Algorithm::ALL.iter().copied() {
        for (found, text) in &public_pems() {
            match PublicKey::from_pem(algorithm, text) {
                Ok(key) => {
                    assert_eq!(kind(algorithm), *found);
                    assert_eq!(key.algorithm(), algorithm);
                }
                Err(KeyError::NeedsSecret(_)) => assert!(algorithm.is_shared()),
                Err(KeyError::WrongKind { .. }) => assert_ne!(kind(algorithm), *found),
                Err(other) => panic!("{algorithm} with {found}: {other}"),
            }
        }
        assert_eq!(
            SharedKey::new(algorithm, SECRET).is_ok(),
            algorithm.is_shared()
        );
    }
    let (_, rsa) = &public_pems()[0];
    assert_eq!(
        refusal(Algorithm::ES512, rsa).to_string(),
        "ES512 needs a P-521 key, and this is an RSA key"
    );
}

#[test]
fn pem_is_read_as_files_and_variables_carry_it() {
    let (_, text) = &public_pems()[0];
    for same in [
        text.clone(),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\\n"),
        format!("my key:\n\n  {text}\n\n"),
        rsa_pkcs1_pem(),
    ] {
        assert!(
            PublicKey::from_pem(Algorithm::PS384, &same).is_ok(),
            "{same}"
        );
    }
}

#[test]
fn an_rsa_key_has_at_least_2048_bits() {
    let size = |bits| KeyError::RsaSize { bits };
    assert_eq!(refusal(Algorithm::RS256, RSA_1024), size(1024));
    assert_eq!(refusal(Algorithm::PS512, RSA_2047), size(2047));
}

#[test]
fn what_is_no_usable_public_key_is_told_what_it_is() {
    let (_, text) = &public_pems()[1];
    let relabelled = |label: &str| text.replace("PUBLIC KEY", label);
    for (given, expected) in [
        (String::new(), KeyError::NotPem),
        ("ssh-ed25519 AAAA".into(), KeyError::NotPem),
        (format!("{text}{text}"), KeyError::NotPem),
        (text.replace("-----END", "----END"), KeyError::NotPem),
        (text.replace('M', "*"), KeyError::NotPem),
        (relabelled("PRIVATE KEY"), KeyError::Private),
        (relabelled("EC PRIVATE KEY"), KeyError::Private),
        (relabelled("CERTIFICATE"), KeyError::Certificate),
        (pem("PUBLIC KEY", b""), KeyError::Malformed),
        (
            pem("PUBLIC KEY", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
            KeyError::Malformed,
        ),
        (SECP256K1.into(), KeyError::UnknownKind),
        (ED448.into(), KeyError::UnknownKind),
    ] {
        assert_eq!(refusal(Algorithm::ES256, &given), expected, "{given}");
    }
}

#[test]
fn a_point_off_the_curve_is_no_key() {
    let (_, text) = &public_pems()[1];
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let flipped = base64.replace(&base64[60..64], "AAAA");
    let text = format!("-----BEGIN PUBLIC KEY-----\n{flipped}\n-----END PUBLIC KEY-----");
    assert_eq!(refusal(Algorithm::ES256, &text), KeyError::Malformed);
}

#[test]
fn a_secret_is_not_empty_and_not_a_public_key() {
    let refuse = |secret: &[u8]| SharedKey::new(Algorithm::HS256, secret).unwrap_err();
    assert_eq!(refuse(b""), KeyError::EmptySecret);
    let (_, rsa) = &public_pems()[0];
    assert_eq!(
        refuse(rsa.as_bytes()),
        KeyError::PemAsSecret(Algorithm::HS256)
    );
}

#[test]
fn a_secret_under_32_bytes_works_with_a_warning() {
    let warning = |bytes: usize| {
        let key = SharedKey::new(Algorithm::HS512, &SECRET[..bytes]).unwrap();
        Key::from(key).warning()
    };
    assert_eq!(warning(31), Some(KeyWarning::ShortSecret { bytes: 31 }));
    assert_eq!(warning(32), None);
}

#[test]
fn keys_print_no_secret() {
    let key = SharedKey::new(Algorithm::HS256, SECRET).unwrap();
    assert_eq!(format!("{key:?}"), "SharedKey { algorithm: HS256, .. }");
    assert_eq!(
        format!("{:?}", support::key(Algorithm::EdDSA)),
        "Public(PublicKey { algorithm: EdDSA, .. })"
    );
}
