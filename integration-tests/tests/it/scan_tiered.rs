//! Times and last rows in logs of which segments have moved: servers know both roughly only.

use std::ops::Range;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{
    EARLIEST_OFFSET, FlussConnection, FlussTable, RecordBatchLogScanner, ScanBatch,
};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;
use fluss_row::log::LogBatches;
use fluss_rpc::Cluster;
use fluss_wire::message::{
    FetchLogRequest, LimitScanRequest, PbFetchLogReqForBucket, PbFetchLogReqForTable,
};
use futures::TryStreamExt;
use integration_tests::cluster::directory;

use crate::scan_remote::count_logs;
use crate::scan_support::{spec, table};
use crate::support::{PATIENCE, leader_of, raw_cluster};

const BATCHES: i64 = 60;
const BATCH_ROWS: i64 = 10;
const ROWS: i64 = BATCHES * BATCH_ROWS;

/// What was appended as one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Appended {
    base_offset: i64,
    time: i64,
}

fn descriptor(format: &str, partitioned: bool) -> TableDescriptor {
    let mut schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("bytes", DataTypes::bytes());
    let mut builder = TableDescriptor::builder();
    if partitioned {
        schema = schema.column("day", DataTypes::string());
        builder = builder.partitioned_by(vec!["day".to_owned()]);
    }
    builder
        .schema(schema.build().unwrap())
        .distributed_by(Some(1), Vec::<String>::new())
        .property("table.log.format", format)
        .property("table.log.tiered.local-segments", "2")
        .build()
        .unwrap()
}

/// Bytes that no codec makes smaller.
fn bytes(id: i64) -> Vec<u8> {
    let mut state = id as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..300).map(|_| next()).collect()
}

