//! Reads rows of a log table as they arrive: `cargo run --example scan_rows`.

mod common;

use std::time::{Duration, Instant};

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;

const ROWS: i64 = 10;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()?;
    let table = fresh_table(&connection, "scan_rows", &descriptor).await?;

    let writer = table.new_append()?.create_writer()?;
    for id in 0..ROWS {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name-{id}"));
        writer.append(&row)?;
    }
    writer.flush().await?;

    let scanner = table.new_scan().create_log_scanner()?;
    scanner.subscribe_table(OffsetSpec::Earliest).await?;
    let started = Instant::now();
    let mut seen = 0;
    while seen < ROWS {
        if started.elapsed() > Duration::from_secs(30) {
            return Err(format!("only {seen} of {ROWS} rows arrived").into());
        }
        let records = scanner.poll(Duration::from_secs(1)).await?;
        for (bucket, records) in records.records_by_buckets() {
            for record in records {
                let row = record.row();
                println!(
                    "bucket {} offset {}: {} {}",
                    bucket.bucket_id(),
                    record.offset(),
                    row.get_long(0),
                    row.get_string(1)
                );
                seen += 1;
            }
        }
    }
    Ok(())
}
