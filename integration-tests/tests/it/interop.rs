//! What this client writes the official Java client reads, and the other way round; keys land in the same buckets.

use std::collections::BTreeSet;

use fluss::metadata::TablePath;
use fluss::record::ChangeType;
use fluss::row::GenericRow;
use integration_tests::cluster::bootstrap_servers;
use integration_tests::java::JavaClient;
use integration_tests::rows::{self, Value};
use integration_tests::values::{from_row, to_row};

use super::support::{self, connect, read};

const ROWS: i64 = 300;

/// What the field of a line `{…,"FIELD":VALUE…}` holds from there on.
fn after<'a>(line: &'a str, field: &str) -> &'a str {
    line.split_once(&format!("\"{field}\":")).unwrap().1
}

fn number(text: &str) -> i64 {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '-')
        .unwrap_or(text.len());
    text[..end].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn java_reads_the_log_that_rust_writes() {
    let connection = connect().await;
    let database = support::database(&connection, "rust_to_java_log").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    java.run(&format!("create-log {database} rows 3"));
    let table = connection
        .get_table(&TablePath::new(database.as_str(), "rows"))
        .await
        .unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..ROWS {
        writer.append(&to_row(&rows::row(i)).unwrap()).unwrap();
    }
    writer.flush().await.unwrap();
    let lines = java.run(&format!("scan {database} rows {ROWS}"));
    let read = lines
        .iter()
        .map(|line| after(line, "row").strip_suffix('}').unwrap().to_owned())
        .collect::<BTreeSet<_>>();
    let written = (0..ROWS)
        .map(|i| rows::json(&rows::row(i)))
        .collect::<BTreeSet<_>>();
    assert_eq!(read, written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_reads_the_log_that_java_writes() {
    let connection = connect().await;
    let database = support::database(&connection, "java_to_rust_log").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    for format in ["arrow", "indexed", "compacted"] {
        java.run(&format!("create-log {database} {format} 3 {format}"));
        java.run(&format!("append {database} {format} 0 {ROWS}"));
        let table = connection
            .get_table(&TablePath::new(database.as_str(), format))
            .await
            .unwrap();
        let mut seen = BTreeSet::new();
        for record in read(&table, ROWS as usize).await.values().flatten() {
            let values = from_row(record.row()).unwrap();
            let Value::BigInt(i) = values[0] else {
                panic!("{values:?}")
            };
            assert!(seen.insert(i));
            assert_eq!(values, rows::row(i), "row {i} of the {format} log");
        }
        assert_eq!(seen.len(), ROWS as usize);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn java_finds_what_rust_upserts_and_misses_what_rust_deletes() {
    let connection = connect().await;
    let database = support::database(&connection, "rust_to_java_pk").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    for format in ["compacted", "indexed"] {
        java.run(&format!("create-pk {database} {format} 3 {format}"));
        let table = connection
            .get_table(&TablePath::new(database.as_str(), format))
            .await
            .unwrap();
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        for i in 0..ROWS {
            writer.upsert(&to_row(&rows::row(i)).unwrap()).unwrap();
        }
        for i in 0..20 {
            writer.delete(&to_row(&rows::row(i)).unwrap()).unwrap();
        }
        writer.flush().await.unwrap();
        let lines = java.run(&format!("lookup {database} {format} 0 {ROWS}"));
        assert_eq!(lines.len(), ROWS as usize);
        for (i, line) in (0..).zip(&lines) {
            let expected = if i < 20 {
                "null".to_owned()
            } else {
                rows::json(&rows::row(i))
            };
            assert_eq!(*line, expected, "row {i} of the {format} table");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_finds_what_java_upserts_and_reads_its_changelog() {
    let connection = connect().await;
    let database = support::database(&connection, "java_to_rust_pk").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    java.run(&format!("create-pk {database} rows 3"));
    java.run(&format!("upsert {database} rows 0 {ROWS}"));
    java.run(&format!("delete {database} rows 0 20"));
    let table = connection
        .get_table(&TablePath::new(database.as_str(), "rows"))
        .await
        .unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for i in 0..ROWS {
        let mut key = GenericRow::new(2);
        key.set_field(0, i);
        key.set_field(1, format!("key-{i}"));
        let found = lookuper.lookup(&key).await.unwrap();
        let found = found
            .get_single_row()
            .unwrap()
            .map(|row| from_row(&row).unwrap());
        assert_eq!(found, (i >= 20).then(|| rows::row(i)), "row {i}");
    }
    let records = read(&table, ROWS as usize + 20).await;
    let count = |kind| {
        records
            .values()
            .flatten()
            .filter(|record| *record.change_type() == kind)
            .count()
    };
    assert_eq!(
        (count(ChangeType::Insert), count(ChangeType::Delete)),
        (ROWS as usize, 20)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_land_in_the_buckets_where_java_puts_them() {
    let connection = connect().await;
    let database = support::database(&connection, "buckets").await;
    let mut java = JavaClient::start(&bootstrap_servers());
    java.run(&format!("create-pk {database} rows 7"));
    let table = connection
        .get_table(&TablePath::new(database.as_str(), "rows"))
        .await
        .unwrap();
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let lines = java.run(&format!("buckets {database} rows 0 {ROWS}"));
    let mut written = Vec::new();
    for i in 0..ROWS {
        written.push(writer.upsert(&to_row(&rows::row(i)).unwrap()).unwrap());
    }
    for (i, (line, result)) in lines.iter().zip(written).enumerate() {
        let bucket = number(after(line, "bucket"));
        assert_eq!(
            i64::from(result.await.unwrap().bucket().bucket_id()),
            bucket,
            "row {i}"
        );
    }
}
