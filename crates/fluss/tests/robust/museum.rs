//! What went wrong in clients of Fluss before, each once more on the mock cluster. The numbers are those of issues and pull requests of
//! the project that had the fault.

use std::time::Duration;

use fluss::client::{AppendWriter, EARLIEST_OFFSET, FlussTable, OffsetReset};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor, TablePath};
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode, Port, ServerId};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Bench, DATABASE, connect, key, keyed_row, log_row};

const SECOND: Duration = Duration::from_secs(1);
const HANG: Duration = Duration::from_secs(60);

/// Appends rows, each a batch of its own, and waits for all of them.
async fn append_each(writer: &AppendWriter, ids: std::ops::Range<i32>) {
    for id in ids {
        drop(writer.append(&log_row(id)).unwrap());
        sleep(Duration::from_millis(101)).await;
    }
    let flushed = timeout(HANG, writer.flush()).await;
    flushed.expect("it ends").unwrap();
}

/// Every row of the table, those of each bucket in order.
async fn rows(table: &FlussTable, count: usize) -> Vec<i32> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut rows = vec![Vec::new(); 4];
    let mut polls = 0;
    while rows.iter().map(Vec::len).sum::<usize>() < count && polls < 50 {
        polls += 1;
        let records = scanner.poll(SECOND).await.unwrap();
        for (bucket, records) in records.records_by_buckets() {
            let ids = records.iter().map(|record| record.row().get_int(0));
            rows[bucket.bucket_id() as usize].extend(ids);
        }
    }
    // Nothing may come behind the last row either.
    assert!(scanner.poll(SECOND).await.unwrap().is_empty());
    for ids in &rows {
        let new = ids.iter().filter(|id| **id >= 1_000).collect::<Vec<_>>();
        assert!(new.is_sorted(), "{new:?}");
    }
    let mut all: Vec<i32> = rows.concat();
    all.sort_unstable();
    all
}

async fn assert_exactly_once(bench: &Bench, ids: std::ops::Range<i32>) {
    let expected: Vec<i32> = (0..20).chain(ids).collect();
    assert_eq!(rows(&bench.log, expected.len()).await, expected);
}

/// fluss#2826, rust#447: the answer to one batch was lost, later ones were acknowledged; the batch sent again was out of order for ever.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_before_acknowledged_ones_neither_blocks_nor_doubles() {
    for fault in [Fault::Drop, Fault::Close] {
        let bench = Bench::new().await;
        let lost = fault::on(ApiKey::ProduceLog).nth(3).after(fault);
        let lost = bench.cluster.inject(lost);
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        append_each(&writer, 1_000..1_030).await;
        assert_eq!(lost.hits(), 1);
        assert_exactly_once(&bench, 1_000..1_030).await;
    }
}

/// fluss#1624, fluss#1383: the servers forgot a writer that was silent for long; its next batches failed for ever.
#[tokio::test(start_paused = true)]
async fn a_writer_whose_id_expired_goes_on() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_010).await;
    bench.cluster.expire_writers();
    append_each(&writer, 1_010..1_020).await;
    assert_exactly_once(&bench, 1_000..1_020).await;
}

/// fluss#589, fluss#1258: a tablet server was killed; its buckets' batches kept going to it, or were out of order for ever.
#[tokio::test(start_paused = true)]
async fn batches_follow_their_leader_when_a_server_is_killed() {
    let bench = Bench::with_servers(3).await;
    let bucket = bench.cluster.bucket(bench.log.table_path(), 0).unwrap();
    let leader = bench.cluster.leader(&bucket).unwrap();
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_010).await;
    bench.cluster.kill_server(leader);
    append_each(&writer, 1_010..1_020).await;
    bench
        .cluster
        .start_server(leader, Port::Same)
        .await
        .unwrap();
    append_each(&writer, 1_020..1_030).await;
    assert_exactly_once(&bench, 1_000..1_030).await;
}

/// fluss#4380: a tablet server was taken away for good; writes to tables without partitions stalled for ever.
#[tokio::test(start_paused = true)]
async fn writes_go_on_when_a_server_is_taken_away() {
    let bench = Bench::with_servers(2).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_005).await;
    bench.cluster.stop_server(1);
    append_each(&writer, 1_005..1_020).await;
    assert_exactly_once(&bench, 1_000..1_020).await;
}

