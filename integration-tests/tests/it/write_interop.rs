//! Writers and the official Java client, both ways: partitions, nested values, partial updates, formats, compressions, keys of lakes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::metadata::{TableDescriptor, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::bootstrap_servers;
use integration_tests::java::JavaClient;
use integration_tests::values::{from_row, schema, to_row};
use integration_tests::{rows, wide};

use super::support::{self, PATIENCE, connect};

const ROWS: i64 = 120;

/// Table names, and the properties of log tables.
const LOGS: [(&str, &[&str]); 7] = [
    ("zstd", &[]),
    ("zstd_9", &["table.log.arrow.compression.zstd.level=9"]),
    ("lz4", &["table.log.arrow.compression.type=LZ4_FRAME"]),
    ("none", &["table.log.arrow.compression.type=NONE"]),
    ("arrow", &["table.log.format=ARROW"]),
    ("indexed", &["table.log.format=INDEXED"]),
    ("compacted", &["table.log.format=COMPACTED"]),
];

async fn open(connection: &FlussConnection, database: &str, name: &str) -> FlussTable {
    connection
        .get_table(&TablePath::new(database, name))
        .await
        .unwrap()
}

fn expected(i: i64) -> String {
    wide::json(&wide::row(i).unwrap()).unwrap()
}

