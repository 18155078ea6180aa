//! JSON Web Signature, compact serialization (RFC 7515): three parts, one signature, one algorithm.

use super::json;
use super::key::{Key, SharedKey};
use super::problem::TokenProblem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest token that is looked at, in bytes.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Checks a signed token and returns its payload, whatever that is.
///
/// The key is the only one considered and its algorithm the only one accepted; the header has no
/// say in either: `jwk`, `jku`, `x5u`, `x5c` and `kid` are not looked at, and `crit` is refused.
/// Base64url is taken in its one canonical form.
///
/// # Errors
/// [`TokenProblem`]: the first thing found wrong. The payload is decoded only after the signature
/// has verified.
pub fn verify_jws(token: &str, key: &Key) -> Result<Vec<u8>, TokenProblem> {
    if token.len() > TOKEN_MAX_BYTES {
        return Err(TokenProblem::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenProblem::Malformed);
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    check_header(&decode(header)?, key)?;
    if !key.verifies(signed.as_bytes(), &decode(signature)?) {
        return Err(TokenProblem::Signature);
    }
    decode(payload)
}

/// Signs a payload.
pub(super) fn sign(payload: &[u8], key: &SharedKey) -> String {
    let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, key.algorithm());
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload));
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", encode(signature.as_ref()))
}

fn check_header(header: &[u8], key: &Key) -> Result<(), TokenProblem> {
    let header = json::object(header).ok_or(TokenProblem::Header)?;
    let algorithm = key.algorithm();
    if header.get("alg").and_then(|alg| alg.as_str()) != Some(algorithm.as_str()) {
        return Err(TokenProblem::Algorithm(algorithm));
    }
    if header.contains_key("crit") {
        return Err(TokenProblem::Critical);
    }
    Ok(())
}

/// Refuses padding, foreign characters, and bits set where no byte is.
fn decode(part: &str) -> Result<Vec<u8>, TokenProblem> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenProblem::Malformed)
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
