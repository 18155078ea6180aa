//! The vectors that are requests and answers, and nothing else.

use crate::support::steps::Step;

/// Stories that begin on an empty server, by the name they are known by.
pub(crate) const STORIES: &[(&str, &[Step])] = &[
    (
        "T2: an id is taken once",
        &[
            (
                "POST /tasks",
                r#"{"id":"a"}"#,
                201,
                r#"{"id":"a","status":"pending"}"#,
            ),
            (
                "POST /tasks",
                r#"{"id":"a"}"#,
                409,
                r#"{"error":"Task already exists: a","code":"task_exists"}"#,
            ),
        ],
    ),
    (
        "T3: a body that breaks a rule is told which",
        &[(
            "POST /tasks",
            r#"{"ttl":0}"#,
            400,
            r#"{"code":"invalid_request","details":{"issues":[{"path":"ttl"}]}}"#,
        )],
    ),
    (
        "T4: a body that is no JSON is told so",
        &[("POST /tasks", "x", 400, r#"{"code":"malformed_json"}"#)],
    ),
    (
        "T5: pending tasks do not complete",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"completed"}"#,
                409,
                r#"{"error":"Invalid transition: pending → completed"}"#,
            ),
        ],
    ),
    (
        "T6: a transition is an event",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"running"}"#,
                200,
                r#"{"status":"running"}"#,
            ),
            (
                "GET /tasks/a/events/history",
                "",
                200,
                r#"[{"type":"taskcast:status","index":0,"taskId":"a","level":"info","data":{"status":"running"}}]"#,
            ),
        ],
    ),
    (
        "T7, T8: a blocked task asks, and is answered",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            ("PATCH /tasks/a/status", r#"{"status":"running"}"#, 200, ""),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"blocked","reason":"r","blockedRequest":{"type":"q","data":1},"resumeAfterMs":5000}"#,
                200,
                r#"{"status":"blocked","reason":"r","blockedRequest":{"type":"q","data":1},"updatedAt":1700000000000,"resumeAt":1700000005000}"#,
            ),
            ("GET /tasks/a/request", "", 200, r#"{"type":"q","data":1}"#),
            (
                "GET /tasks/a/events/history?since.index=0",
                "",
                200,
                r#"[{"type":"taskcast:status"},{"type":"taskcast:blocked","data":{"reason":"r","request":{"type":"q","data":1}}}]"#,
            ),
            (
                "POST /tasks/a/resolve",
                r#"{"data":"yes"}"#,
                200,
                r#"{"status":"running","result":{"resolution":"yes"},"reason":null,"blockedRequest":null,"resumeAt":null}"#,
            ),
            (
                "GET /tasks/a/events/history?since.index=2",
                "",
                200,
                r#"[{"type":"taskcast:status","data":{"status":"running","result":{"resolution":"yes"}}},
                {"type":"taskcast:resolved","data":{"resolution":{"resolution":"yes"}}}]"#,
            ),
        ],
    ),
    (
        "T9: only a blocked task can be answered",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            ("PATCH /tasks/a/status", r#"{"status":"running"}"#, 200, ""),
            (
                "POST /tasks/a/resolve",
                r#"{"data":1}"#,
                400,
                r#"{"error":"Task is not blocked"}"#,
            ),
        ],
    ),
    (
        "T10: a task may be blocked without asking",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            ("PATCH /tasks/a/status", r#"{"status":"running"}"#, 200, ""),
            ("PATCH /tasks/a/status", r#"{"status":"blocked"}"#, 200, ""),
            (
                "GET /tasks/a/request",
                "",
                404,
                r#"{"error":"No blocked request"}"#,
            ),
        ],
    ),
    (
        "T11: pausing a blocked task keeps what it asks",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            ("PATCH /tasks/a/status", r#"{"status":"running"}"#, 200, ""),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"blocked","reason":"r","blockedRequest":{"type":"q"},"resumeAfterMs":5}"#,
                200,
                "",
            ),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"paused"}"#,
                200,
                r#"{"status":"paused","reason":"r","blockedRequest":{"type":"q"},"resumeAt":1700000000005}"#,
            ),
        ],
    ),
    (
        "T12: an ended task takes no events",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            ("PATCH /tasks/a/status", r#"{"status":"running"}"#, 200, ""),
            (
                "PATCH /tasks/a/status",
                r#"{"status":"completed"}"#,
                200,
                r#"{"completedAt":1700000000000}"#,
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"x","level":"info"}"#,
                400,
                r#"{"error":"Cannot publish to task in terminal status: completed"}"#,
            ),
        ],
    ),
    (
        "T13: a pending task takes events",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "POST /tasks/a/events",
                r#"{"type":"x","level":"info","data":1}"#,
                201,
                r#"{"index":0,"type":"x","data":1,"taskId":"a"}"#,
            ),
        ],
    ),
    (
        "T14: nothing can be published to nobody",
        &[("POST /tasks/unknown/events", "[]", 201, "[]")],
    ),
    (
        "T15: deltas are kept, and fold on request",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","level":"info","data":{"delta":"He"},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","level":"info","data":{"delta":"llo"},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "GET /tasks/a/events/history",
                "",
                200,
                r#"[{"data":{"delta":"He"}},{"data":{"delta":"llo"}}]"#,
            ),
            (
                "GET /tasks/a/events/history?seriesFormat=accumulated",
                "",
                200,
                r#"[{"data":{"delta":"Hello"},"seriesSnapshot":true,"index":1}]"#,
            ),
        ],
    ),
    (
        "T16: a fold restarts at what cannot be joined",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","data":{"delta":"a"},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","data":{"delta":1},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","data":{"delta":"b"},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "GET /tasks/a/events/history?seriesFormat=accumulated",
                "",
                200,
                r#"[{"data":{"delta":"b"}}]"#,
            ),
        ],
    ),
    (
        "T17: a snapshot has the other keys of the newest delta",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","data":{"delta":"a","k":1},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"d","data":{"delta":"b","m":2},"seriesId":"s","seriesMode":"accumulate"}"#,
                201,
                "",
            ),
            (
                "GET /tasks/a/events/history?seriesFormat=accumulated",
                "",
                200,
                r#"[{"data":{"delta":"ab","m":2,"k":null}}]"#,
            ),
        ],
    ),
    (
        "T18: of latest events the newest is left",
        &[
            ("POST /tasks", r#"{"id":"a"}"#, 201, ""),
            (
                "POST /tasks/a/events",
                r#"{"type":"p","data":1,"seriesId":"s","seriesMode":"latest"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"p","data":2,"seriesId":"s","seriesMode":"latest"}"#,
                201,
                "",
            ),
            (
                "POST /tasks/a/events",
                r#"{"type":"p","data":3,"seriesId":"s","seriesMode":"latest"}"#,
                201,
                "",
            ),
            (
                "GET /tasks/a/events/history",
                "",
                200,
                r#"[{"data":3,"index":2}]"#,
            ),
        ],
    ),
    (
        "T30: an admin API that is off does not exist",
        &[(
            "POST /admin/token",
            r#"{"adminToken":"x"}"#,
            404,
            r#"{"error":"Not found"}"#,
        )],
    ),
];
