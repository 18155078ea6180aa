//! The OpenAPI document: complete, and true.

use crate::support::documented::DOCUMENT;
use crate::support::*;
use std::collections::BTreeSet;

#[tokio::test]
async fn the_document_is_openapi_3_1_and_is_what_is_served() {
    let served = world().ask(get("/openapi.json")).await.expect(200);
    assert_eq!(served.json(), *DOCUMENT);
    assert!(DOCUMENT["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(DOCUMENT["info"]["title"], "Taskcast");
}

/// The types of the JavaScript packages are made from the copy that they keep.
#[test]
fn the_copy_of_the_packages_is_this_document() {
    let copy = include_str!("../../../../packages/openapi.json");
    let copy: Value = serde_json::from_str(copy).expect("JSON");
    let hint = "build the server, then renew it: `node packages/scripts/check-openapi.mjs --write`";
    let different = first_difference("", &copy, &DOCUMENT);
    assert_eq!(different, None, "packages/openapi.json differs; {hint}");
}

/// Where two documents differ first, as a JSON pointer: a whole document is nothing to read.
fn first_difference(at: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().find_map(|name| {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => first_difference(&at, one, other),
                    _ => Some(at),
                }
            })
        }
        _ if one == other => None,
        _ => Some(at.to_owned()),
    }
}

/// Every route there is. One that is added has to be added here, and to be documented.
const ROUTES: &[&str] = &[
    "delete /tasks/{taskId}",
    "get /",
    "get /docs",
    "get /docs/app.js",
    "get /docs/style.css",
    "get /events",
    "get /health",
    "get /health/detail",
    "get /health/ready",
    "get /openapi.json",
    "get /tasks",
    "get /tasks/{taskId}",
    "get /tasks/{taskId}/archive",
    "get /tasks/{taskId}/events",
    "get /tasks/{taskId}/events/history",
    "get /tasks/{taskId}/producers/{producerId}",
    "get /tasks/{taskId}/request",
    "patch /tasks/{taskId}/status",
    "post /admin/token",
    "post /tasks",
    "post /tasks/import",
    "post /tasks/{taskId}/events",
    "post /tasks/{taskId}/resolve",
    "post /tasks/{taskId}/storage/release",
    "post /tasks/{taskId}/tickets",
];

fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn every_route_is_in_it() {
    let documented: BTreeSet<String> = operations().map(|(name, _)| name).collect();
    let expected: BTreeSet<String> = ROUTES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_operation_says_what_it_does_and_can_be_told_apart() {
    let mut ids = BTreeSet::new();
    for (name, operation) in operations() {
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(operation["tags"][0].is_string(), "{name} has no tag");
        let id = operation["operationId"].as_str().expect(&name);
        assert!(ids.insert(id), "two operations are called {id}");
        let templates = name.matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(0, |all| {
            all.iter().filter(|one| one["in"] == "path").count()
        });
        assert_eq!(parameters, templates, "{name}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["schema"]["type"].is_string(),
                "{name}: {parameter}"
            );
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let error = status.starts_with(['4', '5']) && name != "get /health/ready";
            let schema = &answer["content"]["application/json"]["schema"]["$ref"];
            assert!(
                !error || schema == "#/components/schemas/ErrorBody",
                "{name} {status}"
            );
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    fn visit(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(
                    fields
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                fields.values().for_each(|value| visit(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| visit(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(&DOCUMENT, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect(&reference);
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn what_is_documented_as_public_asks_for_no_credentials() {
    let world = given().authenticator(crate::support::auth::jwt()).world();
    for (name, operation) in operations() {
        let (method, path) = name.split_once(' ').unwrap();
        let public = operation["security"] == json!([{}]) || path == "/admin/token";
        let path = path.replace("{taskId}", "a").replace("{producerId}", "p");
        let ask = Ask::new(method.to_ascii_uppercase().parse().unwrap(), &path);
        let status = world.ask(ask).await.status;
        assert_eq!(status == 401, !public, "{name} answers {status}");
    }
}
