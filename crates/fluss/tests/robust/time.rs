//! What servers do as time goes by, and what replicas that are left behind do to writers.

use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, OffsetReset};
use fluss::config::{Acks, Config};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, PartitionInfo, PartitionSpec, Schema};
use fluss::row::GenericRow;
use fluss_mock::{MockCluster, Port};
use tokio::time::{sleep, timeout};

use crate::support::{Bench, connect, log_row, table};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000_000;

#[tokio::test(start_paused = true)]
async fn partitions_come_and_go_with_the_hours() {
    let bench = Bench::on(MockCluster::builder().wall_clock(NOW), 1).await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("hour", DataTypes::string());
    let hourly = table(&bench.connection, "hourly", schema, |builder| {
        builder
            .bucket_count(1)
            .partitioned_by(["hour"])
            .property("table.auto-partition.enabled", "true")
            .property("table.auto-partition.time-unit", "HOUR")
            .property("table.auto-partition.time-zone", "UTC")
            .property("table.auto-partition.num-precreate", "2")
            .property("table.auto-partition.num-retention", "3")
    })
    .await;
    let path = hourly.table_path();
    let hours = async || {
        let infos = bench.admin.list_partition_infos(path).await.unwrap();
        let mut names: Vec<String> = infos.iter().map(PartitionInfo::partition_name).collect();
        names.sort_unstable();
        names
    };
    assert!(hours().await.is_empty(), "they come a moment later");
    sleep(SECOND).await;
    assert_eq!(hours().await, ["2023111422", "2023111423"]);
    let scanner = hourly.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let writer = hourly.new_append().unwrap().create_writer().unwrap();
    let row = |hour: &str| {
        let mut row = GenericRow::new(2);
        row.set_field(0, 1);
        row.set_field(1, hour.to_owned());
        row
    };
    writer.append(&row("2023111422")).unwrap().await.unwrap();
    assert_eq!(scanner.poll(5 * SECOND).await.unwrap().count(), 1);

    // Servers look every ten minutes.
    sleep(5 * HOUR + 11 * SECOND * 60).await;
    let kept = ["00", "01", "02", "03", "04"].map(|hour| format!("20231115{hour}"));
    assert_eq!(hours().await, kept);
    // The scanner follows: the old ones are gone without an error, the new ones are read.
    writer.append(&row("2023111504")).unwrap().await.unwrap();
    let mut read = Vec::new();
    for _ in 0..200 {
        let records = scanner.poll(SECOND).await.unwrap();
        read.extend(
            records
                .into_iter()
                .map(|record| record.row().get_string(1).to_owned()),
        );
        if !read.is_empty() {
            break;
        }
    }
    assert_eq!(read, ["2023111504"]);
    // A server of release 0.9.1 makes a partition that time has taken away, and drops it at its next look.
    let late = writer.append(&row("2023111422")).unwrap();
    timeout(120 * SECOND, late).await.unwrap().unwrap();
    assert!(hours().await.contains(&"2023111422".to_owned()));
    sleep(11 * SECOND * 60).await;
    assert!(!hours().await.contains(&"2023111422".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_its_time_to_live_is_dropped_segment_by_segment() {
    let builder = MockCluster::builder().config("log.segment.file-size", "1kb");
    let bench = Bench::on(builder, 1).await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string());
    let aged = table(&bench.connection, "aged", schema, |builder| {
        builder.bucket_count(1).property("table.log.ttl", "1h")
    })
    .await;
    let writer = aged.new_append().unwrap().create_writer().unwrap();
    for id in 0..50 {
        writer.append(&log_row(id)).unwrap().await.unwrap();
    }
    let path = aged.table_path();
    let earliest = async || {
        let offsets = bench.admin.list_offsets(path, &[0], OffsetSpec::Earliest);
        offsets.await.unwrap()[&0]
    };
    sleep(HOUR / 2).await;
    assert_eq!(earliest().await, 0);
    for id in 50..60 {
        writer.append(&log_row(id)).unwrap().await.unwrap();
    }
    sleep(HOUR / 2 + 61 * SECOND).await;
    let first = earliest().await;
    assert!((30..50).contains(&first), "{first}");

    for reset in [OffsetReset::Error, OffsetReset::Earliest] {
        let scan = aged.new_scan().offset_reset(reset);
        let scanner = scan.create_log_scanner().unwrap();
        scanner.subscribe(0, 5).await.unwrap();
        if reset == OffsetReset::Error {
            let error = scanner.poll(5 * SECOND).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange, "{error}");
            continue;
        }
        let mut ids = Vec::new();
        while ids.last() != Some(&59) {
            let records = scanner.poll(5 * SECOND).await.unwrap();
            ids.extend(records.into_iter().map(|record| record.row().get_int(0)));
        }
        assert!(ids.into_iter().eq(first as i32..60));
    }
    // The segment that is written to stays, whatever its age.
    sleep(24 * HOUR).await;
    assert!(earliest().await < 60);
}

#[tokio::test(start_paused = true)]
async fn a_write_to_all_replicas_waits_for_enough_of_them() {
    let builder = MockCluster::builder()
        .tablet_servers(2)
        .config("log.replica.min-in-sync-replicas-number", "2");
    let bench = Bench::on(builder, 2).await;
    let mut behind = 0;
    for place in 0..2 {
        let bucket = bench.cluster.bucket(bench.log.table_path(), place).unwrap();
        let leader = bench.cluster.leader(&bucket).unwrap();
        behind = 1 - leader;
        bench.cluster.shrink_isr(&bucket, &[0, 1]);
    }
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let refused = timeout(60 * SECOND, writer.append(&log_row(100)).unwrap()).await;
    let text = refused.expect("it ends").unwrap_err().to_string();
    assert!(text.contains("NOT_ENOUGH_REPLICAS"), "{text}");

    // Who asks for the leader's word alone gets it.
    let config = Config {
        writer_acks: Acks::Leader,
        writer_enable_idempotence: false,
        ..bench.config.clone()
    };
    let connection = connect(&bench.cluster, &config).await.unwrap();
    let quick = connection.get_table(bench.log.table_path()).await.unwrap();
    let quick = quick.new_append().unwrap().create_writer().unwrap();
    quick.append(&log_row(101)).unwrap().await.unwrap();

    // Replicas that catch up let the waiting row through.
    let waiting = writer.append(&log_row(102)).unwrap();
    sleep(2 * SECOND).await;
    for server in [behind, 1 - behind] {
        let started = bench.cluster.start_server(server, Port::Same).await;
        started.unwrap();
    }
    let written = timeout(60 * SECOND, waiting).await.expect("it ends");
    let at = written.unwrap();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    let bucket = at.bucket().bucket_id();
    scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    let mut ids = Vec::new();
    while ids.last() != Some(&102) {
        let records = scanner.poll(5 * SECOND).await.unwrap();
        ids.extend(records.into_iter().map(|record| record.row().get_int(0)));
    }
    assert!(!ids.contains(&100), "{ids:?}");
}

/// A coordinator tells the tablet servers a moment later what was dropped.
#[tokio::test(start_paused = true)]
async fn rows_of_a_dropped_partition_are_found_for_a_moment_and_then_no_more() {
    let bench = Bench::new().await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string())
        .primary_key(["id", "day"]);
    let daily = table(&bench.connection, "dropped", schema, |builder| {
        builder
            .distributed_by(Some(1), ["id"])
            .partitioned_by(["day"])
    })
    .await;
    let mut row = GenericRow::new(2);
    row.set_field(0, 1);
    row.set_field(1, "monday");
    let writer = daily.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row).unwrap().await.unwrap();
    let lookuper = daily.new_lookup().unwrap().create_lookuper().unwrap();
    assert_eq!(lookuper.lookup(&row).await.unwrap().len(), 1);
    let spec = PartitionSpec::new([("day", "monday")]);
    let path = daily.table_path();
    bench
        .admin
        .drop_partition(path, &spec, false)
        .await
        .unwrap();
    let listed = bench.admin.list_partition_infos(path).await.unwrap();
    assert!(listed.is_empty(), "by its name it is gone: {listed:?}");
    assert_eq!(lookuper.lookup(&row).await.unwrap().len(), 1);
    sleep(SECOND).await;
    assert!(lookuper.lookup(&row).await.unwrap().is_empty());
}
