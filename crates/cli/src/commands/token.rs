//! `taskcast token`: a bearer token, signed with the secret that the server checks with.

use crate::args::TokenArgs;
use crate::output::Output;
use crate::start::access::access;
use crate::{Failure, environment};
use serde_json::{Map, Value, json};
use taskcast_auth::mint;
use taskcast_config::{Auth, Overrides, Settings, load};
use taskcast_core::{Scope, TaskId};
use taskcast_store::{Clock, SystemClock};

/// Signs a token and prints it.
pub(super) fn token(args: &TokenArgs) -> Result<(), Failure> {
    let request = environment::load_request(&args.config, Overrides::default());
    let settings = load(&request).map_err(Failure::usage)?.settings;
    let Some(key) = access(&settings)?.signer else {
        return Err(Failure::usage(
            "only the shared secret of auth.mode jwt signs tokens, and none is configured; \
             set auth.mode and auth.jwt.secret as the server has them",
        ));
    };
    let (claims, now) = (claims(args, &settings)?, SystemClock.now());
    let token = mint(&claims, &key, now, args.expires_in).map_err(Failure::usage)?;
    let expires_at = now.0 / 1_000 + args.expires_in.as_secs();
    match args.json.json {
        true => Output::new().json(&json!({ "token": token, "expiresAt": expires_at })),
        false => Output::new().line(token),
    }
}

fn claims(args: &TokenArgs, settings: &Settings) -> Result<Map<String, Value>, Failure> {
    for word in args.scope.iter().filter(|word| *word != "*") {
        word.parse::<Scope>()
            .map_err(|_| Failure::Usage(unknown_scope(word)))?;
    }
    for id in &args.task_id {
        TaskId::new(id).map_err(|error| Failure::Usage(format!("--task-id: {error}")))?;
    }
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("scope", json!(args.scope));
    put(
        "taskIds",
        match args.task_id.as_slice() {
            [] => json!("*"),
            ids => json!(ids),
        },
    );
    if let Some(sub) = &args.sub {
        put("sub", json!(sub));
    }
    if let Auth::Jwt(jwt) = &settings.auth {
        if let Some(issuer) = &jwt.issuer {
            put("iss", json!(issuer));
        }
        if let Some(audience) = &jwt.audience {
            put("aud", json!(audience));
        }
    }
    Ok(claims)
}

fn unknown_scope(word: &str) -> String {
    let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    format!(
        "--scope: {word:?} is no scope; expected {}, or *",
        known.join(", ")
    )
}
