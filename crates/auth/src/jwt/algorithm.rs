//! The signature algorithms, and what each of them needs.

use super::public_key::KeyKind;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, VerificationAlgorithm};
use std::fmt;
use std::str::FromStr;

/// A signature algorithm of RFC 7518 or RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// EdDSA on Ed25519.
    EdDSA,
}

/// What an algorithm works with.
pub(super) enum Family {
    /// One secret signs and verifies.
    Shared(hmac::Algorithm),
    /// A public key of one kind verifies.
    Public(KeyKind, &'static dyn VerificationAlgorithm),
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &'static [Self] = &[
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// The name used in token headers and in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether one secret signs and verifies (HS256, HS384, HS512).
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self.family(), Family::Shared(_))
    }

    pub(super) fn family(self) -> Family {
        use signature as sig;
        match self {
            Self::HS256 => Family::Shared(hmac::HMAC_SHA256),
            Self::HS384 => Family::Shared(hmac::HMAC_SHA384),
            Self::HS512 => Family::Shared(hmac::HMAC_SHA512),
            Self::RS256 => Family::Public(KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Family::Public(KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Family::Public(KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Family::Public(KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Family::Public(KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Family::Public(KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA512),
            Self::ES256 => Family::Public(KeyKind::P256, &sig::ECDSA_P256_SHA256_FIXED),
            Self::ES384 => Family::Public(KeyKind::P384, &sig::ECDSA_P384_SHA384_FIXED),
            Self::ES512 => Family::Public(KeyKind::P521, &sig::ECDSA_P521_SHA512_FIXED),
            Self::EdDSA => Family::Public(KeyKind::Ed25519, &sig::ED25519),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an algorithm; there are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, \
     ES256, ES384, ES512 and EdDSA"
)]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;
    fn from_str(word: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.as_str() == word)
            .ok_or(UnknownAlgorithm)
    }
}
