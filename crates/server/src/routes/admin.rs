//! The admin API: tokens for those who hold the admin token.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::read_body;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use taskcast_api::{AdminTokenRequest, AdminTokenResponse, ErrorBody, ErrorCode};
use taskcast_auth::{SharedKey, mint};

/// The admin API.
pub struct AdminApi {
    token: [u8; 32],
    signer: Option<TokenSigner>,
}

/// What the tokens of the admin API are made with: what bearer tokens are checked with, so that
/// the server takes the tokens it gives.
pub struct TokenSigner {
    /// The shared secret.
    pub key: SharedKey,
    /// The `iss` that tokens must carry.
    pub issuer: Option<String>,
    /// The audience that tokens must name.
    pub audience: Option<String>,
}

impl AdminApi {
    /// An admin API that asks for `token` and signs with `signer`. Without one the tokens it gives
    /// are empty.
    #[must_use]
    pub fn new(token: &str, signer: Option<TokenSigner>) -> Self {
        Self {
            token: Sha256::digest(token).into(),
            signer,
        }
    }

    /// Compares digests, whose equal beginnings tell nothing about the token.
    fn accepts(&self, token: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(token).into();
        let different = given
            .iter()
            .zip(&self.token)
            .fold(0, |bits, (a, b)| bits | (a ^ b));
        different == 0
    }
}

/// Gives a bearer token to who holds the admin token.
///
/// 404 unless the admin API is on. The token is empty unless bearer tokens are checked with a
/// shared secret.
#[utoipa::path(post, path = "/admin/token", operation_id = "createToken", tag = "admin", request_body = AdminTokenRequest,
    responses((status = 200, body = AdminTokenResponse), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn token(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<AdminTokenResponse>, ApiError> {
    const MOST_BYTES: usize = 64 << 10;
    let Some(admin) = &app.admin else {
        return Err(ApiError::not_found());
    };
    let body = read_body(&app, &headers, body, MOST_BYTES).await?;
    let request = AdminTokenRequest::parse(&body)?;
    if !request
        .admin_token
        .as_deref()
        .is_some_and(|token| admin.accepts(token))
    {
        return Err(ApiError::new(
            ErrorCode::Unauthorized,
            "Invalid admin token",
        ));
    }
    let now = app.engine.now();
    let token = match &admin.signer {
        Some(signer) => sign(signer, &request, now)?,
        None => String::new(),
    };
    let expires_at = (now.0 / 1000).saturating_add(request.expires_in);
    Ok(Json(AdminTokenResponse { token, expires_at }))
}

fn sign(
    signer: &TokenSigner,
    request: &AdminTokenRequest,
    now: taskcast_core::Millis,
) -> Result<String, ApiError> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!("admin"));
    claims.insert("scope".to_owned(), json!(request.scopes));
    claims.insert("taskIds".to_owned(), json!("*"));
    let required = [("iss", &signer.issuer), ("aud", &signer.audience)];
    for (name, value) in required {
        claims.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
    }
    mint(
        &claims,
        &signer.key,
        now,
        Duration::from_secs(request.expires_in),
    )
    .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))
}
