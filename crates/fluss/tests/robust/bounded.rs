//! Scans with an end hand out every row or say why not: whatever is wrong with an answer, in all the ways of reading.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, FlussTable, TableScan};
use fluss::error::{Error, ErrorKind, Result};
use fluss::metadata::{DataTypes, OffsetSpec, Schema};
use fluss_mock::fault::{self, Fault, Mangle};
use fluss_mock::{ApiKey, ErrorCode, MockCluster};
use futures::StreamExt;
use tokio::time::timeout;

use super::support::{Bench, log_row, spread, table};

/// The ways of reading a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rows,
    Batches,
    RowStream,
    BatchStream,
}

const WAYS: [Way; 4] = [Way::Rows, Way::Batches, Way::RowStream, Way::BatchStream];

/// What a scan handed out until it said that it was at its end.
#[derive(Debug, Default)]
struct Outcome {
    offsets: Vec<i64>,
    errors: Vec<Error>,
}

impl Outcome {
    fn row(&mut self, offset: i64) {
        self.offsets.push(offset);
    }

    fn batch(&mut self, base: i64, rows: usize) {
        self.offsets.extend(base..base + rows as i64);
    }
}

/// Reads all buckets up to what is there now, as the documentation does it.
async fn read(scan: &TableScan, way: Way) -> Outcome {
    let read = timeout(Duration::from_secs(300), read_on(scan, way));
    read.await
        .unwrap_or_else(|_| panic!("{way:?} do not come to an end"))
}

async fn read_on(scan: &TableScan, way: Way) -> Outcome {
    let mut outcome = Outcome::default();
    let wait = Duration::from_secs(1);
    let result: Result<()> = async {
        match way {
            Way::Rows | Way::RowStream => {
                let scanner = scan.create_log_scanner()?;
                scanner.subscribe_table(OffsetSpec::Earliest).await?;
                scanner.read_until(OffsetSpec::Latest).await?;
                if way == Way::Rows {
                    while !scanner.is_finished() {
                        match scanner.poll(wait).await {
                            Ok(records) => {
                                records
                                    .into_iter()
                                    .for_each(|record| outcome.row(record.offset()));
                            }
                            Err(error) => outcome.errors.push(error),
                        }
                    }
                    return Ok(());
                }
                let mut stream = scanner.into_stream();
                while let Some(next) = stream.next().await {
                    match next {
                        Ok((_, record)) => outcome.row(record.offset()),
                        Err(error) => outcome.errors.push(error),
                    }
                }
            }
            Way::Batches | Way::BatchStream => {
                let scanner = scan.create_record_batch_log_scanner()?;
                scanner.subscribe_table(OffsetSpec::Earliest).await?;
                scanner.read_until(OffsetSpec::Latest).await?;
                if way == Way::Batches {
                    while !scanner.is_finished() {
                        match scanner.poll(wait).await {
                            Ok(batches) => batches.iter().for_each(|batch| {
                                outcome.batch(batch.base_offset(), batch.num_records());
                            }),
                            Err(error) => outcome.errors.push(error),
                        }
                    }
                    return Ok(());
                }
                let mut stream = scanner.into_stream();
                while let Some(next) = stream.next().await {
                    match next {
                        Ok(batch) => outcome.batch(batch.base_offset(), batch.num_records()),
                        Err(error) => outcome.errors.push(error),
                    }
                }
            }
        }
        Ok(())
    }
    .await;
    outcome.errors.extend(result.err());
    outcome
}

/// A table of one bucket with two batches of one row.
async fn two_batches(bench: &Bench, name: &str) -> FlussTable {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string());
    let made = table(&bench.connection, name, schema, |builder| {
        builder.bucket_count(1)
    })
    .await;
    let writer = made.new_append().unwrap().create_writer().unwrap();
    for id in 0..2 {
        writer.append(&log_row(id)).unwrap();
        writer.flush().await.unwrap();
    }
    made
}

/// Bytes of the answer that has everything.
const ANSWER: usize = 700;

