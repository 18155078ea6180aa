//! The suite that every short-term store has to pass, and every decorator around one.
//!
//! Written once, run by each adapter, whose own test file says how to open the store and nothing
//! else:
//!
//! ```
//! use async_trait::async_trait;
//! use std::sync::Arc;
//! use taskcast_core::Limits;
//! use taskcast_store::conformance::Subject;
//! use taskcast_store::{ManualClock, MemoryOptions, MemoryStore, ShortTermStore};
//!
//! struct Memory;
//!
//! #[async_trait]
//! impl Subject for Memory {
//!     async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
//!         let options = MemoryOptions { max_bytes: 1 << 30, limits, incarnation: 1, archived: None };
//!         Arc::new(MemoryStore::new(options, clock))
//!     }
//!
//!     async fn reopen(
//!         &self,
//!         _: Arc<dyn ShortTermStore>,
//!         _: Arc<ManualClock>,
//!         _: Limits,
//!     ) -> Option<Arc<dyn ShortTermStore>> {
//!         None
//!     }
//! }
//!
//! taskcast_store::conformance_tests!(|| Memory);
//! # fn main() {}
//! ```
//!
//! Every rule is a test of its own, named by the rule. The heart is [`model`]: random operations
//! against the memory store and the subject, of which all outcomes and all that can be read have
//! to be equal. A failure names its seed; `TASKCAST_SEED` replays it.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "each function is a test: its name is the rule, and it panics when the rule is broken"
)]

pub mod across;
pub mod closing;
pub mod committing;
pub mod counting;
pub mod creating;
mod draw;
mod given;
pub mod hot;
pub mod in_place;
pub mod long_term;
mod long_term_model;
pub mod model;
pub mod once;
pub mod positions;
pub mod racing;
pub mod reading;
pub mod removing;
pub mod restarting;
pub mod restoring;
mod rng;
pub mod series;
mod snapshot;
mod stepped;
pub mod tiered;
mod tiered_model;
mod tiers;

use crate::{ManualClock, ShortTermStore};
use async_trait::async_trait;
pub use snapshot::{Snapshot, TaskSnapshot, snapshot};
use std::sync::Arc;
pub use stepped::{Eager, Idle};
use taskcast_core::Limits;
pub use tiers::{HotSubject, LongTermSubject, TierSubject};

/// A store to put to the test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Opens an empty store, which shares nothing with any other.
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore>;

    /// Closes a store that this subject opened and opens it again, with what it kept. None, and the
    /// store left open, when a store of this kind keeps nothing.
    async fn reopen(
        &self,
        store: Arc<dyn ShortTermStore>,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> Option<Arc<dyn ShortTermStore>>;
}

/// One test for each rule of the suite. The argument makes a [`Subject`](crate::conformance::Subject)
/// and is called once per test; the tests need `tokio` as a dependency.
#[macro_export]
macro_rules! conformance_tests {
    ($subject:expr) => {
        $crate::conformance_tests! { @modules $subject;
            in_place {
                each_task_stands_once_in_the_change_feed_at_its_newest_commit
                a_refused_commit_leaves_nothing
                the_seal_goes_before_the_revision_and_the_revision_before_the_series
            }
            model {
                random_operations_do_what_the_reference_does
            }
        }
        $crate::conformance_tests! { @wherever $subject }
    };
    // The rules that hold wherever the logs are, and however often they move.
    (@wherever $subject:expr) => {
        $crate::conformance_tests! { @modules $subject;
            creating {
                a_new_task_has_revision_1_and_an_empty_log
                a_record_comes_back_as_it_was_given
                an_id_is_taken_once
                the_same_request_twice_is_told_from_another_one
                replacing_opens_another_log_and_leaves_nothing_of_the_old
                an_import_keeps_its_events_times_ids_and_seal
                an_import_that_breaks_its_series_leaves_nothing
            }
            committing {
                indexes_are_dense_and_batches_stay_together
                what_was_published_comes_back_byte_for_byte
                a_record_and_its_events_change_together
                a_terminal_record_seals_the_log
                another_log_or_no_task_is_not_found
                what_was_done_before_is_said_before_anything_else
                times_never_decrease_when_the_clock_jumps_back
                commits_are_visible_once_acknowledged
            }
            racing {
                of_concurrent_creates_exactly_one_wins
                of_16_changes_of_one_revision_exactly_one_wins
                concurrent_publishers_leave_a_dense_log_with_each_event_once
                of_concurrent_repeats_exactly_one_is_stored
                a_dropped_commit_is_whole_or_not_at_all
            }
            once {
                a_producer_counts_densely_from_0
                a_producer_repeats_without_effect
                a_newer_producer_epoch_fences_the_older
                a_producer_claim_can_cover_a_range
                producers_are_bounded_and_the_one_unused_longest_gives_way
                a_key_names_one_request
                a_key_is_forgotten_in_time
                keys_are_bounded_and_the_oldest_gives_way
            }
            series {
                texts_and_folds_equal_a_model
                a_text_is_the_concatenation_at_every_offset
                heads_are_exact_at_their_tail
                mode_and_field_are_fixed_by_the_first_event
                latest_leaves_tombstones_behind
                series_are_limited_per_task
                a_batch_folds_like_its_events_one_by_one
            }
            reading {
                pages_hold_what_was_asked_in_any_size
                unfolded_pages_pass_over_deltas_and_nothing_else
                a_huge_slot_comes_alone
                a_read_past_the_tail_is_empty
                a_log_that_is_gone_is_said_to_be_gone
            }
            counting {
                counts_and_positions_equal_a_model
                counts_survive_trim_clean_and_supersede
                a_time_is_found_by_its_first_later_slot
                an_imported_id_is_found
            }
            across {
                lists_go_newest_first_and_page_without_loss
                a_list_cursor_holds_while_tasks_come_and_go
                lists_are_filtered_by_status_type_and_tags
                a_page_of_large_tasks_ends_early_and_says_that_there_is_more
                deadlines_come_in_order_and_tell_of_the_next
                a_deadline_follows_its_record
                appended_events_come_in_commit_order_and_whole_commits
                appended_events_resume_after_every_commit
                a_page_of_large_events_ends_early_and_says_that_there_is_more
            }
            removing {
                a_deleted_task_is_gone_from_everywhere
                only_the_log_that_is_meant_is_deleted
                a_recreated_task_begins_anew
                trimming_moves_no_index_and_no_count
                cleaning_leaves_tombstones
                heads_outlive_what_is_removed
            }
            restarting {
                everything_reads_the_same_after_a_restart
                producers_and_keys_hold_across_a_restart
                commits_go_on_after_a_restart
            }
            closing {
                a_closed_store_is_unavailable
                an_open_store_tells_what_it_is
            }
        }
    };
    (@modules $subject:expr; $($module:ident { $($rule:ident)* })*) => {
        $($crate::conformance_tests! { @rules $subject; $module; $($rule)* })*
    };
    (@rules $subject:expr; $module:ident; $($rule:ident)*) => {
        mod $module {
            #[allow(unused_imports, reason = "the subject may be named by its full path")]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    $crate::conformance::$module::$rule(&$subject()).await;
                }
            )*
        }
    };
}

