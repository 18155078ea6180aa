//! Signers for every algorithm, with keys made for the test, and requests that carry tokens.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "these helpers are part of tests")]

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as sig, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::sync::LazyLock;
use taskcast_auth::{Algorithm, Key, PublicKey, SharedKey};

/// A secret of the length that gives no warning.
pub(crate) const SECRET: &[u8] = b"a test secret of 32 bytes length";

/// The private halves of one key of each kind.
pub(crate) struct Keys {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    p256: EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    p384: EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
    p521: EcdsaKeyPair::generate(&sig::ECDSA_P521_SHA512_FIXED_SIGNING).unwrap(),
    ed25519: Ed25519KeyPair::generate().unwrap(),
});

/// The PEM texts of the public halves, by kind.
pub(crate) fn public_pems() -> [(&'static str, String); 5] {
    fn spki<'a>(key: &impl AsDer<PublicKeyX509Der<'a>>) -> String {
        pem("PUBLIC KEY", key.as_der().unwrap().as_ref())
    }
    [
        ("RSA", spki(KEYS.rsa.public_key())),
        ("P-256", spki(KEYS.p256.public_key())),
        ("P-384", spki(KEYS.p384.public_key())),
        ("P-521", spki(KEYS.p521.public_key())),
        ("Ed25519", spki(KEYS.ed25519.public_key())),
    ]
}

/// The RSA key in its own older form.
pub(crate) fn rsa_pkcs1_pem() -> String {
    pem("RSA PUBLIC KEY", KEYS.rsa.public_key().as_ref())
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// The kind of key that an algorithm works with.
pub(crate) fn kind(algorithm: Algorithm) -> &'static str {
    match algorithm.as_str() {
        "HS256" | "HS384" | "HS512" => "secret",
        "ES256" => "P-256",
        "ES384" => "P-384",
        "ES512" => "P-521",
        "EdDSA" => "Ed25519",
        _ => "RSA",
    }
}

/// What verifies what [`sign`] signs.
pub(crate) fn key(algorithm: Algorithm) -> Key {
    if algorithm.is_shared() {
        return SharedKey::new(algorithm, SECRET).unwrap().into();
    }
    let pems = public_pems();
    let (_, pem) = pems.iter().find(|(k, _)| *k == kind(algorithm)).unwrap();
    PublicKey::from_pem(algorithm, pem).unwrap().into()
}

/// The bytes of a signature, whatever the message.
pub(crate) fn signature(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let hmac = |kind| {
        let key = hmac::Key::new(kind, SECRET);
        hmac::sign(&key, message).as_ref().to_vec()
    };
    let rsa = |padding: &'static dyn sig::RsaEncoding| {
        let mut signature = vec![0; KEYS.rsa.public_modulus_len()];
        KEYS.rsa
            .sign(padding, &SystemRandom::new(), message, &mut signature)
            .unwrap();
        signature
    };
    let ecdsa = |key: &EcdsaKeyPair| {
        let signature = key.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    };
    match algorithm {
        Algorithm::HS256 => hmac(hmac::HMAC_SHA256),
        Algorithm::HS384 => hmac(hmac::HMAC_SHA384),
        Algorithm::HS512 => hmac(hmac::HMAC_SHA512),
        Algorithm::RS256 => rsa(&sig::RSA_PKCS1_SHA256),
        Algorithm::RS384 => rsa(&sig::RSA_PKCS1_SHA384),
        Algorithm::RS512 => rsa(&sig::RSA_PKCS1_SHA512),
        Algorithm::PS256 => rsa(&sig::RSA_PSS_SHA256),
        Algorithm::PS384 => rsa(&sig::RSA_PSS_SHA384),
        Algorithm::PS512 => rsa(&sig::RSA_PSS_SHA512),
        Algorithm::ES256 => ecdsa(&KEYS.p256),
        Algorithm::ES384 => ecdsa(&KEYS.p384),
        Algorithm::ES512 => ecdsa(&KEYS.p521),
        Algorithm::EdDSA => KEYS.ed25519.sign(message).as_ref().to_vec(),
    }
}

/// A token with this very header and payload, properly signed.
pub(crate) fn sign_with_header(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = signature(algorithm, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

/// A token with this very payload, properly signed.
pub(crate) fn sign(algorithm: Algorithm, payload: &str) -> String {
    sign_with_header(algorithm, &format!(r#"{{"alg":"{algorithm}"}}"#), payload)
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A request with one header.
pub(crate) fn request(headers: &[(&str, &[u8])]) -> http::request::Parts {
    let builder = http::Request::builder();
    let builder = headers.iter().fold(builder, |builder, (name, value)| {
        builder.header(*name, *value)
    });
    builder.body(()).unwrap().into_parts().0
}