/// fluss#2747: a table was dropped and made again under a writer; rows of the old one were written to the new one.
#[tokio::test(start_paused = true)]
async fn rows_for_a_dropped_table_do_not_reach_the_next_one_of_its_name() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_003).await;
    let path = bench.log.table_path();
    let descriptor = bench.log.get_table_info().descriptor().clone();
    bench.admin.drop_table(path, false).await.unwrap();
    bench
        .admin
        .create_table(path, &descriptor, false)
        .await
        .unwrap();
    let late = timeout(HANG, writer.append(&log_row(1_003)).unwrap()).await;
    let error = late.expect("it ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let new = bench.connection.get_table(path).await.unwrap();
    assert!(rows(&new, 0).await.is_empty());
}

/// fluss#4368, fluss#2097: after servers were restarted one by one at other addresses, every address that a client knew was stale.
#[tokio::test(start_paused = true)]
async fn a_rolling_restart_at_other_addresses_is_followed() {
    let bench = Bench::with_servers(3).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    for server in 0..3 {
        bench.cluster.stop_server(server);
        bench
            .cluster
            .start_server(server, Port::Other)
            .await
            .unwrap();
        append_each(&writer, 1_000 + server * 5..1_005 + server * 5).await;
        let found = timeout(HANG, lookuper.lookup(&key(0, 0))).await.unwrap();
        assert_eq!(found.unwrap().len(), 1);
    }
    assert_exactly_once(&bench, 1_000..1_015).await;
}

/// fluss#3389: the admin kept asking a coordinator that had gone.
#[tokio::test(start_paused = true)]
async fn a_coordinator_that_moved_is_found() {
    let bench = Bench::new().await;
    bench.cluster.stop_server(ServerId::Coordinator);
    let moved = bench
        .cluster
        .start_server(ServerId::Coordinator, Port::Other);
    moved.await.unwrap();
    // The client learns that its connection has ended.
    sleep(SECOND / 100).await;
    let made = bench.admin.create_database("after", None, false);
    timeout(HANG, made).await.expect("it ends").unwrap();
    assert!(bench.admin.database_exists("after").await.unwrap());
}

/// fluss#1885, fluss#1928: that the leader had changed was told for a bucket, and not taken in.
#[tokio::test(start_paused = true)]
async fn lookups_and_scans_follow_a_leader_that_moved() {
    let bench = Bench::with_servers(2).await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    for table in [&bench.keyed, &bench.log] {
        for bucket in 0..2 {
            let bucket = bench.cluster.bucket(table.table_path(), bucket).unwrap();
            let leader = bench.cluster.leader(&bucket).unwrap();
            bench.cluster.move_leader(&bucket, 1 - leader);
        }
    }
    let found = timeout(HANG, lookuper.lookup(&key(1, 1))).await.unwrap();
    assert_eq!(found.unwrap().len(), 1);
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let mut read = 0;
    let all = async {
        while read < 20 {
            read += scanner.poll(SECOND).await.unwrap().count();
        }
    };
    timeout(HANG, all).await.expect("every row is read");
}

/// fluss#2051, fluss#2110: a lookup hung while its bucket had no leader.
#[tokio::test(start_paused = true)]
async fn a_lookup_waits_for_a_leader_and_not_for_ever() {
    let bench = Bench::new().await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    bench.cluster.kill_server(0);
    let lost = timeout(HANG, lookuper.lookup(&key(0, 0))).await;
    assert!(lost.expect("it ends").is_err());

    let wanted = key(0, 0);
    let (found, started) = tokio::join!(timeout(HANG, lookuper.lookup(&wanted)), async {
        sleep(2 * SECOND).await;
        bench.cluster.start_server(0, Port::Same).await
    });
    started.unwrap();
    assert_eq!(found.expect("it ends").unwrap().len(), 1);
}

