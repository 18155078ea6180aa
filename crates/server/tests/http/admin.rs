//! The admin API.

use crate::support::auth::{jwt, signer};
use crate::support::*;
use taskcast_server::{AdminApi, TokenSigner};

#[tokio::test]
async fn the_admin_api_gives_tokens_that_work() {
    let mut given = given().authenticator(jwt());
    given.admin = Some(AdminApi::new("the admin token", Some(signer())));
    let world = given.world();
    let ask = |body: &str| post("/admin/token").text(body);
    for body in [
        "{}",
        r#"{"adminToken":""}"#,
        r#"{"adminToken":7}"#,
        r#"{"adminToken":"the admin tokeN"}"#,
    ] {
        world
            .ask(ask(body))
            .await
            .refused(401, "unauthorized", "Invalid admin token");
    }
    for body in [
        "",
        "x",
        "[]",
        r#"{"expiresIn":0}"#,
        r#"{"expiresIn":1e9}"#,
        r#"{"scopes":"*"}"#,
        r#"{"expiresIn":-5}"#,
    ] {
        world
            .ask(ask(body))
            .await
            .refused(400, "invalid_request", "Invalid request body");
    }
    let answer = world
        .ask(ask(r#"{"adminToken":"the admin token"}"#))
        .await
        .expect(200)
        .json();
    assert_eq!(answer["expiresAt"], START.0 / 1000 + 86_400);
    let token = answer["token"].as_str().unwrap();
    world
        .ask(post("/tasks").bearer(token).text("{}"))
        .await
        .expect(201);
    let narrow = ask(r#"{"adminToken":"the admin token","scopes":["task:create"],"expiresIn":5}"#);
    let answer = world.ask(narrow).await.expect(200).json();
    world
        .ask(get("/tasks").bearer(answer["token"].as_str().unwrap()))
        .await
        .expect(403);
}

#[tokio::test]
async fn t31_without_a_shared_secret_the_token_is_empty() {
    let mut given = given();
    given.admin = Some(AdminApi::new("the admin token", None));
    let ask = post("/admin/token").text(r#"{"adminToken":"the admin token"}"#);
    let answer = given.world().ask(ask).await.expect(200).json();
    assert_eq!(
        answer,
        json!({"token": "", "expiresAt": START.0 / 1000 + 86_400})
    );
}

#[tokio::test]
async fn its_tokens_name_the_issuer_and_audience_that_are_asked_for() {
    let (issuer, audience) = (Some("us".to_owned()), Some("them".to_owned()));
    let settings = taskcast_auth::JwtSettings {
        key: crate::support::auth::key().into(),
        issuer: issuer.clone(),
        audience: audience.clone(),
        leeway: std::time::Duration::ZERO,
    };
    let mut given = given().authenticator(taskcast_auth::JwtAuthenticator::new(settings));
    let signer = TokenSigner {
        issuer,
        audience,
        ..signer()
    };
    given.admin = Some(AdminApi::new("the admin token", Some(signer)));
    let world = given.world();
    let ask = post("/admin/token").text(r#"{"adminToken":"the admin token"}"#);
    let answer = world.ask(ask).await.expect(200).json();
    let token = answer["token"].as_str().unwrap();
    world.ask(get("/tasks").bearer(token)).await.expect(200);
}
