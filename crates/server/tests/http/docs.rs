//! The page for people.

use crate::support::*;

const FILES: [(&str, &str); 3] = [
    ("/docs", "text/html; charset=utf-8"),
    ("/docs/app.js", "text/javascript; charset=utf-8"),
    ("/docs/style.css", "text/css; charset=utf-8"),
];

#[tokio::test]
async fn the_page_is_small_needs_nothing_from_elsewhere_and_may_ask_for_nothing() {
    let (world, mut bytes) = (world(), 0);
    for (path, kind) in FILES {
        let answer = world.ask(get(path)).await.expect(200);
        assert_eq!(answer.header("content-type"), Some(kind));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let text = answer.text();
        for foreign in [
            "http://",
            "https://",
            "src=\"//",
            "url(",
            "innerHTML",
            "eval(",
            "style=",
            "onclick=",
        ] {
            assert!(!text.contains(foreign), "{path} has {foreign}");
        }
        bytes += text.len();
    }
    assert!(bytes < 25_000, "{bytes}");
}

#[tokio::test]
async fn its_addresses_are_relative() {
    let page = world().ask(get("/docs")).await.text();
    for (before, _) in page
        .match_indices("href=\"")
        .chain(page.match_indices("src=\""))
    {
        let address = page[before..].split('"').nth(1).unwrap();
        assert!(!address.starts_with('/'), "{address}");
    }
    for file in ["docs/app.js", "docs/style.css", "openapi.json"] {
        assert!(page.contains(&format!("\"{file}\"")), "{file}");
    }
}
