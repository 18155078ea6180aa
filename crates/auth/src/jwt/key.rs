//! Keys, each bound to the one algorithm it is used with.

use super::algorithm::{Algorithm, Family};
use super::pem::Pem;
use super::public_key::PublicKey;
use aws_lc_rs::hmac;
use std::fmt;
use std::sync::Arc;

/// What verifies tokens: a key bound to one algorithm, so that a token cannot choose another.
#[derive(Clone, Debug)]
pub enum Key {
    /// A secret that signs and verifies.
    Shared(SharedKey),
    /// A public key, which verifies only.
    Public(PublicKey),
}

/// A secret that signs and verifies with HS256, HS384 or HS512. Cheap to clone.
#[derive(Clone)]
pub struct SharedKey {
    algorithm: Algorithm,
    key: Arc<hmac::Key>,
    warning: Option<KeyWarning>,
}

/// Why a key was refused: an error of configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret was given, and the algorithm works with a public key.
    #[error("{0} needs a public key as PEM text, not a secret")]
    NeedsPublicKey(Algorithm),
    /// A public key was given, and the algorithm works with a secret.
    #[error("{0} needs a secret, not a public key")]
    NeedsSecret(Algorithm),
    /// The secret is empty: anybody could sign.
    #[error("the secret is empty; give it at least 32 random bytes")]
    EmptySecret,
    /// The secret is PEM text, which suggests a key that others know.
    #[error(
        "the secret is a key in PEM text; {0} needs a random secret, and a public key needs \
         another algorithm, such as RS256 or ES256"
    )]
    PemAsSecret(Algorithm),
    /// The text holds no public key as PEM, or several blocks.
    #[error("the public key is not PEM text with one `-----BEGIN PUBLIC KEY-----` block")]
    NotPem,
    /// The text is a private key.
    #[error(
        "this is a private key, and only the public one is needed; \
         `openssl pkey -in FILE -pubout` writes it"
    )]
    Private,
    /// The text is a certificate.
    #[error(
        "this is a certificate, and its public key is needed; \
         `openssl x509 -in FILE -noout -pubkey` writes it"
    )]
    Certificate,
    /// The PEM text holds something that is no valid key.
    #[error("the PEM text holds no valid public key")]
    Malformed,
    /// The key is of a kind that no algorithm here works with.
    #[error("the public key is none of RSA, P-256, P-384, P-521 and Ed25519")]
    UnknownKind,
    /// The key is of another kind than the algorithm's.
    #[error("{algorithm} needs {needed}, and this is {found}")]
    WrongKind {
        /// The configured algorithm.
        algorithm: Algorithm,
        /// The kind of key it works with.
        needed: &'static str,
        /// The kind of key that was given.
        found: &'static str,
    },
    /// The RSA key is too small to be safe, or absurdly big.
    #[error("an RSA key must have 2048 to 8192 bits, and this one has {bits}")]
    RsaSize {
        /// The bits of its modulus.
        bits: usize,
    },
}

/// What is questionable about a key that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyWarning {
    /// The secret has fewer than 32 bytes.
    #[error("the secret has {bytes} bytes; tokens are safe from guessing with 32 random bytes")]
    ShortSecret {
        /// How long it is, in bytes.
        bytes: usize,
    },
}

/// The length, in bytes, below which a secret is worth a warning (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

impl Key {
    /// The one algorithm the key is used with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Shared(key) => key.algorithm,
            Self::Public(key) => key.algorithm,
        }
    }

    /// What is questionable about the key, to be told to whoever configured it.
    #[must_use]
    pub fn warning(&self) -> Option<KeyWarning> {
        match self {
            Self::Shared(key) => key.warning,
            Self::Public(_) => None,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Shared(key) => hmac::verify(&key.key, message, signature).is_ok(),
            Self::Public(key) => key.verifies(message, signature),
        }
    }
}

impl SharedKey {
    /// Takes a secret; its bytes are used as they are.
    ///
    /// # Errors
    /// When the algorithm works with a public key, or the secret is empty or PEM text.
    pub fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let Family::Shared(hmac) = algorithm.family() else {
            return Err(KeyError::NeedsPublicKey(algorithm));
        };
        if secret.is_empty() {
            return Err(KeyError::EmptySecret);
        }
        if Pem::is_likely(secret) {
            return Err(KeyError::PemAsSecret(algorithm));
        }
        let bytes = secret.len();
        Ok(Self {
            algorithm,
            key: Arc::new(hmac::Key::new(hmac, secret)),
            warning: (bytes < SECRET_BYTES).then_some(KeyWarning::ShortSecret { bytes }),
        })
    }

    /// The one algorithm the key is used with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What is questionable about the secret, to be told to whoever configured it.
    #[must_use]
    pub fn warning(&self) -> Option<KeyWarning> {
        self.warning
    }

    pub(super) fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, message)
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl From<SharedKey> for Key {
    fn from(key: SharedKey) -> Self {
        Self::Shared(key)
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self::Public(key)
    }
}
