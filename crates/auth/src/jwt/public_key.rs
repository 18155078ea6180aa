//! Public keys: what kind one is, and whether it fits its algorithm.

use super::algorithm::{Algorithm, Family};
use super::der::{BIT_STRING, Der, INTEGER, OBJECT_ID};
use super::key::KeyError;
use super::pem::Pem;
use aws_lc_rs::signature::ParsedPublicKey;
use std::fmt;

/// A public key that fits its algorithm.
#[derive(Clone)]
pub struct PublicKey {
    pub(super) algorithm: Algorithm,
    parsed: ParsedPublicKey,
}

/// The kinds of key that some algorithm works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl PublicKey {
    /// Reads a key from PEM text: `BEGIN PUBLIC KEY`, or `BEGIN RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// When the text holds no such key, or a key of another kind than the algorithm's, or an RSA
    /// key of fewer than 2048 or more than 8192 bits.
    pub fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let Family::Public(needed, verification) = algorithm.family() else {
            return Err(KeyError::NeedsSecret(algorithm));
        };
        let pem = Pem::read(text)?;
        let found = Found::read(&pem)?;
        if found.kind != needed {
            return Err(KeyError::WrongKind {
                algorithm,
                needed: needed.name(),
                found: found.kind.name(),
            });
        }
        if let Some(bits) = found.rsa_bits.filter(|bits| !(2048..=8192).contains(bits)) {
            return Err(KeyError::RsaSize { bits });
        }
        let parsed =
            ParsedPublicKey::new(verification, &pem.der).map_err(|_| KeyError::Malformed)?;
        Ok(Self { algorithm, parsed })
    }

    /// The one algorithm the key is used with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl KeyKind {
    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "an RSA key",
            Self::P256 => "a P-256 key",
            Self::P384 => "a P-384 key",
            Self::P521 => "a P-521 key",
            Self::Ed25519 => "an Ed25519 key",
        }
    }
}

/// What a PEM block turned out to hold.
struct Found {
    kind: KeyKind,
    rsa_bits: Option<usize>,
}

impl Found {
    fn read(pem: &Pem<'_>) -> Result<Self, KeyError> {
        match pem.label {
            "PUBLIC KEY" => Self::in_spki(&pem.der),
            "RSA PUBLIC KEY" => Self::rsa(&pem.der),
            "CERTIFICATE" => Err(KeyError::Certificate),
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::Private),
            _ => Err(KeyError::NotPem),
        }
    }

    /// `SubjectPublicKeyInfo` of RFC 5280: `SEQUENCE { SEQUENCE { OID, … }, BIT STRING }`.
    fn in_spki(der: &[u8]) -> Result<Self, KeyError> {
        let mut info = Der(der).sequence().ok_or(KeyError::Malformed)?;
        let mut algorithm = info.sequence().ok_or(KeyError::Malformed)?;
        let id = algorithm.take(OBJECT_ID).ok_or(KeyError::Malformed)?;
        let kind = match id {
            oid::RSA => {
                let key = info
                    .take(BIT_STRING)
                    .and_then(|bits| bits.strip_prefix(&[0]));
                return Self::rsa(key.ok_or(KeyError::Malformed)?);
            }
            oid::ED25519 => KeyKind::Ed25519,
            oid::EC => match algorithm.take(OBJECT_ID) {
                Some(oid::P256) => KeyKind::P256,
                Some(oid::P384) => KeyKind::P384,
                Some(oid::P521) => KeyKind::P521,
                _ => return Err(KeyError::UnknownKind),
            },
            _ => return Err(KeyError::UnknownKind),
        };
        Ok(Self {
            kind,
            rsa_bits: None,
        })
    }

    /// `RSAPublicKey` of RFC 8017: `SEQUENCE { INTEGER modulus, INTEGER exponent }`.
    fn rsa(der: &[u8]) -> Result<Self, KeyError> {
        let modulus = Der(der)
            .sequence()
            .and_then(|mut key| key.take(INTEGER))
            .ok_or(KeyError::Malformed)?;
        let significant = match modulus.iter().position(|byte| *byte != 0) {
            Some(start) => &modulus[start..],
            None => return Err(KeyError::Malformed),
        };
        let unused = significant.first().map_or(0, |top| top.leading_zeros());
        Ok(Self {
            kind: KeyKind::Rsa,
            rsa_bits: Some(significant.len() * 8 - unused as usize),
        })
    }
}

/// Object identifiers, in DER.
mod oid {
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub(super) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}
