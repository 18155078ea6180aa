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

    mod hot {
        use super::Redis;
        taskcast_store::hot_conformance_tests!(Redis::cluster);
    }
}

/// The rules for which it matters that there are many partitions.
mod partitioned {
    use super::Redis;

    fn many() -> Redis {
        Redis::server().partitioned(32)
    }

    taskcast_store::conformance_tests! { @modules many;
        across {
            lists_go_newest_first_and_page_without_loss
            a_list_cursor_holds_while_tasks_come_and_go
            lists_are_filtered_by_status_type_and_tags
            a_page_of_large_tasks_ends_early_and_says_that_there_is_more
            deadlines_come_in_order_and_tell_of_the_next
            a_deadline_follows_its_record
        }
        racing {
            of_concurrent_creates_exactly_one_wins
            a_dropped_commit_is_whole_or_not_at_all
        }
        removing {
            a_deleted_task_is_gone_from_everywhere
            a_recreated_task_begins_anew
        }
        restarting {
            everything_reads_the_same_after_a_restart
        }
    }
}
