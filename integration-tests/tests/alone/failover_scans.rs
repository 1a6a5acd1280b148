//! The leader of a bucket dies and comes back under streams of rows and of batches, and under scans with an end: nothing lost, nothing twice,
//! order kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{FlussTable, LogScanner};
use fluss::metadata::{OffsetSpec, TableBucket, TablePath};
use futures::StreamExt;
use integration_tests::cluster::{kill_tablet, start_tablet};
use tokio::sync::watch;

use super::alone;
use super::failover::{BUCKETS, WRITING, append_for, replicated};
use super::support::{PATIENCE, connect, create, database, drop_database, leader_of};

/// Ids by bucket, in the order in which they came. Each bucket's offsets rise one by one from 0.
type Seen = BTreeMap<TableBucket, Vec<i64>>;

/// Rows of each bucket up to which one scan reads.
const END: i64 = 5000;

/// How many rows were appended, once that is known.
type Appended = watch::Receiver<Option<i64>>;

fn total(seen: &Seen) -> usize {
    seen.values().map(Vec::len).sum()
}

/// Takes in one row.
fn see(seen: &mut Seen, bucket: TableBucket, offset: i64, id: i64) {
    let ids = seen.entry(bucket).or_default();
    assert_eq!(
        offset,
        ids.len() as i64,
        "{bucket:?}: none is left out, none comes twice"
    );
    ids.push(id);
}

fn is_complete(seen: &Seen, appended: &Appended) -> bool {
    appended
        .borrow()
        .is_some_and(|rows| total(seen) as i64 >= rows)
}

async fn rows(table: FlussTable, appended: Appended) -> Seen {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let mut stream = scanner.into_stream();
    let (mut seen, mut progress) = (Seen::new(), Instant::now());
    while !is_complete(&seen, &appended) {
        let next = tokio::time::timeout(Duration::from_millis(500), stream.next()).await;
        if let Ok(next) = next {
            let (bucket, record) = next.unwrap().unwrap();
            see(&mut seen, bucket, record.offset(), record.row().get_long(0));
            progress = Instant::now();
        }
        assert!(progress.elapsed() < PATIENCE, "{} rows", total(&seen));
    }
    seen
}

async fn batches(table: FlussTable, appended: Appended) -> Seen {
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let mut stream = scanner.into_stream();
    let (mut seen, mut progress) = (Seen::new(), Instant::now());
    while !is_complete(&seen, &appended) {
        let next = tokio::time::timeout(Duration::from_millis(500), stream.next()).await;
        if let Ok(next) = next {
            let batch = next.unwrap().unwrap();
            let ids = batch.batch().column(0).as_primitive::<Int64Type>();
            for (index, id) in ids.values().iter().enumerate() {
                let offset = batch.base_offset() + index as i64;
                see(&mut seen, *batch.bucket(), offset, *id);
            }
            progress = Instant::now();
        }
        assert!(progress.elapsed() < PATIENCE, "{} rows", total(&seen));
    }
    seen
}

/// Reads a scan to its end.
async fn read_to_the_end(scanner: &LogScanner) -> Seen {
    let (mut seen, mut progress) = (Seen::new(), Instant::now());
    while !scanner.is_finished() {
        let records = scanner.poll(Duration::from_millis(500)).await.unwrap();
        for (bucket, records) in records.into_records_by_buckets() {
            for record in records {
                see(&mut seen, bucket, record.offset(), record.row().get_long(0));
                progress = Instant::now();
            }
        }
        assert!(progress.elapsed() < PATIENCE, "{} rows", total(&seen));
    }
    seen
}

/// Scans until now, over and over, as long as rows are appended. Returns how many scans that were, and the last one, which began after the
/// last row was acknowledged.
async fn bounded(table: FlussTable, appended: Appended) -> (usize, Seen) {
    let mut scans = 0;
    let mut before = 0;
    loop {
        let is_last = appended.borrow().is_some();
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let seen = read_to_the_end(&scanner).await;
        scans += 1;
        if is_last {
            assert!(total(&seen) >= before);
            return (scans, seen);
        }
        before = total(&seen);
    }
}

/// One scan until offsets that are not written yet when it begins, before the server dies.
async fn until_offsets(table: FlussTable, end: i64) -> Seen {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let id = table.get_table_info().table_id();
    let ends = (0..BUCKETS).map(|bucket| (TableBucket::new(id, bucket), end));
    scanner.read_until_offsets(&ends.collect()).unwrap();
    read_to_the_end(&scanner).await
}

fn expect(seen: &Seen, appended: i64) {
    let mut all: Vec<i64> = Vec::new();
    for ids in seen.values() {
        assert!(ids.is_sorted(), "in the order in which they were appended");
        all.extend(ids);
    }
    all.sort_unstable();
    assert_eq!(all, (0..appended).collect::<Vec<_>>(), "each row once");
}

#[test]
fn streams_and_scans_with_an_end_outlive_the_leader_of_a_bucket() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connection = connect().await;
        let database = database(&connection, "failover_scans").await;
        let path = TablePath::new(database.as_str(), "log");
        let log = create(&connection, &path, &replicated(false)).await;
        let id = log.get_table_info().table_id();
        let (tell, appended) = watch::channel(None);
        let rows = tokio::spawn(rows(log.clone(), appended.clone()));
        let batches = tokio::spawn(batches(log.clone(), appended.clone()));
        let bounded = tokio::spawn(bounded(log.clone(), appended));

        let until_offsets = tokio::spawn(until_offsets(log.clone(), END));
        let leader = leader_of(&path, TableBucket::new(id, 0)).await;
        let disturb = tokio::task::spawn_blocking(move || {
            std::thread::sleep(WRITING / 3);
            kill_tablet(leader);
            std::thread::sleep(Duration::from_secs(2));
            start_tablet(leader);
        });
        let count = append_for(log.clone(), WRITING).await;
        disturb.await.unwrap();
        tell.send(Some(count)).unwrap();

        expect(&rows.await.unwrap(), count);
        expect(&batches.await.unwrap(), count);
        let (scans, last) = bounded.await.unwrap();
        expect(&last, count);
        assert!(scans > 1, "{scans} scans until now");
        assert!(count > i64::from(BUCKETS) * END, "{count} rows are too few");
        for (bucket, ids) in &until_offsets.await.unwrap() {
            assert_eq!(ids.len() as i64, END, "{bucket:?}");
            assert!(ids.is_sorted());
        }
        drop_database(&connection, &database).await;
        println!("{count} rows, {scans} scans around the death of server {leader}");
    });
}
