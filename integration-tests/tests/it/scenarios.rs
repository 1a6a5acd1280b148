//! The table of scenarios: functions over a cluster that run on the mock and on a real one alike.
//!
//! Each becomes two tests, `mock::MODULE::NAME` and `real::MODULE::NAME`, so that none can be on one side only; a scenario that is
//! missing here is never called, which the compiler tells. `cargo xtask test` asserts that as many passed on one as on the other.
//!
//! Those of the mock need no server: `cargo test -p integration-tests --test it mock::`.

use std::pin::Pin;

use integration_tests::cluster::Cluster;

/// Makes the tests.
macro_rules! scenarios {
    (
        admin { $($part:ident [$($call:ident,)*])* }
        $($module:ident [$($name:ident,)*])*
    ) => {
        mod mock {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::super::on_mock(Box::pin(crate::$module::$name())).await;
                }
            )* })*
            mod admin { $(mod $part { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $call() {
                    super::super::super::on_mock(Box::pin(crate::admin::$part::$call())).await;
                }
            )* })* }
        }

        mod real {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::super::on_real(Box::pin(crate::$module::$name())).await;
                }
            )* })*
            mod admin { $(mod $part { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $call() {
                    super::super::super::on_real(Box::pin(crate::admin::$part::$call())).await;
                }
            )* })* }
        }

        const NAMES: &[&str] = &[
            $($(stringify!($name),)*)*
            $($(stringify!($call),)*)*
        ];
    };
}

/// A scenario that was called.
type Scenario = Pin<Box<dyn Future<Output = ()>>>;

/// On a mock cluster of its own.
async fn on_mock(scenario: Scenario) {
    Cluster::mock().await.run(scenario).await;
}

/// On the cluster that the environment names.
async fn on_real(scenario: Scenario) {
    Cluster::real().run(scenario).await;
}

#[test]
fn the_scenarios_are_counted() {
    println!("{} scenarios", NAMES.len());
    assert!(NAMES.len() >= 100, "{}", NAMES.len());
}