/// One test for each rule of a short-term store before an archive, as
/// [`conformance_tests!`](crate::conformance_tests) makes them. The argument makes a
/// [`HotSubject`](crate::conformance::HotSubject).
#[macro_export]
macro_rules! hot_conformance_tests {
    ($subject:expr) => {
        $crate::conformance_tests! { @modules $subject;
            hot {
                a_task_is_here_or_away
                a_deleted_log_is_noted_until_that_is_settled
                a_log_that_is_elsewhere_can_be_noted_as_deleted
                released_slots_are_below_the_base
                released_slots_still_count_and_heads_stay
                nothing_is_released_past_the_tail
                a_log_is_released_only_at_its_newest_commit
                a_released_log_is_gone_from_everywhere_and_noted
                appended_events_tell_what_was_released
                what_was_used_once_is_told_since_a_commit
                usage_counts_what_was_appended
            }
            restoring {
                a_restored_log_goes_on_as_if_it_had_stayed
                a_restored_log_stands_in_the_feed_and_its_note_is_gone
                nothing_is_restored_too_late_or_twice_or_after_its_deletion
            }
            positions {
                a_lease_has_one_holder
                a_lease_passes_by_the_clock
                a_lease_is_given_back_by_its_holder_only
                positions_are_of_a_reader_and_a_partition
            }
        }
    };
}

/// One test for each rule of a long-term store. The argument makes a
/// [`LongTermSubject`](crate::conformance::LongTermSubject).
#[macro_export]
macro_rules! long_term_conformance_tests {
    ($subject:expr) => {
        $crate::conformance_tests! { @modules $subject;
            long_term {
                an_entry_begins_where_the_watermark_stands
                a_log_is_taken_bit_by_bit
                changes_without_events_are_taken
                only_the_newest_commit_cools_a_log
                an_entry_that_repeats_what_is_kept_leaves_a_log_cold
                a_log_is_revived_as_it_was_found_or_not_at_all
                what_was_taken_back_is_gone_and_comes_again
                a_deleted_log_is_gone_with_those_before_it
                a_task_created_again_is_another_log
                lists_go_newest_first_and_page_without_loss
                appended_events_come_by_partition_in_commit_order
                a_closed_archive_is_unavailable
                random_logs_read_the_same_as_from_the_reference
            }
        }
    };
}

/// The whole suite for a short-term store and an archive as one store: with an archiver that never
/// runs; with one that keeps a small window of each log; with one that releases everything it can
/// between any two calls; and the rules of tiers. The argument makes a
/// [`TierSubject`](crate::conformance::TierSubject).
#[macro_export]
macro_rules! tiered_conformance_tests {
    ($subject:expr) => {
        mod idle {
            #[allow(unused_imports, reason = "the subject may be named by its full path")]
            use super::*;
            $crate::conformance_tests!(|| $crate::conformance::Idle($subject()));
        }
        mod windowed {
            #[allow(unused_imports, reason = "the subject may be named by its full path")]
            use super::*;
            $crate::conformance_tests! { @wherever || $crate::conformance::Eager::windowed($subject()) }
        }
        mod released {
            #[allow(unused_imports, reason = "the subject may be named by its full path")]
            use super::*;
            $crate::conformance_tests! { @wherever || $crate::conformance::Eager::released($subject()) }
        }
        $crate::conformance_tests! { @modules $subject;
            tiered {
                a_released_task_reads_as_before
                a_released_task_takes_commits_as_before
                a_released_task_that_ended_knows_its_requests
                the_id_of_a_released_task_is_taken
                a_released_task_is_replaced_in_one_commit
                a_deleted_log_is_never_shown_again
                an_explicit_release_checks_what_it_was_told
                a_task_with_a_deadline_keeps_its_record
                readers_bound_what_is_released
                a_full_backlog_refuses_events_and_nothing_else
                random_operations_and_moves_do_what_one_store_does
            }
        }
    };
}