/// fluss#3242: batches without rows, as a table that keeps its first rows has them in its log, hung the scanner.
#[tokio::test(start_paused = true)]
async fn batches_without_rows_do_not_hold_a_scanner_up() {
    let bench = Bench::new().await;
    let path = TablePath::new(DATABASE, "first");
    let schema = Schema::builder()
        .column("tenant", DataTypes::int())
        .column("id", DataTypes::int())
        .column("text", DataTypes::string())
        .primary_key(["tenant", "id"]);
    let descriptor = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .property("table.merge-engine", "first_row")
        .build()
        .unwrap();
    bench
        .admin
        .create_table(&path, &descriptor, false)
        .await
        .unwrap();
    let table = bench.connection.get_table(&path).await.unwrap();
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in [1, 1, 1, 1, 2] {
        writer
            .upsert(&keyed_row(1, id, "text"))
            .unwrap()
            .await
            .unwrap();
    }
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let records = scanner.poll(SECOND).await.unwrap();
        ids.extend(records.into_iter().map(|record| record.row().get_int(1)));
    }
    assert_eq!(ids, [1, 2]);
}

/// fluss#4402: batches were sent again without a pause.
#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_not_sent_again_in_a_storm() {
    let bench = Bench::new().await;
    let refusal =
        fault::on(ApiKey::ProduceLog).before(Fault::BucketError(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    let refused = bench.cluster.inject(refusal);
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let append = writer.append(&log_row(1_000)).unwrap();
    assert!(timeout(HANG, append).await.expect("it ends").is_err());
    // Ten seconds of pauses that grow from 100 ms to one second.
    assert!(
        (2..40).contains(&refused.hits()),
        "{} requests",
        refused.hits()
    );
}

/// rust#509: an error code that the client did not know was lost.
#[tokio::test(start_paused = true)]
async fn an_unknown_error_code_is_told_as_it_came() {
    let bench = Bench::new().await;
    let unknown = ErrorCode::new(4_242);
    let rule = fault::on(ApiKey::ListDatabases).before(Fault::Error(unknown));
    bench.cluster.inject(rule);
    let error = bench.admin.list_databases().await.unwrap_err();
    assert_eq!(error.server_code(), Some(4_242));
    assert!(error.to_string().contains("4242"), "{error}");
}

/// fluss#605, fluss#3758: a server that was still starting ended the first contact.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_still_starting_is_waited_for() {
    let bench = Bench::new().await;
    bench.cluster.stop_server(0);
    let (connection, started) = tokio::join!(connect(&bench.cluster, &bench.config), async {
        sleep(SECOND / 2).await;
        bench.cluster.start_server(0, Port::Same).await
    });
    started.unwrap();
    connection.unwrap();
}

/// fluss#1163: what retention takes away under a scanner is an error that says so, or a new start, as the scan wants it.
#[tokio::test(start_paused = true)]
async fn a_log_trimmed_under_a_scanner_is_told_or_skipped() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_020).await;
    let bucket = bench.cluster.bucket(bench.log.table_path(), 0).unwrap();
    let path = bench.log.table_path();
    let ends = bench.admin.list_offsets(path, &[0], OffsetSpec::Latest);
    bench.cluster.trim_log(&bucket, ends.await.unwrap()[&0] - 1);
    for reset in [OffsetReset::Error, OffsetReset::Earliest] {
        let scan = bench.log.new_scan().offset_reset(reset);
        let scanner = scan.create_log_scanner().unwrap();
        scanner.subscribe(0, 0).await.unwrap();
        let polled = timeout(HANG, scanner.poll(5 * SECOND))
            .await
            .expect("it ends");
        match reset {
            OffsetReset::Error => {
                let error = polled.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange, "{error}");
            }
            _ => assert!(polled.unwrap().count() > 0),
        }
    }
}

/// Found by the simulation: a lookup that waited for leaders to be learnt took the whole time of that call beside its own.
#[tokio::test(start_paused = true)]
async fn a_lookup_ends_by_its_deadline_while_leaders_are_learnt() {
    let bench = Bench::new().await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    bench.cluster.inject(fault::on_any().before(Fault::Stall));
    let began = Instant::now();
    let lost = timeout(HANG, lookuper.lookup(&key(0, 0))).await;
    assert!(lost.expect("it ends").is_err());
    let late = began.elapsed().saturating_sub(bench.config.call_timeout);
    assert!(late < SECOND / 2, "{late:?} behind its deadline");
}
