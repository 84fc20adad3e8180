//! The contract of [`tracehub::store::Backend`] and its facets, one test per line of it, for every store.
//!
//! [`backend_suite!`] makes the tests for one fixture: an async function that yields an empty store and whatever must
//! live as long as it. Every check takes a fixture and nothing else, so a store is held to the same words as all others.

mod issues;
mod keys;
pub mod kinds;
mod logs;
mod remote;
mod saved_filters;
mod scans;
mod sidecar;
pub mod traces;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tracehub::store::Backend;
use tracehub::store::sqlite::{Options, Sqlite, Tuning};

/// An empty store, and what must outlive it.
pub struct Fixture {
    /// The store.
    pub backend: Arc<dyn Backend>,
    /// A temporary folder, a server.
    pub _guard: Box<dyn Any + Send>,
}

/// A test of each of these checks of a suite, for one store.
#[macro_export]
macro_rules! checks {
    ($suite:ident, $fixture:path, $($check:ident)*) => {
        mod $suite {
            $(
                #[tokio::test]
                async fn $check() {
                    $crate::suite::$suite::$check($fixture().await).await;
                }
            )*
        }
    };
}

/// The tests of one store: all of them, or those of the suites named behind its fixture.
#[macro_export]
macro_rules! backend_suite {
    ($name:ident, $fixture:path) => {
        $crate::backend_suite!($name, $fixture, traces kinds scans logs issues own_issues keys saved_filters);
    };
    ($name:ident, $fixture:path, $($suite:ident)+) => {
        mod $name {
            $($crate::backend_suite!(@$suite $fixture);)+
        }
    };
    (@saved_filters $fixture:path) => {
        $crate::checks!(saved_filters, $fixture,
            filters_are_listed_by_name_as_they_were_saved_last
            a_filter_is_deleted_once_and_a_deletion_of_everything_leaves_it
        );
    };
    (@traces $fixture:path) => {
        $crate::checks!(traces, $fixture,
            an_acknowledged_write_is_readable_at_once_and_whole
            a_record_seen_before_counts_as_a_duplicate_and_changes_nothing
            spans_that_share_their_ids_but_not_their_content_are_all_kept
            writes_at_the_same_time_all_arrive
            pages_visit_every_match_once_whatever_arrives_meanwhile
            traces_are_ordered_totally_by_sort_then_start_then_id
            every_filter_keeps_what_it_names_and_nothing_else
            an_id_nobody_wrote_is_none
            summaries_equal_the_fold_of_the_records_however_they_were_split
            foreign_cursors_are_refused
            a_dry_run_counts_the_same_and_removes_nothing
            a_deletion_removes_what_its_filter_names
            pruning_goes_by_when_records_were_received
            stats_count_records_by_operation_service_and_time
            a_closed_store_says_so);
    };
    (@kinds $fixture:path) => {
        $crate::checks!(kinds, $fixture,
            records_of_all_kinds_join_in_their_trace
            a_checkpoint_is_known_by_correlation_id_time_and_suffix
            equal_log_records_of_one_write_are_kept_and_the_write_sent_again_is_not
            log_records_without_a_trace_are_kept_but_in_no_list
            traces_are_listed_by_kind_and_by_receipt
            a_scan_of_one_kind_yields_it_in_the_order_it_was_sent
            a_place_lies_before_the_newest_records
            stats_count_all_kinds_and_pair_checkpoints
            totals_alone_are_those_of_the_whole_statistics
            a_deletion_keeps_to_its_kind
            pruning_takes_all_kinds);
    };
    (@scans $fixture:path) => {
        $crate::checks!(scans, $fixture,
            a_scan_yields_every_record_once_in_commit_order
            a_scan_keeps_to_its_filter
            a_scan_with_nothing_new_waits_then_returns_a_valid_cursor
            a_waiting_scan_sees_what_arrives
            a_scan_says_how_many_writes_were_removed_before_it_came_there
            a_time_leads_to_what_was_received_since
            a_write_of_large_records_comes_in_chunks_of_some_megabytes
            chunks_within_a_write_are_exact_though_records_of_it_are_removed);
    };
    (@logs $fixture:path) => {
        $crate::checks!(logs, $fixture,
            log_records_are_listed_as_a_filter_over_all_of_them_finds_them
            log_records_go_by_time_then_by_receipt_in_both_directions
            pages_of_log_records_visit_every_match_once_whatever_arrives_meanwhile
            a_cursor_of_another_list_is_refused
            a_long_list_of_log_records_is_whole
            a_page_of_large_log_records_ends_early_and_the_next_goes_on
            of_a_store_without_log_records_the_list_is_empty);
    };
    (@issues $fixture:path) => {
        $crate::checks!(issues, $fixture,
            errors_become_issues_and_other_records_do_not
            an_error_counts_once_however_often_it_is_sent
            the_same_error_in_a_log_record_and_in_a_span_is_one_issue
            an_exception_that_leaves_several_spans_is_one_error_of_one_issue
            services_and_projects_have_issues_of_their_own
            first_and_last_seen_do_not_depend_on_the_order_of_arrival
            a_title_holds_the_message_until_another_one_comes
            a_later_event_reopens_a_resolved_issue_and_an_old_one_does_not
            an_ignored_issue_stays_ignored_and_counts
            a_change_is_told_and_kept_and_what_is_so_already_is_none
            issues_are_ordered_totally_and_pages_visit_each_once
            every_filter_of_issues_keeps_what_it_names_and_nothing_else
            events_are_counted_by_the_hour_of_their_own_clocks
            the_newest_traces_are_named_and_all_are_counted
            the_stack_trace_is_of_the_latest_hour
            errors_written_at_the_same_time_are_all_counted
            stats_count_open_issues);
    };
    // What holds where errors are counted as they are written and not read from a feed.
    (@own_issues $fixture:path) => {
        mod own_issues {
            $crate::checks!(issues, $fixture,
                what_comes_of_an_error_in_another_write_leads_to_its_issue
                issues_outlive_their_records_and_go_with_everything);
        }
    };
    (@keys $fixture:path) => {
        $crate::checks!(keys, $fixture,
            keys_are_listed_as_they_were_issued_oldest_first
            a_key_whose_id_or_digest_another_has_is_refused
            a_revocation_is_for_good_and_of_one_key_only
            the_latest_use_is_noted_and_never_an_earlier_one
            traces_are_listed_by_the_project_of_their_records
            checkpoints_keep_their_project);
    };
}

crate::backend_suite!(sqlite, crate::suite::sqlite_file);
crate::backend_suite!(sqlite_sealing_all_the_time, crate::suite::restless_sqlite_file);

/// A SQLite file with its usual sizes: these tests never fill the inbox.
pub async fn sqlite_file() -> Fixture {
    sqlite_with(Tuning::default()).await
}

/// A SQLite file that seals every few records, so that all of them move while being read.
pub async fn restless_sqlite_file() -> Fixture {
    sqlite_with(Tuning { seal_records: 5, seal_age: Duration::from_millis(1), ..Tuning::default() }).await
}

async fn sqlite_with(tuning: Tuning) -> Fixture {
    let folder = tempfile::tempdir().expect("temp dir");
    let path = folder.path().join("suite.db");
    let backend = Sqlite::open_tuned(path, Options::default(), tuning).await.expect("opened");
    Fixture { backend, _guard: Box::new(folder) }
}
