//! Errors that pass are not kept: once the servers have recovered, so has everything that uses the connection.

use std::env::temp_dir;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fluss::client::{AppendWriter, EARLIEST_OFFSET};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, Schema};
use fluss::row::GenericRow;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode, MockCluster};
use futures::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::support::{Bench, key, keyed_row, log_row, table};

const SECOND: Duration = Duration::from_secs(1);
const HANG: Duration = Duration::from_secs(60);

/// What a server says of a hiccup of its ZooKeeper, and what it says when it is merely slow.
const HICCUPS: [ErrorCode; 2] = [ErrorCode::UNKNOWN_SERVER_ERROR, ErrorCode::REQUEST_TIME_OUT];

/// Moves the leaders of both tables, while no server tells of metadata for two seconds.
fn hiccup(bench: &Bench, code: ErrorCode, to: i32) -> JoinHandle<()> {
    let refused = fault::on(ApiKey::GetMetadata).before(Fault::Error(code));
    let refused = bench.cluster.inject(refused);
    for path in [bench.log.table_path(), bench.keyed.table_path()] {
        for bucket in 0..2 {
            let bucket = bench.cluster.bucket(path, bucket).unwrap();
            bench.cluster.move_leader(&bucket, to);
        }
    }
    tokio::spawn(async move {
        sleep(2 * SECOND).await;
        assert!(refused.hits() > 0, "no server was asked for metadata");
        refused.remove();
    })
}

