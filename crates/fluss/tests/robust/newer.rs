//! What servers of release 1.0 have and those of 0.9.1 have not. No such server is published yet.

use std::collections::BTreeSet;
use std::env::temp_dir;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use fluss::client::ScanBatch;
use fluss::config::Config;
use fluss::error::{Error, ErrorKind};
use fluss::metadata::{DataTypes, PartitionSpec, TableBucket};
use fluss::row::GenericRow;
use fluss_mock::{MockCluster, MockClusterBuilder, Port, Release, ServerId};
use tokio::time::{sleep, timeout};

use super::support::{Bench, connect, keyed_row, log_row, table};

const ROWS: i32 = 2000;

fn newer() -> MockClusterBuilder {
    MockCluster::builder().release(Release::V1_0)
}

/// A bench whose keyed table has this many more rows of the tenants 0 and 1, and a connection that reads a few of them at a time.
async fn filled(servers: u16) -> (Bench, fluss::client::FlussTable) {
    let bench = Bench::on(newer().tablet_servers(servers), servers).await;
    let writer = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
    for id in 0..ROWS {
        writer.upsert(&keyed_row(id % 2, id, "second")).unwrap();
    }
    writer.flush().await.unwrap();
    let config = Config {
        scanner_kv_fetch_max_bytes: 1000,
        ..bench.config.clone()
    };
    let connection = connect(&bench.cluster, &config).await.unwrap();
    let path = bench.keyed.table_path();
    let table = connection.get_table(path).await.unwrap();
    (bench, table)
}

fn ids(batches: &[ScanBatch]) -> Vec<i32> {
    let ids = batches.iter().flat_map(|batch| {
        let ids = batch.batch().column(1).as_primitive::<Int32Type>();
        ids.values().to_vec()
    });
    ids.collect()
}

fn bucket(table: &fluss::client::FlussTable, bucket: i32) -> TableBucket {
    TableBucket::new(table.get_table_info().table_id(), bucket)
}

#[tokio::test(start_paused = true)]
async fn every_row_of_a_primary_key_table_is_scanned_once() {
    let (_bench, table) = filled(1).await;
    let scanner = table.new_scan().create_batch_scanner().unwrap();
    let batches = scanner.collect_all_batches().await.unwrap();
    assert!(batches.len() > 20, "{} pages", batches.len());
    let found = ids(&batches);
    assert_eq!(found.len(), ROWS as usize);
    let distinct: BTreeSet<i32> = found.into_iter().collect();
    assert!(distinct.into_iter().eq(0..ROWS));
    let texts = batches
        .iter()
        .flat_map(|batch| batch.batch().column(2).as_string::<i32>());
    assert!(texts.flatten().all(|text| text == "second"));
}

#[tokio::test(start_paused = true)]
async fn a_scan_has_the_rows_of_its_beginning_and_tells_where_the_changelog_goes_on() {
    let (bench, table) = filled(1).await;
    let latest = bench.admin.list_offsets(
        table.table_path(),
        &[0, 1],
        fluss::metadata::OffsetSpec::Latest,
    );
    let latest = latest.await.unwrap();
    let mut open = Vec::new();
    for place in 0..2 {
        let scan = table.new_scan();
        let scanner = scan
            .create_bucket_batch_scanner(bucket(&table, place))
            .unwrap();
        let first = scanner.next_batch().await.unwrap();
        assert_eq!(scanner.log_offset(), Some(latest[&place]));
        open.push((scanner, first));
    }
    let writer = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
    for id in 0..ROWS {
        writer.delete(&keyed_row(id % 2, id, "second")).unwrap();
        writer
            .upsert(&keyed_row(id % 2, id + ROWS, "late"))
            .unwrap();
    }
    writer.flush().await.unwrap();
    let mut found = Vec::new();
    for (scanner, first) in open {
        found.extend(first);
        while let Some(batch) = scanner.next_batch().await.unwrap() {
            found.push(batch);
        }
    }
    let found: BTreeSet<i32> = ids(&found).into_iter().collect();
    assert!(found.into_iter().eq(0..ROWS));
}

