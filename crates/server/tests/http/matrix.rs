//! Every route with every kind of token: what is allowed is what the model says.

use crate::auth::{locked, root};
use crate::support::*;
use http::Method;

/// A route, the scopes it needs, and whether it concerns one task.
const ROUTES: &[(&str, &str, &str, &[&str], bool)] = &[
    ("GET", "/tasks/{}", "", &["event:subscribe"], true),
    ("GET", "/tasks/{}/events", "", &["event:subscribe"], true),
    ("POST", "/tasks/{}/tickets", "", &["event:subscribe"], true),
    (
        "GET",
        "/tasks/{}/events/history",
        "",
        &["event:history"],
        true,
    ),
    ("GET", "/tasks/{}/archive", "", &["event:history"], true),
    ("GET", "/tasks/{}/request", "", &["task:resolve"], true),
    (
        "POST",
        "/tasks/{}/resolve",
        r#"{"data":1}"#,
        &["task:resolve"],
        true,
    ),
    (
        "POST",
        "/tasks/{}/events",
        r#"{"type":"x"}"#,
        &["event:publish"],
        true,
    ),
    ("POST", "/tasks/{}/events", "[]", &["event:publish"], true),
    (
        "POST",
        "/tasks/{}/events",
        r#"{"events":[],"transition":{"status":"running"}}"#,
        &["event:publish", "task:manage"],
        true,
    ),
    ("GET", "/tasks/{}/producers/p", "", &["event:publish"], true),
    (
        "PATCH",
        "/tasks/{}/status",
        r#"{"status":"pending"}"#,
        &["task:manage"],
        true,
    ),
    (
        "POST",
        "/tasks/{}/storage/release",
        "{}",
        &["task:manage"],
        true,
    ),
    ("DELETE", "/tasks/{}", "", &["task:manage"], true),
    (
        "POST",
        "/tasks/import",
        r#"{"archive":{"schema":"taskcast.taskArchive","version":1,"exportedAt":1,"task":{"id":"{}","status":"pending","createdAt":1,"updatedAt":1},"events":[]}}"#,
        &["task:manage"],
        true,
    ),
    ("POST", "/tasks", r#"{"id":"{}"}"#, &["task:create"], true),
    ("POST", "/tasks", "{}", &["task:create"], false),
    ("GET", "/tasks", "", &["event:subscribe"], false),
    ("GET", "/events", "", &["event:subscribe"], false),
];

/// The body with a task in the place of the inner braces.
fn named(body: &str, task: &str) -> String {
    body.replace("\"{}\"", &format!("\"{task}\""))
}

const SCOPES: &[&[&str]] = &[
    &[],
    &["*"],
    &["task:create"],
    &["task:manage"],
    &["task:resolve"],
    &["event:publish"],
    &["event:subscribe"],
    &["event:history"],
    &["event:publish", "task:manage"],
    &["nonsense"],
    &[
        "webhook:create",
        "worker:manage",
        "task:signal",
        "metrics:read",
    ],
];

const TASKS: &[Option<&[&str]>] = &[
    None,
    Some(&["a"]),
    Some(&["b", "c"]),
    Some(&[]),
    Some(&["*"]),
];

#[tokio::test]
async fn tokens_open_exactly_the_routes_of_their_scopes_on_their_tasks() {
    let world = locked();
    for (method, path, body, needed, on_task) in ROUTES {
        for scopes in SCOPES {
            for tasks in TASKS {
                // It may be there; it may have been deleted by a request that was allowed.
                let create = post("/tasks").bearer(&root()).text(r#"{"id":"a"}"#);
                world.ask(create).await;
                let ask = Ask::new(
                    Method::from_bytes(method.as_bytes()).unwrap(),
                    &path.replace("{}", "a"),
                );
                let ask = if body.is_empty() {
                    ask
                } else {
                    ask.text(&named(body, "a"))
                };
                let response = world
                    .stream(ask.bearer(&token(&claims(scopes, *tasks))))
                    .await;
                let has = |scope: &&str| scopes.contains(scope) || scopes.contains(&"*");
                let mine = tasks.is_none_or(|tasks| tasks.contains(&"a") || !on_task);
                let allowed = needed.iter().all(has) && mine;
                let status = response.status;
                assert_eq!(
                    status != 403,
                    allowed,
                    "{method} {path} {body} with {scopes:?} on {tasks:?} gives {status}"
                );
                assert_ne!(status, 401);
            }
        }
    }
}

#[tokio::test]
async fn whoever_may_not_touch_a_task_does_not_learn_whether_it_exists() {
    let world = locked();
    let token = token(&claims(&["*"], Some(&["mine"])));
    for (method, path, body, _, on_task) in ROUTES {
        if !on_task || path.contains("import") {
            continue;
        }
        let path = path.replace("{}", "unknown");
        let ask = Ask::new(Method::from_bytes(method.as_bytes()).unwrap(), &path).bearer(&token);
        let ask = if body.is_empty() {
            ask
        } else {
            ask.text(&named(body, "unknown"))
        };
        world.ask(ask).await.refused(403, "forbidden", "Forbidden");
    }
}