async fn append(writer: &AppendWriter, id: i32) {
    let appended = writer.append(&log_row(id)).unwrap();
    timeout(HANG, appended).await.expect("it ends").unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_of_two_seconds_stops_no_writer() {
    for code in HICCUPS {
        let bench = Bench::with_servers(2).await;
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        let upserts = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
        append(&writer, 1_000).await;
        for (round, to) in [(0, 1), (1, 0)] {
            let over = hiccup(&bench, code, to);
            let during = writer.append(&log_row(2_000 + round)).unwrap();
            let upsert = upserts.upsert(&keyed_row(0, 1, "during")).unwrap();
            timeout(HANG, during).await.expect("it ends").unwrap();
            timeout(HANG, upsert).await.expect("it ends").unwrap();
            append(&writer, 3_000 + round).await;
            // Nor is any other writer of the table.
            let other = bench.log.new_append().unwrap().create_writer().unwrap();
            append(&other, 4_000 + round).await;
            over.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_two_seconds_ends_no_scan_and_no_stream() {
    for code in HICCUPS {
        let bench = Bench::with_servers(2).await;
        let table = bench.log.clone();
        let scanner = table.new_scan().create_log_scanner().unwrap();
        let stream = table.new_scan().create_log_scanner().unwrap();
        for bucket in 0..2 {
            scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
            stream.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
        }
        let mut stream = stream.into_stream();
        let (mut polled, mut streamed) = (0, 0);
        for round in 0..3 {
            let expected = 20 + round;
            while polled < expected {
                let records = timeout(HANG, scanner.poll(10 * SECOND))
                    .await
                    .expect("it ends");
                polled += records.unwrap().count() as i32;
            }
            while streamed < expected {
                let record = timeout(HANG, stream.next()).await.expect("it ends");
                record.expect("the stream goes on").unwrap();
                streamed += 1;
            }
            let over = hiccup(&bench, code, (round + 1) % 2);
            let writer = bench.log.new_append().unwrap().create_writer().unwrap();
            append(&writer, 1_000 + round).await;
            over.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_two_seconds_fails_no_lookup_and_no_question_for_offsets() {
    for code in HICCUPS {
        let bench = Bench::with_servers(2).await;
        let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
        for to in [1, 0] {
            let over = hiccup(&bench, code, to);
            let (wanted, path) = (key(0, 0), bench.log.table_path());
            let found = lookuper.lookup(&wanted);
            let offsets = bench.admin.list_offsets(path, &[0, 1], OffsetSpec::Latest);
            let limited = bench.keyed.new_scan().limit(5).unwrap();
            let limited = limited.create_batch_scanner().unwrap();
            let all = Box::pin(async { tokio::join!(found, offsets, limited.next_batch()) });
            let (found, offsets, limited) = timeout(HANG, all).await.expect("it ends");
            assert_eq!(found.unwrap().len(), 1);
            assert_eq!(offsets.unwrap().values().sum::<i64>(), 20);
            assert!(limited.unwrap().is_some());
            over.await.unwrap();
        }
    }
}

/// One table of which the servers cannot tell does not hold up what is asked of others.
#[tokio::test(start_paused = true)]
async fn a_table_that_servers_cannot_tell_of_disturbs_no_other() {
    let bench = Bench::with_servers(2).await;
    let wanted = bench.keyed.table_path().table().to_owned();
    let is_about = move |request: &fluss_mock::raw::MetadataRequest| {
        request
            .table_path
            .iter()
            .any(|path| path.table_name == wanted)
    };
    let refused = fault::on(ApiKey::GetMetadata)
        .when(is_about)
        .before(Fault::Error(ErrorCode::UNKNOWN_SERVER_ERROR));
    let connection = bench.connect().await.unwrap();
    let refused = bench.cluster.inject(refused);
    let keyed = connection
        .get_table(bench.keyed.table_path())
        .await
        .unwrap();
    let log = connection.get_table(bench.log.table_path()).await.unwrap();
    let upserts = keyed.new_upsert().unwrap().create_writer().unwrap();
    let stuck = upserts.upsert(&keyed_row(0, 100, "stuck")).unwrap();
    let writer = log.new_append().unwrap().create_writer().unwrap();
    for id in 0..5 {
        let appended = writer.append(&log_row(1_000 + id)).unwrap();
        timeout(4 * SECOND, appended).await.expect("soon").unwrap();
    }
    assert!(refused.hits() > 0);
    refused.remove();
    timeout(HANG, stuck).await.expect("it ends").unwrap();
}

/// What a server refuses today it may accept tomorrow: of every error but one that says that the table is gone, only the rows of then
/// hear. Those that are acknowledged are there once.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_lifted_is_forgotten() {
    let codes = [
        ErrorCode::AUTHORIZATION_EXCEPTION,
        ErrorCode::UNKNOWN_SERVER_ERROR,
        ErrorCode::SECURITY_TOKEN_EXCEPTION,
        ErrorCode::INVALID_COORDINATOR_EXCEPTION,
        ErrorCode::DATABASE_NOT_EXIST,
        ErrorCode::UNSUPPORTED_VERSION,
        ErrorCode::new(4_242),
    ];
    for code in codes {
        let bench = Bench::with_servers(2).await;
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        let mut acknowledged = (0..20).collect::<Vec<_>>();
        for round in 0..3 {
            let id = 1_000 + 10 * round;
            append(&writer, id).await;
            acknowledged.push(id);
            let refused = fault::on(ApiKey::GetMetadata).before(Fault::Error(code));
            let refused = bench.cluster.inject(refused);
            for bucket in 0..2 {
                let bucket = bench
                    .cluster
                    .bucket(bench.log.table_path(), bucket)
                    .unwrap();
                bench.cluster.move_leader(&bucket, (round + 1) % 2);
            }
            let during = (1..5)
                .map(|row| (id + row, writer.append(&log_row(id + row)).unwrap()))
                .collect::<Vec<_>>();
            sleep(2 * SECOND).await;
            refused.remove();
            for (id, row) in during {
                if timeout(HANG, row).await.expect("it ends").is_ok() {
                    acknowledged.push(id);
                }
            }
            append(&writer, id + 9).await;
            acknowledged.push(id + 9);
        }
        let scanner = bench.log.new_scan().create_log_scanner().unwrap();
        for bucket in 0..2 {
            scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
        }
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let mut read = Vec::new();
        while !scanner.is_finished() {
            let records = timeout(HANG, scanner.poll(SECOND)).await.expect("it ends");
            read.extend(
                records
                    .unwrap()
                    .into_iter()
                    .map(|record| record.row().get_int(0)),
            );
        }
        for id in acknowledged {
            let times = read.iter().filter(|read| **read == id).count();
            assert_eq!(times, 1, "{code}: row {id}");
        }
    }
}

/// The servers take ids of writers, and of partitions, out of their ZooKeeper as well.
#[tokio::test(start_paused = true)]
async fn writer_ids_and_partitions_are_asked_for_again() {
    for api in [ApiKey::InitWriter, ApiKey::CreatePartition] {
        let bench = Bench::new().await;
        let refused = fault::on(api).before(Fault::Error(ErrorCode::UNKNOWN_SERVER_ERROR));
        let refused = bench.cluster.inject(refused);
        let connection = bench.connect().await.unwrap();
        let days = fluss::metadata::TablePath::new(super::support::DATABASE, "days");
        let days = connection.get_table(&days).await.unwrap();
        let writer = days.new_append().unwrap().create_writer().unwrap();
        let mut row = GenericRow::new(2);
        row.set_field(0, 1);
        row.set_field(1, "monday");
        let appended = writer.append(&row).unwrap();
        sleep(2 * SECOND).await;
        assert!(refused.hits() > 2, "{api}");
        refused.remove();
        timeout(HANG, appended).await.expect("it ends").unwrap();
    }
}

/// A server that is wrong about a table being there is not believed for good.
#[tokio::test(start_paused = true)]
async fn a_table_said_to_be_gone_is_written_by_new_writers_once_it_is_there() {
    let bench = Bench::with_servers(2).await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string());
    let table = table(&bench.connection, "back", schema, |table| {
        table.bucket_count(1)
    })
    .await;
    let refused = fault::on(ApiKey::GetMetadata).before(Fault::Error(ErrorCode::TABLE_NOT_EXIST));
    let refused = bench.cluster.inject(refused);
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let appended = writer.append(&log_row(1)).unwrap();
    let error = timeout(HANG, appended).await.expect("it ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    refused.remove();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    append(&writer, 2).await;
}

/// A segment that is missing in remote storage may come back, so it is asked for again, but less and less; and a poll says which it is.
#[tokio::test(start_paused = true)]
async fn a_missing_remote_segment_is_asked_for_less_and_less_and_named() {
    let directory = temp_dir().join(format!("fluss-robust-missing-{}", std::process::id()));
    let builder = MockCluster::builder()
        .config("remote.data.dir", directory.display().to_string())
        .config("log.segment.file-size", "1kb");
    let bench = Bench::on(builder, 1).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 0..200 {
        append(&writer, id).await;
    }
    sleep(HANG).await;
    // Bucket 0 only: that of the other one is read.
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let segments = segments(&directory);
    let names = segments.iter().map(|segment| {
        let id = segment.parent().unwrap().file_name().unwrap();
        id.to_str().unwrap().to_owned()
    });
    let names = names.collect::<Vec<_>>();
    assert!(!names.is_empty());
    let hidden = segments.iter().map(|segment| {
        let hidden = segment.with_extension("hidden");
        std::fs::rename(segment, &hidden).unwrap();
        (segment, hidden)
    });
    let hidden = hidden.collect::<Vec<_>>();
    bench.cluster.clear_journal();
    let began = Instant::now();
    // The bench has a call timeout of 8 s: neither a long poll nor short ones keep the failure to themselves.
    let error = scanner.poll(10 * HANG).await.unwrap_err();
    let took = began.elapsed();
    assert!(took >= 8 * SECOND && took < 10 * SECOND, "{took:?}");
    let text = error.to_string();
    assert!(names.iter().any(|name| text.contains(name)), "{text}");
    assert!(text.contains(directory.to_str().unwrap()), "{text}");
    assert!(error.is_retriable());
    let error = scanner.poll(SECOND).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    sleep_until(began + HANG).await;
    let asked = bench.cluster.journal();
    let asked = asked
        .iter()
        .filter(|request| request.api == Some(ApiKey::FetchLog));
    let asked = asked.count();
    assert!((20..150).contains(&asked), "{asked} in a minute");
    // Back again, all is read.
    for (segment, hidden) in hidden {
        std::fs::rename(hidden, segment).unwrap();
    }
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut read = 0;
    while !scanner.is_finished() {
        read += scanner.poll(HANG).await.unwrap().count();
    }
    assert!(read > 50, "{read}");
    std::fs::remove_dir_all(directory).unwrap();
}

/// The data files of all segments.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "log") {
                found.push(path);
            }
        }
    }
    found
}
