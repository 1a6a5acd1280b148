//! Rows that were lost, doubled, reordered or stuck.

use std::time::Duration;

use fluss::client::EARLIEST_OFFSET;
use fluss::config::Config;
use fluss::error::ErrorKind;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode, Port};
use tokio::time::{Instant, sleep, timeout};

use super::{HANG, SECOND, append_each, assert_exactly_once, rows};
use crate::support::{Bench, connect, key, keyed_row, log_row};

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

/// fluss#4121, fluss#1261: one batch failed, and those sent behind it were out of order for that reason alone; the answers to them made the
/// writer begin anew, and rows came twice or never.
#[tokio::test(start_paused = true)]
async fn batches_behind_a_failed_one_do_not_make_the_writer_begin_anew() {
    for code in [
        ErrorCode::NOT_ENOUGH_REPLICAS_EXCEPTION,
        ErrorCode::STORAGE_EXCEPTION,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ] {
        let bench = Bench::new().await;
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        append_each(&writer, 1_000..1_005).await;
        let failed = fault::on(ApiKey::ProduceLog)
            .times(2)
            .before(Fault::BucketError(code));
        let failed = bench.cluster.inject(failed);
        // Answers take so long that all five batches of a bucket are under way.
        let slow = fault::on(ApiKey::ProduceLog).after(Fault::Delay(SECOND));
        let slow = bench.cluster.inject(slow);
        bench.cluster.clear_journal();
        append_each(&writer, 1_005..1_040).await;
        assert_eq!(failed.hits(), 2);
        slow.remove();
        assert_exactly_once(&bench, 1_000..1_040).await;
        let journal = bench.cluster.journal();
        let mut requests = journal.iter();
        let anew = requests.any(|request| request.api == Some(ApiKey::InitWriter));
        assert!(!anew, "{code}: the writer asked for another id");
    }
}

/// fluss#669, fluss#721: once as many batches of a bucket were under way as may be, or the writer had begun anew, nothing was sent any more.
#[tokio::test(start_paused = true)]
async fn a_bucket_with_all_its_batches_under_way_goes_on() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let silent = fault::on(ApiKey::ProduceLog)
        .times(4)
        .after(Fault::Delay(2 * SECOND));
    let silent = bench.cluster.inject(silent);
    append_each(&writer, 1_000..1_040).await;
    bench.cluster.expire_writers();
    append_each(&writer, 1_040..1_060).await;
    assert_eq!(silent.hits(), 4);
    assert_exactly_once(&bench, 1_000..1_060).await;
}

/// fluss#290, fluss#3712, rust#125: a full buffer was an error, or a wait that nobody ended.
#[tokio::test(start_paused = true)]
async fn a_full_buffer_is_waited_for() {
    let bench = Bench::new().await;
    let config = Config {
        writer_buffer_memory_size: 64 << 10,
        writer_batch_size: 4 << 10,
        writer_request_max_size: 32 << 10,
        ..bench.config.clone()
    };
    let slow = fault::on(ApiKey::ProduceLog).before(Fault::Delay(SECOND / 10));
    let slow = bench.cluster.inject(slow);
    let connection = connect(&bench.cluster, &config).await.unwrap();
    let table = connection.get_table(bench.log.table_path()).await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let all = async {
        for id in 1_000..9_000 {
            drop(writer.append_async(&log_row(id)).await.unwrap());
        }
        writer.flush().await.unwrap();
    };
    timeout(HANG, all).await.expect("it ends");
    assert!(slow.hits() > 10, "{} requests", slow.hits());
    assert_exactly_once(&bench, 1_000..9_000).await;
}

/// fluss#322: with little to do, a client kept itself and the servers busy.
#[tokio::test(start_paused = true)]
async fn an_idle_client_asks_for_little() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    bench.cluster.clear_journal();
    for id in 0..6 {
        let appended = writer.append(&log_row(1_000 + id)).unwrap();
        appended.await.unwrap();
        let until = Instant::now() + 10 * SECOND;
        while Instant::now() < until {
            scanner.poll(SECOND).await.unwrap();
        }
    }
    // Six appends, eleven fetches a second, and some more after each row.
    let requests = bench.cluster.journal().len();
    assert!((600..900).contains(&requests), "{requests} in a minute");
}

/// fluss#3463, fluss#3855: a server whose storage could not keep up was sent the same rows as fast as it refused them.
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_keep_up_is_given_time() {
    let bench = Bench::newer().await;
    let refusal = fault::on(ApiKey::PutKv).times(2).before(Fault::BucketError(
        ErrorCode::STORAGE_BACKPRESSURE_EXCEPTION,
    ));
    let refused = bench.cluster.inject(refusal);
    let writer = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
    let began = Instant::now();
    let written = timeout(HANG, writer.upsert(&keyed_row(1, 1, "second")).unwrap());
    written.await.expect("it ends").unwrap();
    assert_eq!(refused.hits(), 2);
    let took = began.elapsed();
    assert!(took >= 6 * SECOND, "sent again twice within {took:?}");
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let found = lookuper.lookup(&key(1, 1)).await.unwrap();
    assert_eq!(
        found.get_single_row().unwrap().unwrap().get_string(2),
        "second"
    );
}

/// fluss#3328: closing waited for what it should have given up, and gave up what it should have waited for.
#[tokio::test(start_paused = true)]
async fn closing_ends_within_its_time_and_tells_what_is_lost() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let silent = bench
        .cluster
        .inject(fault::on(ApiKey::ProduceLog).before(Fault::Stall));
    drop(writer.append(&log_row(1_000)).unwrap());
    sleep(SECOND).await;
    assert_eq!(silent.hits(), 1);
    let began = Instant::now();
    let closed = timeout(HANG, bench.connection.close(2 * SECOND)).await;
    let error = closed.expect("it ends").unwrap_err();
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2_100), "{took:?}: {error}");
}

/// fluss#4278: a server whose disk was too full refused writes, and the repeated ones filled the network.
#[tokio::test(start_paused = true)]
async fn a_server_with_a_full_disk_is_given_time() {
    let bench = Bench::newer().await;
    let refusal =
        fault::on(ApiKey::ProduceLog).before(Fault::BucketError(ErrorCode::DISK_WRITE_LOCKED));
    let refused = bench.cluster.inject(refusal);
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let lost = timeout(HANG, writer.append(&log_row(1_000)).unwrap()).await;
    let error = lost.expect("it ends").unwrap_err();
    assert!(error.to_string().contains("DISK_WRITE_LOCKED"), "{error}");
    // Ten seconds, of which each refusal takes three.
    assert!(
        (3..6).contains(&refused.hits()),
        "{} requests",
        refused.hits()
    );
    refused.remove();
    writer.append(&log_row(1_001)).unwrap().await.unwrap();
    assert_eq!(rows(&bench.log, 21).await.len(), 21);
}
