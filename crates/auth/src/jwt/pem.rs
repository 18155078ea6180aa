//! PEM text around a key.

use super::KeyError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block of PEM text.
pub(super) struct Pem<'a> {
    /// What it says it is, such as `PUBLIC KEY`.
    pub(super) label: &'a str,
    /// What is in it.
    pub(super) der: Vec<u8>,
}

impl<'a> Pem<'a> {
    /// Reads the one block of a text.
    pub(super) fn read(text: &'a str) -> Result<Self, KeyError> {
        let (label, body) = block(text).ok_or(KeyError::NotPem)?;
        // An environment variable often holds the two characters `\n` where the file has a line
        // end; base64 has no backslash, so nothing else can be meant.
        let base64: String = body.replace("\\n", "").split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| KeyError::NotPem)?;
        Ok(Self { label, der })
    }

    /// Whether a text looks like PEM.
    pub(super) fn is_likely(text: &[u8]) -> bool {
        text.trim_ascii_start().starts_with(BEGIN.as_bytes())
    }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

fn block(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (label, rest) = rest.split_once(DASHES)?;
    let (body, rest) = rest.split_once(END)?;
    let rest = rest.strip_prefix(label)?.strip_prefix(DASHES)?;
    // Of two keys nobody could tell which one is meant.
    (!rest.contains(BEGIN)).then_some((label, body))
}
