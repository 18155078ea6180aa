//! The requests of older clients, as data.

use crate::support::*;
use serde_json::Map;

/// Stories of requests in the words of the client that sends them.
const STORIES: &str = include_str!("requests.json");

#[tokio::test]
async fn requests_of_older_clients_are_answered_as_they_expect() {
    let stories: Value = serde_json::from_str(STORIES).expect("the stories are JSON");
    for story in stories.as_array().expect("a list") {
        let name = &story["client"];
        let world = world();
        for step in story["steps"].as_array().expect("a list") {
            take(&world, step)
                .await
                .unwrap_or_else(|why| panic!("{name}: {step}: {why}"));
        }
    }
}

async fn take(world: &World, step: &Value) -> Result<(), String> {
    let (method, path) = step["request"]
        .as_str()
        .and_then(|text| text.split_once(' '))
        .ok_or("no request")?;
    let mut ask = Ask::new(method.parse().map_err(|_| "no method")?, path);
    for (name, value) in step["headers"].as_object().unwrap_or(&Map::new()) {
        ask = ask.header(name, value.as_str().ok_or("no header")?);
    }
    if let Some(body) = step.get("body") {
        ask = ask.body(body.to_string());
    }
    let stream = world.stream(ask).await;
    let status = u64::from(stream.status);
    if Some(status) != step["status"].as_u64() {
        return Err(format!("{status}: {}", stream.whole().await));
    }
    let kind = stream
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    if let Some(expected) = step["contentType"].as_str()
        && kind.as_deref() != Some(expected)
    {
        return Err(format!("{kind:?}"));
    }
    let Some(expected) = step.get("answer") else {
        return Ok(());
    };
    let answer = stream.answer().await.json();
    if steps::holds(&answer, expected) {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}
