//! How callers are identified. Whatever is half configured refuses: it must never mean "open".

use super::secrets::Either;
use super::{Context, problem_at};
use crate::draft::Draft;
use crate::model::{AuthMode, Config, JwtConfig, Secret};
use crate::problem::Problem;
use crate::settings::{Admin, Auth, JwtKey, JwtSettings};
use std::time::Duration;

/// RFC 7518, section 3.2: a key of at least the size of the hash's output.
const SECRET_BYTES: usize = 32;

pub(super) fn resolve(config: &Config, context: &Context<'_>, draft: &mut Draft) -> Option<Auth> {
    if !draft.is_sound("auth") {
        return None;
    }
    match config.auth.mode {
        AuthMode::None => open(draft),
        AuthMode::Jwt => jwt(&config.auth.jwt, context, draft).map(Auth::Jwt),
        AuthMode::Custom => {
            let message = "auth.mode custom needs a function, which only an embedding program has";
            draft.problem(problem_at(draft, "auth.mode", message).hint("use jwt or none"));
            None
        }
    }
}

/// The admin API: outer `None` after a problem.
pub(super) fn admin(
    config: &Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Option<Admin>> {
    let token = Either {
        key: "adminToken",
        value: &config.admin_token,
        file_key: "adminTokenFile",
        file: &config.admin_token_file,
    };
    let given = token.is_given();
    let token = token.read(context, draft).ok()?;
    if given && !config.admin_api {
        draft
            .warnings
            .push("the admin token has no effect without `adminApi: true`".into());
    }
    Some(config.admin_api.then_some(Admin { token }))
}

/// No authentication, unless keys for tokens suggest that somebody meant to have it.
fn open(draft: &mut Draft) -> Option<Auth> {
    let Some((key, place)) = draft.first_below("auth.jwt.") else {
        return Some(Auth::None);
    };
    if draft.place("auth.mode").is_some() {
        draft
            .warnings
            .push("auth.jwt has no effect with `auth.mode: none`".into());
        return Some(Auth::None);
    }
    let problem = Problem::new(place.clone(), key, "it is set, but auth.mode is not");
    draft.problem(problem.hint("set auth.mode to jwt, or to none to leave the server open"));
    None
}

fn jwt(jwt: &JwtConfig, context: &Context<'_>, draft: &mut Draft) -> Option<JwtSettings> {
    let secret = Either {
        key: "auth.jwt.secret",
        value: &jwt.secret,
        file_key: "auth.jwt.secretFile",
        file: &jwt.secret_file,
    };
    let public_key = Either {
        key: "auth.jwt.publicKey",
        value: &jwt.public_key,
        file_key: "auth.jwt.publicKeyFile",
        file: &jwt.public_key_file,
    };
    let symmetric = jwt.algorithm.is_symmetric();
    let (used, unused) = if symmetric {
        (secret, public_key)
    } else {
        (public_key, secret)
    };
    let fits = !unused.is_given() || unused_key(&unused, jwt, draft);
    let key = match used.read(context, draft).ok()? {
        Some(key) if symmetric => Some(JwtKey::Secret(checked_secret(key, draft))),
        Some(key) => checked_pem(&key, used.given_key(), draft).map(JwtKey::PublicKey),
        None => missing_key(jwt, draft),
    };
    Some(JwtSettings {
        algorithm: jwt.algorithm,
        key: key.filter(|_| fits)?,
        issuer: jwt.issuer.clone(),
        audience: jwt.audience.clone(),
        leeway: Duration::from_secs(jwt.leeway_seconds),
    })
}

/// A key of the other kind: somebody means another algorithm.
fn unused_key(unused: &Either<'_>, jwt: &JwtConfig, draft: &mut Draft) -> bool {
    let key = unused.given_key();
    let message = format!("{} does not use it", jwt.algorithm.as_str());
    let hint = match jwt.algorithm.is_symmetric() {
        true => "remove it, or set auth.jwt.algorithm to one with a public key, as RS256",
        false => "remove it, or set auth.jwt.algorithm to one with a secret, as HS256",
    };
    draft.problem(problem_at(draft, key, message).hint(hint));
    false
}

fn missing_key(jwt: &JwtConfig, draft: &mut Draft) -> Option<JwtKey> {
    let message = format!("auth.mode jwt with {} needs a key", jwt.algorithm.as_str());
    let hint = match jwt.algorithm.is_symmetric() {
        true => "set auth.jwt.secret or auth.jwt.secretFile",
        false => "set auth.jwt.publicKey or auth.jwt.publicKeyFile",
    };
    draft.problem(problem_at(draft, "auth.mode", message).hint(hint));
    None
}

fn checked_secret(secret: Secret, draft: &mut Draft) -> Secret {
    if secret.expose().len() < SECRET_BYTES {
        draft.warnings.push(format!(
            "the JWT secret has fewer than {SECRET_BYTES} bytes and can be guessed; \
             `openssl rand -hex 32` makes a better one"
        ));
    }
    secret
}

/// PEM text of a public key; variables often hold it with `\n` for line ends.
fn checked_pem(key: &Secret, given_key: &str, draft: &mut Draft) -> Option<Secret> {
    let text = key.expose();
    let text = match text.contains('\n') {
        true => text.to_owned(),
        false => text.replace("\\n", "\n"),
    };
    if text.contains("PRIVATE KEY-----") {
        let problem = problem_at(draft, given_key, "this is a private key");
        draft.problem(problem.hint("give the public key; `openssl pkey -pubout` makes it"));
        return None;
    }
    if !text.trim_start().starts_with("-----BEGIN ") || !text.contains("-----END ") {
        let problem = problem_at(draft, given_key, "expected a public key in PEM form");
        draft.problem(problem.hint("it begins with -----BEGIN PUBLIC KEY-----"));
        return None;
    }
    Some(Secret::new(text))
}
