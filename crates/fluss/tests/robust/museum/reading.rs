//! Rows that were read twice, read wrong or not at all, and lookups that hung.

use fluss::client::{EARLIEST_OFFSET, OffsetReset};
use fluss::config::Config;
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, PartitionSpec, Schema, TableChange};
use fluss::row::GenericRow;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode, Port};
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::{HANG, SECOND, append_each, table};
use crate::support::{Bench, connect, key, keyed_row};

/// fluss#1885, fluss#1928, rust#42: that the leader had changed was told for a bucket, and not taken in.
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

/// fluss#172, fluss#2051, fluss#2110: a lookup hung while its bucket had no leader.
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
    let schema = Schema::builder()
        .column("tenant", DataTypes::int())
        .column("id", DataTypes::int())
        .column("text", DataTypes::string())
        .primary_key(["tenant", "id"]);
    let table = table(&bench, "first", schema, |builder| {
        builder.property("table.merge-engine", "first_row")
    })
    .await;
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

/// Found by the simulation: a lookup that waited for leaders to be learned took the whole time of that call beside its own.
#[tokio::test(start_paused = true)]
async fn a_lookup_ends_by_its_deadline_while_leaders_are_learned() {
    let bench = Bench::new().await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    bench.cluster.inject(fault::on_any().before(Fault::Stall));
    let began = Instant::now();
    let lost = timeout(HANG, lookuper.lookup(&key(0, 0))).await;
    assert!(lost.expect("it ends").is_err());
    let late = began.elapsed().saturating_sub(bench.config.call_timeout);
    assert!(late < SECOND / 2, "{late:?} behind its deadline");
}

/// fluss#2110, fluss#2122: lookups that were tried again were put into a queue that was full of lookups, and all of them waited for ever.
#[tokio::test(start_paused = true)]
async fn more_lookups_than_the_queue_holds_outlive_a_missing_leader() {
    let bench = Bench::new().await;
    let config = Config {
        lookup_queue_size: 16,
        lookup_max_batch_size: 4,
        ..bench.config.clone()
    };
    let connection = connect(&bench.cluster, &config).await.unwrap();
    let table = connection
        .get_table(bench.keyed.table_path())
        .await
        .unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for comes_back in [true, false] {
        bench.cluster.kill_server(0);
        let keys: Vec<_> = (0..200).map(|id| key(id % 2, id % 20)).collect();
        let lookups = join_all(keys.iter().map(|key| lookuper.lookup(key)));
        let restart = async {
            sleep(2 * SECOND).await;
            if comes_back {
                bench.cluster.start_server(0, Port::Same).await.unwrap();
            }
        };
        let (found, ()) = tokio::join!(timeout(HANG, lookups), restart);
        for found in found.expect("every lookup ends") {
            assert_eq!(found.is_ok_and(|found| found.len() == 1), comes_back);
        }
    }
}

/// fluss#3053: what had been asked for before a scanner was sent elsewhere was returned to it behind that.
#[tokio::test(start_paused = true)]
async fn what_was_asked_for_before_a_seek_is_not_read() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_040).await;
    let path = bench.log.table_path();
    let ends = bench.admin.list_offsets(path, &[0, 1], OffsetSpec::Latest);
    let ends = ends.await.unwrap();
    let (bucket, end) = ends.into_iter().max_by_key(|(_, end)| *end).unwrap();
    for answered_late in [true, false] {
        let scanner = bench.log.new_scan().create_log_scanner().unwrap();
        let slow = fault::on(ApiKey::FetchLog).after(Fault::Delay(SECOND / 5));
        let slow = bench.cluster.inject(slow);
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
        // A fetch is under way, or has come back.
        let time = if answered_late { SECOND / 10 } else { SECOND };
        scanner.poll(time).await.unwrap();
        sleep(SECOND / 10).await;
        scanner.subscribe(bucket, end - 5).await.unwrap();
        let mut expected = end - 5;
        while expected < end {
            for record in scanner.poll(SECOND).await.unwrap() {
                assert_eq!(record.offset(), expected);
                expected += 1;
            }
        }
        slow.remove();
    }
}

