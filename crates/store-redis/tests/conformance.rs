//! The suites that every short-term store has to pass, run against a Redis server and a cluster of
//! three.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod given;

use given::Redis;

mod server {
    use super::Redis;
    taskcast_store::conformance_tests!(Redis::server);

    mod hot {
        use super::Redis;
        taskcast_store::hot_conformance_tests!(Redis::server);
    }

    mod tiered {
        use super::Redis;
        taskcast_store::tiered_conformance_tests!(Redis::server);
    }
}

mod cluster {
    use super::Redis;
    taskcast_store::conformance_tests!(Redis::cluster);
}
