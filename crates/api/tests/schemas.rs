//! The OpenAPI schemas of the bodies say what the bodies are.
#![expect(clippy::unwrap_used, reason = "a test")]

use serde_json::{Value, json};
use taskcast_api::{self as api, ErrorCode};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(components(schemas(
    api::AdminTokenRequest,
    api::AdminTokenResponse,
    api::CreateTask,
    api::DuplicateAnswer,
    api::Envelope,
    api::ErrorBody,
    api::Health,
    api::HealthDetail,
    api::ImportAnswer,
    api::ImportBody,
    api::Issue,
    api::NdjsonSummary,
    api::ProducerState,
    api::PublishRequest,
    api::Readiness,
    api::ReleaseAnswer,
    api::ReleaseRequest,
    api::ResolveTask,
    api::ServerInfo,
    api::TaskList,
    api::TicketResponse,
    api::TransitionTask,
    api::sse::Gap,
)))]
struct Bodies;

fn schemas() -> serde_json::Map<String, Value> {
    let document = serde_json::to_value(Bodies::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    schemas.clone()
}

#[test]
fn fields_without_a_value_are_absent_and_never_null() {
    let text = Value::from(schemas()).to_string();
    assert!(!text.contains("\"null\""), "{text}");
}

#[test]
fn what_is_always_there_is_required() {
    let schemas = schemas();
    for (name, required) in [
        ("Task", json!(["id", "status", "createdAt", "updatedAt"])),
        ("CreateTask", Value::Null),
        ("TransitionTask", json!(["status"])),
        ("EventBody", json!(["type"])),
        ("ErrorBody", json!(["error", "code"])),
        ("TaskList", json!(["tasks"])),
    ] {
        assert_eq!(schemas[name]["required"], required, "{name}");
    }
}

#[test]
fn words_are_those_of_the_wire() {
    let schemas = schemas();
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(schemas["ErrorCode"]["enum"], json!(codes));
    assert_eq!(
        schemas["EventSeriesMode"]["enum"],
        json!(["keep-all", "accumulate", "latest"])
    );
    assert_eq!(schemas["TaskStatus"]["enum"].as_array().unwrap().len(), 9);
}

#[test]
fn every_body_and_every_field_says_what_it_is() {
    for (name, schema) in schemas() {
        let Some(fields) = schema["properties"].as_object() else {
            continue;
        };
        assert!(schema["description"].is_string(), "{name}");
        for (field, schema) in fields {
            assert!(schema["description"].is_string(), "{name}.{field}");
        }
    }
}