async fn flip_everywhere(name: &str, projected: bool, step: usize, ways: &[Way]) {
    let bench = Bench::new().await;
    let table = two_batches(&bench, name).await;
    let (mut told, mut whole) = (0, 0);
    for at in (0..ANSWER).step_by(step) {
        for way in ways {
            let scan = table.new_scan();
            let scan = if projected {
                scan.project(&[0]).unwrap()
            } else {
                scan
            };
            let flipped = bench.cluster.inject(
                fault::on(ApiKey::FetchLog)
                    .times(1)
                    .mangle(Mangle::Flip { at }),
            );
            let outcome = read(&scan, *way).await;
            flipped.remove();
            let complete = outcome.offsets == [0, 1];
            assert!(
                complete || !outcome.errors.is_empty(),
                "byte {at}, {way:?}: {:?} without a word",
                outcome.offsets
            );
            assert!(
                [0, 1].starts_with(&outcome.offsets),
                "byte {at}, {way:?}: {:?}",
                outcome.offsets
            );
            told += usize::from(!outcome.errors.is_empty());
            whole += usize::from(complete);
        }
    }
    assert!(told > 0 && whole > 0, "{told} errors, {whole} whole scans");
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_costs_no_row_without_a_word() {
    flip_everywhere("flipped", false, 1, &[Way::Rows]).await;
    flip_everywhere("flipped_too", false, 7, &WAYS).await;
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_of_projected_rows_costs_no_row_without_a_word() {
    flip_everywhere("flipped_projected", true, 1, &[Way::Rows]).await;
    flip_everywhere("flipped_projected_too", true, 7, &WAYS).await;
}

/// As it was found: threads of the runtime decode while the caller polls.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_error_of_the_last_batch_wins_no_race_against_the_end() {
    let bench = Bench::new().await;
    let table = two_batches(&bench, "raced").await;
    for at in [300, 450] {
        for run in 0..40 {
            for way in WAYS {
                let flipped = bench
                    .cluster
                    .inject(fault::on(ApiKey::FetchLog).mangle(Mangle::Flip { at }));
                let outcome = read(&table.new_scan(), way).await;
                flipped.remove();
                assert_eq!(outcome.errors.len(), 1, "{way:?}, byte {at}, run {run}");
                assert!(outcome.offsets.len() < 2, "{way:?}, byte {at}, run {run}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_bucket_is_told_before_the_scan_is_finished() {
    let bench = Bench::new().await;
    let table = spread(&bench).await;
    let whole = read(&table.new_scan(), Way::Rows).await;
    assert_eq!(whole.offsets.len(), 40);
    for way in WAYS {
        let refused = bench.cluster.inject(
            fault::on(ApiKey::FetchLog)
                .bucket(1)
                .before(Fault::BucketError(ErrorCode::AUTHORIZATION_EXCEPTION)),
        );
        let outcome = read(&table.new_scan(), way).await;
        refused.remove();
        let read = outcome.offsets.len();
        assert!(
            (1..40).contains(&read),
            "{way:?}: {read} rows of the other bucket"
        );
        let [error] = &outcome.errors[..] else {
            panic!("{way:?}: {:?}", outcome.errors)
        };
        assert_eq!(error.kind(), ErrorKind::Authorization, "{way:?}");
        assert_eq!(error.bucket().unwrap().bucket_id(), 1, "{way:?}");
    }
}

/// All segment files below a directory.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(segments(&path));
        } else if path.extension().is_some_and(|end| end == "log") {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_of_a_remote_segment_costs_no_row_without_a_word() {
    const ROWS: i64 = 60;
    let directory = std::env::temp_dir().join(format!("fluss-robust-flip-{}", std::process::id()));
    let builder = MockCluster::builder()
        .config("remote.data.dir", directory.display().to_string())
        .config("log.segment.file-size", "1kb");
    let bench = Bench::on(builder, 1).await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string());
    let table = table(&bench.connection, "remote", schema, |builder| {
        builder.bucket_count(1)
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in 0..ROWS as i32 {
        writer.append(&log_row(id)).unwrap();
        writer.flush().await.unwrap();
    }
    let whole = read(&table.new_scan(), Way::Rows).await;
    assert!(whole.offsets.iter().copied().eq(0..ROWS), "{whole:?}");
    let id = table.get_table_info().table_id().to_string();
    let files: Vec<_> = segments(&directory)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(&format!("-{id}/")))
        .collect();
    assert!(files.len() > 2, "{files:?}");
    let file = &files[files.len() / 2];
    let bytes = std::fs::read(file).unwrap();
    let mut told = 0;
    for at in (0..bytes.len()).step_by(11) {
        let mut flipped = bytes.clone();
        flipped[at] = !flipped[at];
        std::fs::write(file, flipped).unwrap();
        let way = WAYS[at % WAYS.len()];
        for projected in [false, true] {
            let scan = table.new_scan();
            let scan = if projected {
                scan.project(&[1]).unwrap()
            } else {
                scan
            };
            let outcome = read(&scan, way).await;
            let complete = outcome.offsets.iter().copied().eq(0..ROWS);
            assert!(
                complete || !outcome.errors.is_empty(),
                "byte {at}, {way:?}: {} rows without a word",
                outcome.offsets.len()
            );
            told += usize::from(!complete);
        }
    }
    assert!(told > 10, "{told} scans failed");
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_two_tasks_poll_tells_its_error_to_one_of_them() {
    let bench = Bench::new().await;
    let table = two_batches(&bench, "shared").await;
    let _flipped = bench
        .cluster
        .inject(fault::on(ApiKey::FetchLog).mangle(Mangle::Flip { at: 450 }));
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let poll = async || {
        let (mut rows, mut errors) = (0, 0);
        while !scanner.is_finished() {
            match scanner.poll(Duration::from_secs(1)).await {
                Ok(records) => rows += records.count(),
                Err(_) => errors += 1,
            }
        }
        (rows, errors)
    };
    let ((rows, errors), (more_rows, more_errors)) = tokio::join!(poll(), poll());
    assert_eq!((rows + more_rows, errors + more_errors), (1, 1));
    // A later poll of a finished scan has nothing to say.
    let records = scanner.poll(Duration::from_secs(60)).await.unwrap();
    assert!(records.is_empty());
}
