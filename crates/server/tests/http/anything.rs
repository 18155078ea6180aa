//! Anything at all, sent to any address.

use crate::support::documented::check;
use crate::support::*;
use http::Method;
use proptest::prelude::*;

fn paths() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("tasks".to_owned()),
        Just("tasks".to_owned()),
        Just("a".to_owned()),
        Just("events".to_owned()),
        Just("history".to_owned()),
        Just("archive".to_owned()),
        Just("import".to_owned()),
        Just("status".to_owned()),
        Just("resolve".to_owned()),
        Just("request".to_owned()),
        Just("tickets".to_owned()),
        Just("producers".to_owned()),
        Just("admin".to_owned()),
        Just("token".to_owned()),
        Just("health".to_owned()),
        "[a-z0-9%._~-]{0,8}",
        "(%[0-9A-F]{2}){1,3}",
    ];
    let front = prop_oneof![Just("/"), Just("/tasks/"), Just("/tasks/a/")];
    let path = (front, proptest::collection::vec(segment, 0..4))
        .prop_map(|(front, all)| format!("{front}{}", all.join("/")));
    let query = "((types|levels|since\\.id|since\\.index|limit|cursor|status|wrap|ticket|x)=[a-z0-9%,*.-]{0,6}&?){0,3}";
    (path, query).prop_map(|(path, query)| format!("{path}?{query}"))
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop_oneof![
        Just(r#""type":"x""#),
        Just(r#""id":"b""#),
        Just(r#""status":"running""#),
        Just(r#""data":{"delta":"x"}"#),
        Just(r#""seriesId":"s""#),
        Just(r#""seriesMode":"accumulate""#),
        Just(r#""seriesMode":"latest""#),
        Just(r#""events":[{"type":"y"}]"#),
        Just(r#""transition":{"status":"completed"}"#),
        Just(r#""ttl":5"#),
        Just(r#""archive":{}"#),
        Just(r#""adminToken":"x""#),
        Just(r#""authConfig":{"rules":[]}"#),
        Just(r#""producerSeq":0"#),
        Just(r#""tags":["t"]"#),
        Just(r#""blockedRequest":{"type":"q"}"#),
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[\\[\\]{}:,\"a-e0-9\\\\nul \n]{0,40}".prop_map(String::into_bytes),
        proptest::collection::vec(fields, 0..5)
            .prop_map(|all| format!("{{{}}}", all.join(",")).into_bytes()),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = prop_oneof![
        Just("content-type"),
        Just("authorization"),
        Just("last-event-id"),
        Just("idempotency-key"),
        Just("producer-id"),
        Just("producer-epoch"),
        Just("producer-seq"),
        Just("x-taskcast-service-key"),
        Just("content-length"),
        Just("origin"),
        Just("x-request-id"),
        Just("host"),
        Just("expect"),
    ];
    let value = prop_oneof![
        Just(b"application/json".to_vec()),
        Just(b"application/x-ndjson".to_vec()),
        Just(b"0".to_vec()),
        Just(b"p".to_vec()),
        proptest::collection::vec(32_u8..=126, 0..12),
        proptest::collection::vec(128_u8..=255, 1..6),
    ];
    proptest::collection::vec((name, value), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_the_answer_is_documented_and_no_fault_of_ours(
        requests in proptest::collection::vec(
            (prop_oneof![Just("GET"), Just("POST"), Just("PATCH"), Just("DELETE"), Just("HEAD"), Just("PUT")],
             paths(), headers(), bodies()), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world();
            world.pending("a").await;
            for (method, path, headers, body) in requests {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let mut ask = Ask::new(method.clone(), &path).body(body);
                for (name, value) in headers {
                    ask = ask.header(name, value);
                }
                let stream = world.stream(ask).await;
                let kind = stream.headers.get("content-type").and_then(|v| v.to_str().ok());
                if kind == Some("text/event-stream") {
                    continue;
                }
                let answer = stream.answer().await;
                check(&method, &path, &answer);
            }
        });
    }
}