scenarios! {
    admin {
        acl [
            rules_are_made_listed_by_what_they_say_and_dropped,
            a_user_may_what_rules_let_him_and_nothing_else,
            a_user_may_not_make_or_drop_rules_for_himself,
            a_user_leases_snapshots_of_tables_that_he_may_read,
            a_wrong_password_administers_nothing,
        ]
        alter_table [
            columns_are_added_and_rows_of_both_schemas_are_read,
            properties_are_set_and_reset,
            what_no_server_takes_is_not_sent_and_what_this_one_does_not_take_it_refuses,
        ]
        cluster [
            configuration_is_described_set_and_reset,
            configuration_that_cannot_be_is_refused_and_nothing_of_the_call_happens,
            servers_are_tagged_and_tags_that_do_not_fit_are_refused,
            a_rebalance_without_goal_is_not_sent,
            an_ordinary_user_may_not_touch_the_cluster,
        ]
        database [
            a_database_is_made_described_listed_and_dropped,
            a_missing_database_is_not_found_and_a_bad_name_is_not_sent,
            the_servers_of_the_cluster_are_listed_the_coordinator_first,
        ]
        kv_snapshot [
            snapshots_come_with_their_files_and_offsets,
            tables_without_snapshots_say_why,
            a_lease_keeps_a_snapshot_and_renews_itself_until_it_is_closed,
            what_is_released_or_dropped_goes_and_what_is_held_stays,
            a_lease_that_cannot_be_is_refused_and_ends_with_its_connection,
        ]
        lake_snapshot [
            the_latest_snapshot_and_one_by_its_id_tell_how_far_the_lake_is,
        ]
        newer [
            calls_of_a_newer_release_say_so_at_once,
        ]
        offsets [
            offsets_follow_what_was_appended,
            offsets_and_rows_of_partitions,
            rows_are_counted_by_key_or_by_offset,
            rows_of_a_table_that_nobody_counts_are_an_error_of_the_server,
        ]
        partition [
            partitions_are_made_listed_by_part_of_their_values_and_dropped,
            a_partition_that_cannot_be_is_refused,
        ]
        producer_offsets [
            offsets_are_left_once_read_and_deleted,
            a_producer_id_that_cannot_be_is_refused,
        ]
        table [
            a_table_is_made_described_listed_and_dropped,
            a_table_that_cannot_be_is_refused,
        ]
    }
    bad_requests [
        bad_reads_are_answered_by_their_codes,
        bad_writes_are_answered_by_their_codes,
        bad_administration_is_answered_by_its_codes,
    ]
    config [
        keys_of_the_java_client_do_what_they_say,
        wrong_keys_and_values_are_told_before_anybody_is_asked,
        a_cluster_that_is_not_there_is_an_error_within_the_time_of_a_call,
    ]
    faults [
        a_row_whose_acknowledgement_is_lost_is_there_once,
        at_most_five_batches_of_a_bucket_are_under_way,
        a_writer_that_the_server_does_not_know_gets_a_new_id,
    ]
    lookup_keys [
        keys_are_looked_up_one_by_one_and_many_at_once,
        rows_are_found_by_a_prefix_of_their_key,
        a_partitioned_table_is_looked_up_in_the_partition_of_the_key,
        a_lookup_inserts_what_is_missing,
        a_limit_scan_reads_a_bucket_or_a_whole_table,
    ]
    observe [
        a_connection_tells_what_it_did_without_a_recorder,
        a_scan_of_all_rows_of_a_table_is_not_sent_to_a_server_that_is_too_old,
    ]
    recreated [
        a_partitioned_table_made_again_is_written_and_read_by_new_handles,
        old_handles_of_a_table_made_again_say_not_found_at_once,
        old_handles_of_a_partitioned_table_made_again_say_not_found_at_once,
        handles_of_a_dropped_table_say_not_found_at_once,
    ]
    round_trip [
        every_scalar_type_comes_back_from_append_and_scan,
        every_scalar_type_comes_back_from_upsert_and_lookup,
        an_awaited_append_tells_where_the_row_is,
    ]
    sasl [
        the_right_password_writes_and_reads,
        a_wrong_password_is_an_authentication_error_that_does_not_show_it,
        no_password_where_one_is_needed_is_an_error_within_the_deadline,
    ]
    scan_bounds [
        a_scan_until_now_ends_with_what_was_there,
        a_scan_until_now_of_an_empty_table_ends_at_once,
        a_scan_until_now_reads_every_partition,
        a_scan_until_offsets_ends_just_before_them,
        a_finished_scan_goes_on_where_it_ended_with_a_later_end,
        a_scan_between_two_times_has_the_batches_between_them,
        batches_without_rows_move_the_position,
    ]
    scan_columns [
        columns_come_in_the_order_asked_for_in_every_log_format,
        batches_begin_at_the_offset_asked_for,
        a_changelog_tells_what_happened_to_each_row,
        a_changelog_of_new_images_alone_has_no_old_rows,
        nested_columns_come_back,
    ]
    scan_dropped [
        a_bounded_scan_of_the_table_passes_a_dropped_partition_by,
        a_dropped_partition_that_was_named_is_told_once_and_the_others_end,
        a_limit_scan_of_the_table_passes_a_dropped_partition_by,
    ]
    scan_evolution [
        old_batches_are_read_with_the_newer_schema,
        old_rows_are_looked_up_with_the_newer_schema,
    ]
    scan_prefetch [
        what_is_fetched_ahead_of_poll_is_bounded_whatever_the_number_of_buckets,
    ]
    scan_remote [
        remote_segments_are_read_from_the_beginning_and_from_the_middle,
        remote_segments_are_read_in_small_pieces_where_memory_is_short,
    ]
    scan_latency [
        a_row_is_seen_soon_after_it_is_written,
        a_row_is_seen_soon_by_a_stream,
        a_row_is_seen_soon_in_an_arrow_batch,
        a_change_of_a_primary_key_table_is_seen_soon,
        a_row_of_a_table_with_three_replicas_is_seen_soon,
        a_fetch_that_is_held_does_not_keep_a_write_waiting_on_its_connection,
    ]
    scan_stream [
        a_stream_of_rows_with_an_end_ends,
        a_stream_of_batches_with_an_end_ends,
        a_stream_without_end_goes_on_and_a_dropped_next_loses_nothing,
        a_stream_tells_a_failure_once_and_reads_on,
    ]
    scan_tiered [
        reading_to_a_time_has_every_row_before_it_wherever_segments_are,
        reading_from_a_time_begins_with_its_batch_wherever_segments_are,
        partitions_whose_segments_moved_are_read_between_two_times,
        the_last_rows_are_the_newest_wherever_segments_are,
        servers_answer_a_limit_scan_from_one_segment_on_their_disks,
        servers_know_the_times_of_copied_segments_roughly,
        a_time_before_all_times_is_the_beginning_of_an_empty_log_too,
        columns_that_cannot_be_fetched_are_refused_once_there_are_rows,
    ]
    scan_subscribe [
        buckets_are_read_one_by_one_and_many_at_once,
        reading_begins_where_it_is_told_to,
        a_bucket_that_is_unsubscribed_is_read_no_more,
        partitions_are_read_by_their_ids,
        a_scan_resumes_at_the_positions_of_its_buckets,
        a_whole_table_is_read_with_the_partitions_that_come_and_go,
        an_offset_out_of_range_is_an_error_or_a_new_start,
        wakeup_ends_a_poll_and_loses_nothing,
    ]
    scan_unfit [
        a_null_in_a_not_null_column_is_read_as_a_row_and_named_for_arrow,
        a_sum_that_outgrew_its_column_is_read_as_it_was_stored,
    ]
    servers [
        a_sum_that_outgrows_its_type_is_refused_where_the_log_has_no_place_for_it,
        a_sum_that_outgrows_its_type_is_kept_where_rows_are_logged,
        the_first_row_of_a_table_gets_the_number_1_whatever_its_bucket,
        partitions_are_listed_in_no_order,
        a_table_gets_the_partitions_of_its_time_a_moment_later,
        a_partition_of_any_text_is_taken_or_has_to_be_a_time_as_the_release_says,
        a_dropped_partition_is_gone_soon_for_those_who_look_rows_up,
        properties_that_no_server_knows_are_refused,
        a_table_joins_no_lake_where_the_cluster_has_none,
    ]
    write_append [
        an_arrow_batch_is_split_by_bucket_as_its_rows_are_one_by_one,
        an_arrow_batch_is_split_by_partition_and_bucket,
        what_does_not_fit_the_table_is_refused_by_the_name_of_the_column,
        rows_and_batches_of_several_writers_keep_their_order_in_a_bucket,
        every_way_to_call_writes_the_same,
    ]
    write_batches [
        batches_are_as_large_as_configured,
        a_quiet_table_gets_smaller_batches_for_its_next_burst,
        batches_that_compress_well_take_more_rows,
        rows_that_nobody_awaits_wait_out_the_linger_together,
        requests_of_any_size_carry_everything,
        a_row_larger_than_a_batch_goes_alone,
        every_level_of_acknowledgement_writes_every_row,
        a_table_that_floods_the_buffer_does_not_starve_another,
    ]
    write_buckets [
        a_sticky_writer_fills_one_batch_after_another_over_all_buckets,
        round_robin_gives_each_bucket_every_third_row,
        the_hash_of_the_bucket_key_decides_and_lookups_find_the_rows,
    ]
    write_formats [
        every_log_format_comes_back,
        every_compression_comes_back,
    ]
    write_partitions [
        missing_partitions_are_made_while_other_rows_go_on,
        many_clients_may_make_the_same_partition,
        a_partition_that_is_not_made_fails_its_own_rows_alone,
        values_that_name_no_partition_are_refused_at_once,
        partitions_by_time_keep_to_the_rules_of_the_server,
        a_partition_dropped_under_a_writer_is_made_anew,
    ]
    write_results [
        an_awaited_append_tells_bucket_partition_and_offset,
        an_awaited_upsert_or_delete_tells_where_the_changelog_ends,
        flush_tells_the_first_failure_once,
        closing_sends_what_is_left_and_refuses_what_comes_after,
        closing_with_too_little_time_tells_how_much_was_not_sent,
        rows_of_a_dropped_writer_and_of_dropped_results_are_still_written,
    ]
    write_tables [
        a_dropped_table_fails_its_writers_soon_and_no_others,
        a_column_added_under_writers_is_null_in_their_rows_until_they_are_made_anew,
        a_table_made_anew_gets_no_rows_of_the_old_writers,
    ]
    write_upsert [
        upserts_and_deletes_of_a_key_apply_in_the_order_of_the_calls,
        a_partial_update_leaves_other_columns_alone_by_position_and_by_name,
        deletes_are_allowed_ignored_or_refused_as_the_table_says,
        the_first_row_engine_keeps_the_first,
        the_versioned_engine_keeps_the_newest_version,
        the_aggregation_engine_adds_up_unless_rows_overwrite,
        the_server_fills_the_auto_increment_column,
        every_way_to_call_upserts_and_deletes,
    ]
    write_values [
        digits_beyond_the_precision_of_a_time_are_the_same_in_lookups_and_changelogs,
        a_time_that_names_a_partition_is_cut_like_any_other,
        texts_and_bytes_of_another_length_are_refused_by_column,
        arrow_batches_are_converted_to_the_types_of_the_table,
        batches_handed_out_have_instants_in_utc_and_can_be_appended_again,
        slices_of_one_row_of_nested_columns_travel_together,
        nulls_are_written_and_read_where_a_parent_is_null,
    ]
}
