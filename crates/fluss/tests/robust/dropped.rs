//! Partitions that are dropped, and buckets that cannot be read, hold up no scan of the rest: not even for the time of a call.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use fluss::client::{EARLIEST_OFFSET, FlussTable, ScanBatch};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, PartitionSpec, Schema, TableBucket};
use fluss::row::GenericRow;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode};
use tokio::time::{Instant, sleep};

use super::support::{Bench, connect, spread, table};

const DAYS: [&str; 3] = ["a", "b", "c"];

/// What no scan takes that waits for nobody: the time of a call is 8 seconds here.
const SOON: Duration = Duration::from_secs(2);

/// A partitioned table with ten rows of each day, and the ids of its partitions.
async fn filled(bench: &Bench, keyed: bool) -> (FlussTable, Vec<i64>) {
    let mut schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string());
    if keyed {
        schema = schema.primary_key(["id", "day"]);
    }
    let name = if keyed { "keyed_days" } else { "log_days" };
    let table = table(&bench.connection, name, schema, |builder| {
        builder.bucket_count(2).partitioned_by(["day"])
    })
    .await;
    let path = table.table_path();
    for (index, day) in DAYS.into_iter().enumerate() {
        let spec = PartitionSpec::new([("day", day)]);
        bench
            .admin
            .create_partition(path, &spec, false)
            .await
            .unwrap();
        let rows = (0..10).map(|id| {
            let mut row = GenericRow::new(2);
            row.set_field(0, index as i32 * 10 + id);
            row.set_field(1, day);
            row
        });
        if keyed {
            let writer = table.new_upsert().unwrap().create_writer().unwrap();
            rows.for_each(|row| drop(writer.upsert(&row).unwrap()));
            writer.flush().await.unwrap();
        } else {
            let writer = table.new_append().unwrap().create_writer().unwrap();
            rows.for_each(|row| drop(writer.append(&row).unwrap()));
            writer.flush().await.unwrap();
        }
    }
    let infos = bench.admin.list_partition_infos(path).await.unwrap();
    let id = |day: &str| {
        let of_day = infos.iter().find(|info| info.partition_name() == day);
        of_day.unwrap().partition_id()
    };
    let ids = DAYS.map(id).to_vec();
    (table, ids)
}

async fn drop_day(bench: &Bench, table: &FlussTable, day: &str) {
    let spec = PartitionSpec::new([("day", day)]);
    let dropped = bench.admin.drop_partition(table.table_path(), &spec, false);
    dropped.await.unwrap();
    // Tablet servers learn of it a moment later.
    sleep(Duration::from_millis(100)).await;
}