/// All rows of a partitioned table, as JSON.
async fn read_partitions(
    connection: &FlussConnection,
    table: &FlussTable,
    count: usize,
) -> BTreeSet<String> {
    let admin = connection.get_admin().await.unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for partition in admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap()
    {
        for bucket in 0..table.get_table_info().num_buckets() {
            scanner
                .subscribe_partition(partition.partition_id(), bucket, EARLIEST_OFFSET)
                .await
                .unwrap();
        }
    }
    let started = Instant::now();
    let mut seen = BTreeSet::new();
    let mut records = 0;
    while records < count {
        assert!(started.elapsed() < PATIENCE, "{records} of {count}");
        for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            seen.insert(wide::json(record.row()).unwrap());
            records += 1;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitioned_logs_of_nested_rows_go_both_ways_in_every_format_and_compression() {
    let connection = connect().await;
    let database = support::database(&connection, "wide_logs").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    for (name, properties) in LOGS {
        java.run(&format!(
            "wide-create-log {database} {name} {}",
            properties.join(" ")
        ));
        let table = open(&connection, &database, name).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..ROWS {
            writer.append(&wide::row(i).unwrap()).unwrap();
        }
        writer.flush().await.unwrap();
        let all: BTreeSet<_> = (0..ROWS).map(expected).collect();
        let lines = java.run(&format!("wide-scan {database} {name} {ROWS}"));
        assert_eq!(
            lines.into_iter().collect::<BTreeSet<_>>(),
            all,
            "Java reads {name}"
        );
        java.run(&format!("wide-append {database} {name} {ROWS} {ROWS}"));
        let all: BTreeSet<_> = (0..2 * ROWS).map(expected).collect();
        let read = read_partitions(&connection, &table, 2 * ROWS as usize).await;
        assert_eq!(read, all, "Rust reads {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitioned_keys_and_partial_updates_go_both_ways() {
    let connection = connect().await;
    let database = support::database(&connection, "wide_keys").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    for format in ["compacted", "indexed"] {
        java.run(&format!(
            "wide-create-pk {database} {format} table.kv.format={format}"
        ));
        let table = open(&connection, &database, format).await;
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        for i in 0..ROWS {
            writer.upsert(&wide::row(i).unwrap()).unwrap();
        }
        writer.flush().await.unwrap();
        let lines = java.run(&format!("wide-lookup {database} {format} 0 {ROWS}"));
        for (i, line) in (0..).zip(&lines) {
            assert_eq!(*line, expected(i), "Java looks {i} up");
        }
        // Java changes one half of the texts, Rust the other.
        java.run(&format!("wide-partial {database} {format} 0 {}", ROWS / 2));
        let partial = table
            .new_upsert()
            .unwrap()
            .partial_update_with_column_names(&["id", "day", "text"])
            .unwrap()
            .create_writer()
            .unwrap();
        for i in ROWS / 2..ROWS {
            let mut row = GenericRow::new(6);
            row.set_field(0, i);
            row.set_field(1, wide::day(i));
            row.set_field(2, format!("changed {i}"));
            partial.upsert(&row).unwrap();
        }
        partial.flush().await.unwrap();
        let changed = |i: i64| {
            let mut row = wide::row(i).unwrap();
            row.set_field(2, format!("changed {i}"));
            wide::json(&row).unwrap()
        };
        let lines = java.run(&format!("wide-lookup {database} {format} 0 {ROWS}"));
        let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
        for (i, line) in (0..).zip(&lines) {
            assert_eq!(*line, changed(i), "Java looks {i} up");
            let mut key = GenericRow::new(2);
            key.set_field(0, i);
            key.set_field(1, wide::day(i));
            let found = lookuper.lookup(&key).await.unwrap();
            let row = found.get_single_row().unwrap().expect("a row");
            assert_eq!(wide::json(&row).unwrap(), changed(i), "Rust looks {i} up");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_every_scalar_type_are_read_by_java_in_every_format_and_compression() {
    let connection = connect().await;
    let database = support::database(&connection, "scalar_logs").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    for (name, properties) in LOGS {
        let properties = properties.iter().map(|pair| pair.split_once('=').unwrap());
        let descriptor = TableDescriptor::builder()
            .schema(schema(false).unwrap())
            .bucket_count(2)
            .properties(properties)
            .build()
            .unwrap();
        let table =
            support::create(&connection, &TablePath::new(&*database, name), &descriptor).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..ROWS {
            writer.append(&to_row(&rows::row(i)).unwrap()).unwrap();
        }
        writer.flush().await.unwrap();
        let lines = java.run(&format!("scan {database} {name} {ROWS}"));
        let read: BTreeSet<_> = lines
            .iter()
            .map(|line| {
                line.split_once("\"row\":")
                    .unwrap()
                    .1
                    .strip_suffix('}')
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let written: BTreeSet<_> = (0..ROWS).map(|i| rows::json(&rows::row(i))).collect();
        assert_eq!(read, written, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_in_the_encodings_of_lakes_are_found_by_both_clients() {
    let connection = connect().await;
    let database = support::database(&connection, "lake_keys").await;
    let admin = connection.get_admin().await.unwrap();
    let mut java = JavaClient::start(&bootstrap_servers());
    for lake in ["paimon", "iceberg", "lance"] {
        let path = TablePath::new(&*database, lake);
        let descriptor = TableDescriptor::builder()
            .schema(schema(true).unwrap())
            .distributed_by(Some(5), ["id"])
            .property("table.datalake.format", lake)
            .build()
            .unwrap();
        admin.create_table(&path, &descriptor, false).await.unwrap();
        let table = connection.get_table(&path).await.unwrap();
        let format = table
            .get_table_info()
            .descriptor()
            .data_lake_format()
            .unwrap();
        assert_eq!(
            format
                .map(|format| format.to_string().to_lowercase())
                .as_deref(),
            Some(lake)
        );
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        for i in 0..ROWS {
            writer.upsert(&to_row(&rows::row(i)).unwrap()).unwrap();
        }
        writer.flush().await.unwrap();
        let lines = java.run(&format!("lookup {database} {lake} 0 {ROWS}"));
        for (i, line) in (0..).zip(&lines) {
            assert_eq!(
                *line,
                rows::json(&rows::row(i)),
                "Java looks {i} up in {lake}"
            );
        }
        java.run(&format!("upsert {database} {lake} {ROWS} {ROWS}"));
        // What Java rewrites must replace, not stand beside.
        java.run(&format!("delete {database} {lake} 0 10"));
        let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
        for i in 0..2 * ROWS {
            let mut key = GenericRow::new(2);
            key.set_field(0, i);
            key.set_field(1, format!("key-{i}"));
            let found = lookuper.lookup(&key).await.unwrap();
            let row = found
                .get_single_row()
                .unwrap()
                .map(|row| from_row(&row).unwrap());
            assert_eq!(
                row,
                (i >= 10).then(|| rows::row(i)),
                "Rust looks {i} up in {lake}"
            );
        }
    }
}
