//! Reads part of a log and stops: `cargo run --example bounded_scan`.

mod common;

use std::collections::HashMap;
use std::time::Duration;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()?;
    let table = fresh_table(&connection, "bounded_scan", &descriptor).await?;

    let writer = table.new_append()?.create_writer()?;
    for id in 0..100_i64 {
        let mut row = GenericRow::new(1);
        row.set_field(0, id);
        writer.append(&row)?;
    }
    writer.flush().await?;

    let scanner = table.new_scan().create_log_scanner()?;
    // Everything that is in the log now, ignoring later writes.
    scanner.subscribe_table(OffsetSpec::Earliest).await?;
    scanner.read_until(OffsetSpec::Latest).await?;
    let mut rows = 0;
    while !scanner.is_finished() {
        rows += scanner.poll(Duration::from_secs(1)).await?.count();
    }
    println!("{rows} rows until now");

    // Offsets 10 to 19.
    let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
    scanner.subscribe(0, 10).await?;
    scanner.read_until_offsets(&HashMap::from([(bucket, 20)]))?;
    while !scanner.is_finished() {
        for record in scanner.poll(Duration::from_secs(1)).await? {
            println!("offset {}: {}", record.offset(), record.row().get_long(0));
        }
    }
    println!("read up to offset {:?}", scanner.position(0));
    Ok(())
}
