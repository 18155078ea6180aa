//! Google's and C2SP's Wycheproof vectors for JSON web signatures, run against the token check.
//!
//! The file is not part of the project: the test runs where it is present, in the folder
//! `../shared/data/wycheproof` beside the workspace, and says so where it is not.
//!
//! # What is read differently than the file says, and why
//!
//! - **Groups 17–20** (vectors 353–356; `rejectWrongUse`, `rejectWrongKeyOps`) are out of scope:
//!   the key is right, the signature is right, and only the `use` or `key_ops` of the JWK forbids
//!   it. Keys are configured as PEM, which has neither.
//! - **Groups 10, 11, 14 and 15** (RFC 7520 figures 20 and 27) have a JWK `alg` that contradicts
//!   the RFC and the token (`PS256` for a PS384 signature; `ES521`, which does not exist). They
//!   run with the RFC's algorithm.
//! - **Vectors 367 and 370** are marked invalid, but are byte for byte the valid vector 357. They
//!   are checked to be that, and to be accepted.
//! - **Vectors 372 and 373** are marked valid, but have a `?` inside base64url. They are refused,
//!   as RFC 7515, section 2, asks (no additional characters).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::path::Path;
use support::pem;
use taskcast_auth::{Algorithm, Key, PublicKey, SharedKey, verify_jws};

const WRONG_USE: std::ops::RangeInclusive<u32> = 353..=356;
const SAME_AS_357: [u32; 2] = [367, 370];
const NOT_BASE64URL: [u32; 2] = [372, 373];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<Jwk>,
    private: Jwk,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u32,
    comment: String,
    jws: String,
    result: String,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    alg: Option<String>,
    crv: Option<String>,
    k: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[test]
fn every_vector_is_decided_as_it_should_be() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/wycheproof/json_web_signature_test.json");
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped: the Wycheproof vectors are not present");
        return;
    };
    let file: File = serde_json::from_slice(&text).unwrap();
    let (mut accepted, mut refused, mut out_of_scope) = (0, 0, 0);
    for group in &file.test_groups {
        for vector in &group.tests {
            if WRONG_USE.contains(&vector.tc_id) {
                out_of_scope += 1;
                continue;
            }
            let key = group.key(vector);
            let result = verify_jws(&vector.jws, &key);
            let (id, comment) = (vector.tc_id, &vector.comment);
            assert_eq!(
                result.is_ok(),
                should_hold(vector, &file),
                "{id}: {comment}"
            );
            *if result.is_ok() {
                &mut accepted
            } else {
                &mut refused
            } += 1;
        }
    }
    println!("accepted {accepted}, refused {refused}, out of scope {out_of_scope}");
    assert!(accepted > 0 && refused > 0);
    assert_eq!(accepted + refused + out_of_scope, file.number_of_tests);
}

fn should_hold(vector: &Vector, file: &File) -> bool {
    match vector.tc_id {
        id if SAME_AS_357.contains(&id) => {
            let all = file.test_groups.iter().flat_map(|group| &group.tests);
            let valid = all.into_iter().find(|other| other.tc_id == 357).unwrap();
            assert_eq!(vector.jws, valid.jws);
            true
        }
        id if NOT_BASE64URL.contains(&id) => {
            assert!(vector.jws.contains('?'));
            false
        }
        _ => vector.result == "valid",
    }
}

impl Group {
    /// The key as a server would have it configured.
    fn key(&self, vector: &Vector) -> Key {
        let jwk = self.public.as_ref().unwrap_or(&self.private);
        let algorithm = match (vector.comment.as_str(), jwk.alg.as_deref()) {
            ("Figure20", Some("PS256")) => Algorithm::PS384,
            ("Figure27", Some("ES521")) => Algorithm::ES512,
            (_, alg) => alg.unwrap().parse().unwrap(),
        };
        jwk.key(algorithm)
    }
}

impl Jwk {
    fn key(&self, algorithm: Algorithm) -> Key {
        let public = |der: Vec<u8>, label| {
            let pem = pem(label, &der);
            PublicKey::from_pem(algorithm, &pem).unwrap().into()
        };
        match self.kty.as_str() {
            "oct" => SharedKey::new(algorithm, &decode(&self.k)).unwrap().into(),
            "RSA" => public(self.rsa(), "RSA PUBLIC KEY"),
            "EC" => public(self.ec(), "PUBLIC KEY"),
            other => panic!("no such kty: {other}"),
        }
    }

    /// `RSAPublicKey` of RFC 8017.
    fn rsa(&self) -> Vec<u8> {
        let numbers = [&self.n, &self.e].map(|number| {
            let zero_first: Vec<u8> = [vec![0], decode(number)].concat();
            // A number whose top bit is set needs the zero, others must not have it.
            let start = usize::from(zero_first[1] < 0x80);
            der(0x02, &zero_first[start..])
        });
        der(0x30, &numbers.concat())
    }

    /// `SubjectPublicKeyInfo` of RFC 5480.
    fn ec(&self) -> Vec<u8> {
        let (curve, bytes): (&[u8], usize) = match self.crv.as_deref() {
            Some("P-256") => (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 32),
            Some("P-521") => (&[0x2b, 0x81, 0x04, 0x00, 0x23], 66),
            other => panic!("no such curve: {other:?}"),
        };
        let ec = der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]);
        let algorithm = der(0x30, &[ec, der(0x06, curve)].concat());
        let (x, y) = (decode(&self.x), decode(&self.y));
        assert_eq!((x.len(), y.len()), (bytes, bytes));
        let point = der(0x03, &[vec![0, 4], x, y].concat());
        der(0x30, &[algorithm, point].concat())
    }
}

fn decode(part: &Option<String>) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part.as_ref().unwrap()).unwrap()
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let head = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, contents.to_vec()].concat()
}