/// fluss#3821, fluss#3662: rows that were written before a column was added were read by the places of the new columns.
#[tokio::test(start_paused = true)]
async fn a_column_added_under_a_scan_does_not_shift_the_others() {
    let bench = Bench::new().await;
    let path = bench.log.table_path();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let mut seen = Vec::new();
    seen.extend(scanner.poll(SECOND).await.unwrap());
    let added = TableChange::add_column("extra", DataTypes::bigint());
    bench
        .admin
        .alter_table(path, &[added], false)
        .await
        .unwrap();
    let newer = bench.connection.get_table(path).await.unwrap();
    let writer = newer.new_append().unwrap().create_writer().unwrap();
    for id in 20..40 {
        let mut row = GenericRow::new(3);
        row.set_field(0, id);
        row.set_field(1, format!("row {id}"));
        row.set_field(2, i64::from(id));
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();
    for _ in 0..20 {
        seen.extend(scanner.poll(SECOND / 10).await.unwrap());
    }
    // The scan has the columns of its beginning.
    assert_eq!(seen.len(), 40);
    for record in &seen {
        let id = record.row().get_int(0);
        assert_eq!(record.row().get_string(1), format!("row {id}"));
    }
    // A new one has them all, and nothing where nothing was written.
    let scanner = newer.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let mut read = 0;
    while read < 40 {
        for record in scanner.poll(SECOND).await.unwrap() {
            let id = record.row().get_int(0);
            let extra = record.row().try_get::<Option<i64>>(2).unwrap();
            assert_eq!(extra, (id >= 20).then_some(i64::from(id)));
            read += 1;
        }
    }
}

/// fluss#3935: a partition was dropped, and nothing of the other partitions was read any more.
#[tokio::test(start_paused = true)]
async fn a_dropped_partition_disturbs_no_other() {
    let bench = Bench::new().await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string());
    let table = table(&bench, "parted", schema, |builder| {
        builder.partitioned_by(["day"])
    })
    .await;
    let path = table.table_path();
    let row = |id: i32, day: &'static str| {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, day);
        row
    };
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for day in ["monday", "tuesday"] {
        let spec = PartitionSpec::new([("day", day)]);
        bench
            .admin
            .create_partition(path, &spec, false)
            .await
            .unwrap();
        writer.append(&row(1, day)).unwrap().await.unwrap();
    }
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let mut read = 0;
    while read < 2 {
        read += scanner.poll(SECOND).await.unwrap().count();
    }
    let gone = PartitionSpec::new([("day", "monday")]);
    bench
        .admin
        .drop_partition(path, &gone, false)
        .await
        .unwrap();
    let began = Instant::now();
    for id in 2..20 {
        writer.append(&row(id, "tuesday")).unwrap().await.unwrap();
        let mut ids = Vec::new();
        while ids.is_empty() && began.elapsed() < HANG {
            let polled = scanner.poll(SECOND).await.unwrap();
            ids.extend(polled.into_iter().map(|record| record.row().get_int(0)));
        }
        assert_eq!(ids, [id], "after {:?}", began.elapsed());
    }
}

/// fluss#2370, rust#108: projected batches hung the scanner where they were empty, and were read wrong where they were compressed.
#[tokio::test(start_paused = true)]
async fn projected_batches_may_be_empty_and_compressed() {
    let bench = Bench::new().await;
    for compression in ["NONE", "LZ4_FRAME", "ZSTD"] {
        let schema = Schema::builder()
            .column("tenant", DataTypes::int())
            .column("id", DataTypes::int())
            .column("text", DataTypes::string())
            .primary_key(["tenant", "id"]);
        let table = table(&bench, &compression.to_lowercase(), schema, |builder| {
            builder
                .property("table.merge-engine", "first_row")
                .property("table.log.arrow.compression.type", compression)
        })
        .await;
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        for id in [1, 1, 1, 2, 2, 3] {
            let row = keyed_row(1, id, "a text that is long enough to be worth it");
            writer.upsert(&row).unwrap().await.unwrap();
        }
        let scan = table.new_scan().project(&[2, 1]).unwrap();
        let scanner = scan.create_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        let mut ids = Vec::new();
        let began = Instant::now();
        while ids.len() < 3 && began.elapsed() < HANG {
            for record in scanner.poll(SECOND).await.unwrap() {
                assert!(record.row().get_string(0).starts_with("a text"));
                ids.push(record.row().get_int(1));
            }
        }
        assert_eq!(ids, [1, 2, 3], "{compression}");
    }
}