/// Batches of ten rows, each with a time of its own; about three segments of 64 kB.
async fn fill(table: &FlussTable, day: Option<&str>, ids: Range<i64>) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in ids {
        let mut row = GenericRow::new(if day.is_some() { 3 } else { 2 });
        row.set_field(0, id);
        row.set_field(1, bytes(id));
        if let Some(day) = day {
            row.set_field(2, day.to_owned());
        }
        writer.append(&row).unwrap();
        if id % BATCH_ROWS == BATCH_ROWS - 1 {
            writer.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
}

/// Waits until of each log the first segment is no longer with its server.
async fn wait_until_moved(table: &FlussTable, logs: usize) {
    let database = table.table_path().database();
    let remote = directory().join("remote/log").join(database);
    let local = |server| {
        directory()
            .join(format!("data/tablet-{server}"))
            .join(database)
    };
    let started = Instant::now();
    loop {
        let moved = count_logs(&remote);
        let kept: usize = (0..3).map(|server| count_logs(&local(server))).sum();
        if moved >= 2 * logs && kept <= 2 * logs {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE * 2,
            "{moved} segments moved, {kept} kept"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn filled(test: &str, format: &str) -> (FlussConnection, FlussTable, Vec<Appended>) {
    let (connection, table) = table(test, &descriptor(format, false)).await;
    fill(&table, None, 0..ROWS).await;
    wait_until_moved(&table, 1).await;
    let appended = appended(&table).await;
    (connection, table, appended)
}

/// All batches, by their headers.
async fn appended(table: &FlussTable) -> Vec<Appended> {
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe_from_beginning(0).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let batches: Vec<Appended> = scanner
        .into_stream()
        .map_ok(|batch| Appended {
            base_offset: batch.base_offset(),
            time: batch.timestamp().unwrap(),
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(batches.len() as i64, BATCHES);
    assert!(batches.windows(2).all(|pair| pair[0].time < pair[1].time));
    batches
}

/// The ids of batches, in their order.
fn ids(batches: &[ScanBatch]) -> Vec<i64> {
    let columns = batches
        .iter()
        .map(|batch| batch.batch().column_by_name("id").unwrap());
    columns
        .flat_map(|column| column.as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

fn batch_scanner(table: &FlussTable, projected: bool) -> RecordBatchLogScanner {
    let mut scan = table.new_scan();
    if projected {
        scan = scan.project_by_name(&["id"]).unwrap();
    }
    scan.create_record_batch_log_scanner().unwrap()
}

async fn polled(scanner: &RecordBatchLogScanner) -> Vec<i64> {
    let started = Instant::now();
    let mut all = Vec::new();
    while !scanner.is_finished() {
        assert!(started.elapsed() < PATIENCE, "{} rows", all.len());
        let batches = scanner.poll(Duration::from_secs(1)).await.unwrap();
        all.extend(ids(&batches.into_iter().collect::<Vec<_>>()));
    }
    all
}

/// Times at and between batches, with the offset of the first batch that is not older.
fn times(appended: &[Appended]) -> Vec<(i64, i64)> {
    let mut times = vec![(0, 0)];
    for batch in appended.iter().skip(1).step_by(7) {
        times.push((batch.time, batch.base_offset));
        times.push((batch.time - 1, batch.base_offset));
    }
    let last = appended.last().unwrap();
    times.push((last.time + 1, ROWS));
    times
}

/// Whether a batch begins a millisecond before another one: then nothing is between them.
fn is_shared(appended: &[Appended], time: i64, offset: i64) -> bool {
    appended
        .iter()
        .any(|batch| batch.time == time && batch.base_offset != offset)
}

pub(crate) async fn reading_to_a_time_has_every_row_before_it_wherever_segments_are() {
    let (_connection, table, appended) = filled("tiered_until", "ARROW").await;
    for (time, offset) in times(&appended) {
        if is_shared(&appended, time, offset) {
            continue;
        }
        let expected: Vec<i64> = (0..offset).collect();
        let end = OffsetSpec::Timestamp(time);
        for projected in [false, true] {
            let scanner = batch_scanner(&table, projected);
            scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
            scanner.read_until(end).await.unwrap();
            assert_eq!(polled(&scanner).await, expected, "to {time}");
            assert_eq!(scanner.position(0).unwrap().max(0), offset);
        }
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        scanner.read_until(end).await.unwrap();
        let rows = scanner
            .into_stream()
            .map_ok(|(_, record)| record.row().get_long(0));
        let rows: Vec<i64> = tokio::time::timeout(PATIENCE, rows.try_collect())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rows, expected, "rows to {time}");
    }
}

pub(crate) async fn reading_from_a_time_begins_with_its_batch_wherever_segments_are() {
    let (_connection, table, appended) = filled("tiered_from", "ARROW").await;
    for (time, offset) in times(&appended) {
        if is_shared(&appended, time, offset) {
            continue;
        }
        let expected: Vec<i64> = (offset..ROWS).collect();
        let start = OffsetSpec::Timestamp(time);
        for projected in [false, true] {
            let scanner = batch_scanner(&table, projected);
            scanner.subscribe_from(None, 0, start).await.unwrap();
            scanner.read_until(OffsetSpec::Latest).await.unwrap();
            assert_eq!(polled(&scanner).await, expected, "from {time}");
        }
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe_table(start).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let rows = scanner
            .into_stream()
            .map_ok(|(_, record)| record.row().get_long(0));
        let rows: Vec<i64> = tokio::time::timeout(PATIENCE, rows.try_collect())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rows, expected, "rows from {time}");
    }
}

pub(crate) async fn partitions_whose_segments_moved_are_read_between_two_times() {
    let (connection, table) = table("tiered_days", &descriptor("ARROW", true)).await;
    let admin = connection.get_admin().await.unwrap();
    let mut expected = Vec::new();
    let mut middle = Vec::new();
    for day in ["a", "b"] {
        admin
            .create_partition(table.table_path(), &spec(day), false)
            .await
            .unwrap();
        fill(&table, Some(day), 0..ROWS).await;
    }
    wait_until_moved(&table, 2).await;
    // Between a time in the middle of the first partition and one in the middle of the second.
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut all: Vec<(TableBucket, i64, i64)> = scanner
        .into_stream()
        .map_ok(|(bucket, record)| (bucket, record.timestamp(), record.row().get_long(0)))
        .try_collect()
        .await
        .unwrap();
    all.sort_unstable();
    assert_eq!(all.len() as i64, 2 * ROWS);
    for rows in all.chunk_by(|one, other| one.0 == other.0) {
        middle.push(rows[rows.len() * 2 / 5].1);
    }
    let (from, to) = (middle[0], middle[1]);
    expected.extend(
        all.into_iter()
            .filter(|(_, time, _)| (from..to).contains(time)),
    );

    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner
        .subscribe_table(OffsetSpec::Timestamp(from))
        .await
        .unwrap();
    scanner.read_until(OffsetSpec::Timestamp(to)).await.unwrap();
    let rows = scanner
        .into_stream()
        .map_ok(|(bucket, record)| (bucket, record.timestamp(), record.row().get_long(0)));
    let mut rows: Vec<_> = tokio::time::timeout(PATIENCE, rows.try_collect())
        .await
        .unwrap()
        .unwrap();
    rows.sort_unstable();
    assert_eq!(rows, expected);

    let scan = table.new_scan().limit(i32::MAX).unwrap();
    let read = scan
        .create_batch_scanner()
        .unwrap()
        .collect_all_batches()
        .await
        .unwrap();
    let mut found = ids(&read);
    found.sort_unstable();
    let both: Vec<i64> = (0..ROWS).flat_map(|id| [id, id]).collect();
    assert_eq!(found, both);
}

pub(crate) async fn the_last_rows_are_the_newest_wherever_segments_are() {
    for format in ["ARROW", "INDEXED", "COMPACTED"] {
        let (_connection, table, _) = filled("tiered_limit", format).await;
        let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
        for limit in [1, 9, 50, 200, 250, 599, 600, 5000, i32::MAX] {
            let expected: Vec<i64> = ((ROWS - i64::from(limit)).max(0)..ROWS).collect();
            for columns in [vec!["id", "bytes"], vec!["id"]] {
                let scan = || {
                    let scan = table.new_scan().project_by_name(&columns).unwrap();
                    scan.limit(limit).unwrap()
                };
                let of_bucket = scan().create_bucket_batch_scanner(bucket).unwrap();
                let read = of_bucket.collect_all_batches().await.unwrap();
                assert_eq!(ids(&read), expected, "{format}, limit {limit}");
                let mut next = expected.first().copied().unwrap();
                for batch in &read {
                    assert_eq!(batch.base_offset(), next);
                    next += batch.num_records() as i64;
                }
                let of_table = scan().create_batch_scanner().unwrap();
                let read = of_table.collect_all_batches().await.unwrap();
                assert_eq!(ids(&read), expected, "{format}, limit {limit} of the table");
            }
        }
    }
}

/// The code of the answer to a limit scan, its first offset and that after its last.
async fn limited(cluster: &Cluster, server: i32, table_id: i64, limit: i32) -> (i32, i64, i64) {
    let request = LimitScanRequest {
        table_id,
        limit,
        ..LimitScanRequest::default()
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let answer = cluster
        .call_server(server, fluss_rpc::Lane::FIRST, &request, deadline)
        .await
        .unwrap();
    let records = answer.records.unwrap_or_default();
    let batches: Vec<_> = LogBatches::new(records).map(Result::unwrap).collect();
    let first = batches
        .first()
        .map_or(-1, |batch| batch.header().base_offset());
    let next = batches
        .last()
        .map_or(-1, |batch| batch.header().next_offset());
    (answer.error_code.unwrap_or(0), first, next)
}

pub(crate) async fn servers_answer_a_limit_scan_from_one_segment_on_their_disks() {
    let (_connection, table, _) = filled("tiered_servers_limit", "ARROW").await;
    let table_id = table.get_table_info().table_id();
    let leader = leader_of(table.table_path(), TableBucket::new(table_id, 0)).await as i32;
    let cluster = raw_cluster().await;
    let mut ends = Vec::new();
    for limit in (5..=ROWS).step_by(20) {
        let (code, first, next) = limited(&cluster, leader, table_id, limit as i32).await;
        if code == 0 {
            let wanted = ROWS - limit;
            assert_eq!(first, wanted - wanted % BATCH_ROWS, "limit {limit}");
        } else {
            assert_eq!((code, first, next), (19, -1, -1), "limit {limit}");
        }
        ends.push(next);
    }
    // The newest segment, the one before, and what has moved.
    ends.dedup();
    assert_eq!(ends.len(), 3, "{ends:?}");
    assert_eq!((ends[0], ends[2]), (ROWS, -1));
    assert!(ends[1] < ROWS);
}

/// What servers of release 0.9.1 answer for the times of the 60 batches: the last offset of an indexed batch of a copied segment or where the
/// segment begins, and exact ones in the segment that is written to.
const ROUGHLY: [i64; BATCHES as usize] = [
    0, 0, 0, 0, 29, 29, 49, 49, 69, 69, 89, 89, 109, 109, 129, 129, 149, 149, 169, 190, 190, 190,
    190, 219, 219, 239, 239, 259, 259, 279, 279, 299, 299, 319, 319, 339, 339, 359, 380, 380, 380,
    380, 409, 409, 429, 429, 449, 449, 469, 469, 489, 489, 509, 509, 529, 529, 549, 570, 580, 590,
];

pub(crate) async fn servers_know_the_times_of_copied_segments_roughly() {
    let (connection, table, appended) = filled("tiered_times", "ARROW").await;
    let admin = connection.get_admin().await.unwrap();
    let mut answers = Vec::new();
    for batch in &appended {
        let time = OffsetSpec::Timestamp(batch.time);
        let offsets = admin
            .list_offsets(table.table_path(), &[0], time)
            .await
            .unwrap();
        assert!(
            offsets[&0] <= batch.base_offset,
            "{} for {batch:?}",
            offsets[&0]
        );
        answers.push(offsets[&0]);
    }
    assert_eq!(answers, ROUGHLY);
}

pub(crate) async fn a_time_before_all_times_is_the_beginning_of_an_empty_log_too() {
    let (connection, table) = table("tiered_negative", &descriptor("ARROW", false)).await;
    let admin = connection.get_admin().await.unwrap();
    let long_ago = OffsetSpec::Timestamp(-1);
    let offsets = admin
        .list_offsets(table.table_path(), &[0], long_ago)
        .await
        .unwrap();
    assert_eq!(offsets[&0], 0);
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe_from(None, 0, long_ago).await.unwrap();
    scanner.read_until(long_ago).await.unwrap();
    assert!(polled(&scanner).await.is_empty());
}

pub(crate) async fn columns_that_cannot_be_fetched_are_refused_once_there_are_rows() {
    let (_connection, table) = table("tiered_columns", &descriptor("ARROW", false)).await;
    let table_id = table.get_table_info().table_id();
    let leader = leader_of(table.table_path(), TableBucket::new(table_id, 0)).await as i32;
    let cluster = raw_cluster().await;
    let fetch = |fields: &[i32]| FetchLogRequest {
        follower_server_id: -1,
        max_bytes: 1 << 20,
        tables_req: vec![PbFetchLogReqForTable {
            table_id,
            projection_pushdown_enabled: true,
            projected_fields: fields.to_vec().into(),
            buckets_req: vec![PbFetchLogReqForBucket {
                max_fetch_bytes: 1 << 20,
                ..PbFetchLogReqForBucket::default()
            }]
            .into(),
            ..PbFetchLogReqForTable::default()
        }]
        .into(),
        ..FetchLogRequest::default()
    };
    let mut codes = Vec::new();
    for filled in [false, true] {
        if filled {
            fill(&table, None, 0..BATCH_ROWS).await;
        }
        for fields in [&[][..], &[1, 0], &[0, 0], &[7], &[-1]] {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
            let answer = cluster
                .call_server(leader, fluss_rpc::Lane::FIRST, &fetch(fields), deadline)
                .await;
            codes.push(match answer {
                Ok(answer) => answer
                    .tables_resp
                    .first()
                    .unwrap()
                    .buckets_resp
                    .first()
                    .unwrap()
                    .error_code
                    .unwrap_or(0),
                Err(error) => 1000 + error.server_error().unwrap().code.value(),
            });
        }
    }
    // Of no columns, of columns in another order, twice the same, one that is not there, one that cannot be.
    assert_eq!(codes, [0, 0, 0, 0, 0, -1, 34, 34, 34, 34]);
}