fn ids(batch: &ScanBatch) -> Vec<i32> {
    let column = batch.batch().column(0).as_primitive::<Int32Type>();
    column.values().to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_scan_of_all_rows_or_of_some_passes_a_dropped_partition_by() {
    for limit in [None, Some(1000)] {
        for keyed in [true, false] {
            if limit.is_none() && !keyed {
                continue;
            }
            // Over a connection that knows the leaders of what is dropped, and over one that knows none.
            for knows in [true, false] {
                let bench = Bench::newer().await;
                let (known, partitions) = filled(&bench, keyed).await;
                let fresh = connect(&bench.cluster, &bench.config).await.unwrap();
                let unknown = fresh.get_table(known.table_path()).await.unwrap();
                let scan = if knows {
                    known.new_scan()
                } else {
                    unknown.new_scan()
                };
                let scan = match limit {
                    Some(limit) => scan.limit(limit).unwrap(),
                    None => scan,
                };
                let scanner = scan.create_batch_scanner().unwrap();
                let first = scanner.next_batch().await.unwrap().unwrap();
                let others: Vec<_> = (0..3)
                    .filter(|index| first.bucket().partition_id() != Some(partitions[*index]))
                    .collect();
                drop_day(&bench, &known, DAYS[others[0]]).await;
                let started = Instant::now();
                let mut seen: BTreeSet<i32> = ids(&first).into_iter().collect();
                while let Some(batch) = scanner.next_batch().await.unwrap() {
                    seen.extend(ids(&batch));
                }
                let what = format!("limit {limit:?}, keyed {keyed}, leaders known {knows}");
                assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
                let gone = others[0] as i32 * 10..others[0] as i32 * 10 + 10;
                let left: BTreeSet<i32> = (0..30).filter(|id| !gone.contains(id)).collect();
                assert_eq!(seen, left, "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_is_given_at_once_though_a_partition_was_dropped() {
    for by_name in [false, true] {
        let bench = Bench::new().await;
        let (table, partitions) = filled(&bench, false).await;
        for drop_first in [true, false] {
            let scanner = table.new_scan().create_log_scanner().unwrap();
            if drop_first && by_name {
                drop_day(&bench, &table, "b").await;
            }
            if by_name {
                for partition in &partitions {
                    for bucket in 0..2 {
                        let from = scanner.subscribe_partition(*partition, bucket, EARLIEST_OFFSET);
                        from.await.unwrap();
                    }
                }
            } else {
                scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
                if drop_first {
                    drop_day(&bench, &table, "b").await;
                }
            }
            let started = Instant::now();
            scanner.read_until(OffsetSpec::Latest).await.unwrap();
            let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
            while !scanner.is_finished() {
                match scanner.poll(Duration::from_secs(1)).await {
                    Ok(records) => {
                        seen.extend(records.into_iter().map(|record| record.row().get_int(0)));
                    }
                    Err(error) => errors.push(error),
                }
            }
            let what = format!("by name {by_name}, dropped first {drop_first}");
            assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
            assert!(
                (0..10).chain(20..30).all(|id| seen.contains(&id)),
                "{what}: {seen:?}"
            );
            assert_eq!(
                errors.len(),
                if by_name { 2 } else { 0 },
                "{what}: {errors:?}"
            );
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                let partition = error.bucket().unwrap().partition_id();
                assert_eq!(partition, Some(partitions[1]), "{error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_dropped_under_a_bounded_scan_ends_it() {
    let bench = Bench::new().await;
    let (table, partitions) = filled(&bench, false).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Latest).await.unwrap();
    // Ends that are never reached.
    let id = table.get_table_info().table_id();
    let buckets = partitions.iter().flat_map(|partition| {
        (0..2).map(|bucket| TableBucket::new_with_partition(id, Some(*partition), bucket))
    });
    let ends = buckets.map(|bucket| (bucket, 1000)).collect();
    scanner.read_until_offsets(&ends).unwrap();
    assert!(
        scanner
            .poll(Duration::from_secs(1))
            .await
            .unwrap()
            .is_empty()
    );
    for day in DAYS {
        assert!(!scanner.is_finished());
        drop_day(&bench, &table, day).await;
    }
    let started = Instant::now();
    while !scanner.is_finished() {
        scanner.poll(Duration::from_secs(1)).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_cannot_be_read_does_not_keep_back_the_others() {
    let bench = Bench::new().await;
    let table = spread(&bench).await;
    let refused = bench.cluster.inject(
        fault::on(ApiKey::LimitScan)
            .bucket(0)
            .before(Fault::BucketError(ErrorCode::AUTHORIZATION_EXCEPTION)),
    );
    let scan = table.new_scan().limit(1000).unwrap();
    let scanner = scan.create_batch_scanner().unwrap();
    let error = scanner.next_batch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authorization);
    assert_eq!(error.bucket().unwrap().bucket_id(), 0);
    let mut seen = 0;
    let error = loop {
        match scanner.next_batch().await {
            Ok(batch) => seen += batch.expect("bucket 0 is not forgotten").num_records(),
            Err(error) => break error,
        }
    };
    assert!((1..40).contains(&seen), "{seen} rows of the other bucket");
    assert_eq!(error.bucket().unwrap().bucket_id(), 0);
    refused.remove();
    while let Some(batch) = scanner.next_batch().await.unwrap() {
        assert_eq!(batch.bucket().bucket_id(), 0);
        seen += batch.num_records();
    }
    assert_eq!(seen, 40);
}