/// rust#346, fluss#2464: keys that are not the first columns were looked up with the wrong bytes, and some rows of a prefix were not found.
#[tokio::test(start_paused = true)]
async fn keys_in_any_place_are_found_and_all_rows_of_a_prefix_too() {
    let bench = Bench::new().await;
    let schema = Schema::builder()
        .column("text", DataTypes::string())
        .column("id", DataTypes::int())
        .column("amount", DataTypes::bigint())
        .column("tenant", DataTypes::string())
        .primary_key(["tenant", "id"]);
    let table = table(&bench, "places", schema, |builder| {
        builder.distributed_by(Some(3), ["tenant"])
    })
    .await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for tenant in 0..30 {
        for id in 0..=tenant {
            let mut row = GenericRow::new(4);
            row.set_field(0, format!("{tenant}/{id}"));
            row.set_field(1, id * 1_000);
            row.set_field(2, i64::from(id));
            row.set_field(3, format!("tenant{tenant}"));
            writer.upsert(&row).unwrap();
        }
    }
    writer.flush().await.unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let by_tenant = table.new_lookup().unwrap().lookup_by(vec!["tenant".into()]);
    let by_tenant = by_tenant.create_lookuper().unwrap();
    for tenant in 0..30 {
        let mut key = GenericRow::new(2);
        key.set_field(0, format!("tenant{tenant}"));
        let mut prefix = GenericRow::new(1);
        prefix.set_field(0, format!("tenant{tenant}"));
        let mut found = Vec::new();
        for row in by_tenant.lookup(&prefix).await.unwrap().into_rows() {
            found.push(row.get_long(2));
        }
        found.sort_unstable();
        assert!(found.into_iter().eq(0..=i64::from(tenant)));
        for id in 0..=tenant {
            key.set_field(1, id * 1_000);
            let found = lookuper.lookup(&key).await.unwrap();
            let row = found.get_single_row().unwrap().unwrap();
            assert_eq!(row.get_string(0), format!("{tenant}/{id}"));
        }
    }
}

/// Found by the simulation: lookups that shared a request waited for its answer as long as the one with the most time.
#[tokio::test(start_paused = true)]
async fn a_lookup_ends_by_its_deadline_whoever_shares_its_request() {
    let bench = Bench::new().await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let closed = bench
        .cluster
        .inject(fault::on(ApiKey::Lookup).after(Fault::Error(ErrorCode::NETWORK_EXCEPTION)));
    let limit = bench.config.call_timeout;
    let late = |began: Instant| began.elapsed().saturating_sub(limit);
    let first = async {
        let began = Instant::now();
        let lost = timeout(HANG, lookuper.lookup(&key(0, 0))).await;
        assert!(lost.expect("it ends").is_err());
        late(began)
    };
    let second = async {
        // When the first one has little time left, it is tried again together with this one, and nobody answers.
        sleep(limit.saturating_sub(SECOND / 2)).await;
        bench
            .cluster
            .inject(fault::on(ApiKey::Lookup).before(Fault::Stall));
        closed.remove();
        let wanted = key(0, 2);
        let more = (0..20).map(|_| lookuper.lookup(&wanted));
        let began = Instant::now();
        let lost = timeout(HANG, join_all(more)).await;
        assert!(lost.expect("it ends").iter().all(Result::is_err));
        late(began)
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first < SECOND / 2, "{first:?} behind its deadline");
    assert!(second < SECOND / 2, "{second:?} behind its deadline");
}