#[tokio::test(start_paused = true)]
async fn a_scan_ends_with_an_error_where_its_server_forgets_it() {
    for what in ["moved", "restarted", "idle"] {
        let (bench, table) = filled(3).await;
        let buckets = (0..2).map(|place| bucket(&table, place));
        let mut failed = Vec::<Error>::new();
        for of in buckets {
            let scanner = table.new_scan().create_bucket_batch_scanner(of).unwrap();
            let Some(_) = scanner.next_batch().await.unwrap() else {
                continue;
            };
            match what {
                "moved" => {
                    let leader = bench.cluster.leader(&of).unwrap();
                    bench.cluster.move_leader(&of, (leader + 1) % 3);
                }
                "restarted" => {
                    let server = ServerId::Tablet(bench.cluster.leader(&of).unwrap());
                    bench.cluster.kill_server(server);
                    bench
                        .cluster
                        .start_server(server, Port::Same)
                        .await
                        .unwrap();
                }
                _ => sleep(Duration::from_secs(11 * 60)).await,
            }
            let rest = async {
                loop {
                    match scanner.next_batch().await {
                        Ok(Some(_)) => {}
                        Ok(None) => return None,
                        Err(error) => return Some(error),
                    }
                }
            };
            failed.extend(timeout(Duration::from_secs(60), rest).await.unwrap());
        }
        assert!(!failed.is_empty(), "{what}");
        // From the beginning it works again.
        let scan = table.new_scan().create_batch_scanner().unwrap();
        let batches = scan.collect_all_batches().await.unwrap();
        assert_eq!(ids(&batches).len(), ROWS as usize, "{what}: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_0_9_1_is_too_old_for_a_scan_of_all_rows_and_for_manifests() {
    let bench = Bench::new().await;
    let scan = bench.keyed.new_scan().create_batch_scanner().unwrap();
    let error = scan.collect_all_batches().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let manifests = bench.admin.list_remote_log_manifests(0, None).await;
    assert_eq!(manifests.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn the_manifests_of_tiered_logs_are_listed() {
    let dir = temp_dir().join(format!("fluss-robust-manifests-{}", std::process::id()));
    let builder = newer()
        .config("remote.data.dir", dir.display().to_string())
        .config("log.segment.file-size", "1kb");
    let bench = Bench::on(builder, 1).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 20..200 {
        writer.append(&log_row(id)).unwrap().await.unwrap();
    }
    let id = bench.log.get_table_info().table_id();
    let manifests = bench
        .admin
        .list_remote_log_manifests(id, None)
        .await
        .unwrap();
    assert_eq!(manifests.len(), 2, "{manifests:?}");
    for manifest in &manifests {
        assert_eq!(manifest.bucket().table_id(), id);
        assert!(manifest.end_offset() > 0, "{manifest:?}");
        let file = std::path::Path::new(manifest.manifest_path());
        assert!(file.starts_with(&dir) && file.is_file(), "{manifest:?}");
    }
    let untiered = bench.keyed.get_table_info().table_id();
    let none = bench.admin.list_remote_log_manifests(untiered, None).await;
    assert!(none.unwrap().is_empty());
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_by_the_id_of_no_table_is_not_found_at_once() {
    let bench = Bench::newer().await;
    let nobody = 1_000;
    let (log, keyed) = (
        bench.log.get_table_info().table_id(),
        bench.keyed.get_table_info().table_id(),
    );
    let began = tokio::time::Instant::now();
    for (table, partition) in [(nobody, None), (nobody, Some(7)), (keyed, Some(7))] {
        let manifests = bench.admin.list_remote_log_manifests(table, partition);
        let error = manifests.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{table}: {error}");
        assert_eq!(error.operation(), Some("list_remote_log_manifests"));
    }
    for (table, partition) in [(nobody, None), (nobody, Some(7))] {
        let snapshots = bench.admin.list_kv_snapshots(table, partition);
        let error = snapshots.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{table}: {error}");
        assert_eq!(error.operation(), Some("list_kv_snapshots"));
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Tables that are there, tiered or not, with keys or not.
    for table in [log, keyed] {
        let manifests = bench.admin.list_remote_log_manifests(table, None);
        assert!(manifests.await.unwrap().is_empty());
    }
    bench.admin.list_kv_snapshots(keyed, None).await.unwrap();
}

/// A partition keeps the number of buckets that it was made with; its table may have another one since. Who hashed for the wrong one is told
/// so, learns the right one, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn rows_find_their_buckets_in_partitions_of_a_rescaled_table() {
    let bench = Bench::on(newer(), 1).await;
    let schema = fluss::metadata::Schema::builder()
        .column("day", DataTypes::string())
        .column("id", DataTypes::int())
        .column("text", DataTypes::string())
        .primary_key(["day", "id"]);
    let table = table(&bench.connection, "scaled", schema, |builder| {
        builder
            .distributed_by(Some(2), ["id"])
            .partitioned_by(["day"])
    })
    .await;
    let path = table.table_path();
    let row = |day: &'static str, id: i32, text: &'static str| {
        let mut row = GenericRow::new(3);
        row.set_field(0, day);
        row.set_field(1, id);
        row.set_field(2, text);
        row
    };
    let make = async |day: &str| {
        let spec = PartitionSpec::new([("day", day)]);
        let made = bench.admin.create_partition(path, &spec, false).await;
        made.unwrap();
    };
    make("monday").await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in 0..100 {
        writer.upsert(&row("monday", id, "first")).unwrap();
    }
    writer.flush().await.unwrap();
    bench.cluster.rescale(path, 5);
    make("tuesday").await;
    bench.cluster.rescale(path, 3);
    make("wednesday").await;
    // The writer and the lookups of a time when there were two buckets.
    for day in ["monday", "tuesday", "wednesday"] {
        for id in 50..150 {
            writer.upsert(&row(day, id, "second")).unwrap();
        }
        writer.flush().await.unwrap();
    }
    let fresh = bench.connect().await.unwrap();
    let fresh = fresh.get_table(path).await.unwrap();
    assert_eq!(fresh.get_table_info().num_buckets(), 3);
    for table in [&table, &fresh] {
        let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
        for (day, first, buckets) in [("monday", 0, 2), ("tuesday", 50, 5), ("wednesday", 50, 3)] {
            for id in 0..150 {
                let mut key = GenericRow::new(2);
                key.set_field(0, day);
                key.set_field(1, id);
                let found = lookuper.lookup(&key).await.unwrap();
                let text = found.get_single_row().unwrap();
                let text = text.map(|row| row.get_string(2).to_owned());
                let expected = (id >= first).then_some(if id < 50 { "first" } else { "second" });
                assert_eq!(text.as_deref(), expected, "{day} {id}");
            }
            let infos = bench.admin.list_partition_infos(path).await.unwrap();
            let info = infos.iter().find(|info| info.partition_name() == day);
            assert_eq!(info.unwrap().bucket_count(), Some(buckets), "{day}");
        }
    }
    // Every row is in one bucket only.
    let scan = fresh.new_scan().create_batch_scanner().unwrap();
    let batches = scan.collect_all_batches().await.unwrap();
    assert_eq!(ids(&batches).len(), 150 + 100 + 100);
}
