//! Reads rows as a stream while they are written: `cargo run --example stream`.

mod common;

use std::time::Duration;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;
use futures::TryStreamExt;

const ROWS: i64 = 20;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(2)
        .build()?;
    let table = fresh_table(&connection, "stream", &descriptor).await?;

    let writer = table.new_append()?.create_writer()?;
    let writing = tokio::spawn(async move {
        for id in 0..ROWS {
            let mut row = GenericRow::new(1);
            row.set_field(0, id);
            writer.append(&row)?.await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok::<_, fluss::error::Error>(())
    });

    // An unbounded stream waits for future rows. It is dropped once enough have arrived.
    let scanner = table.new_scan().create_log_scanner()?;
    scanner.subscribe_table(OffsetSpec::Earliest).await?;
    let mut rows = scanner.into_stream();
    for _ in 0..ROWS {
        let next = tokio::time::timeout(Duration::from_secs(30), rows.try_next());
        let Some((bucket, record)) = next.await?? else {
            return Err("the stream ended".into());
        };
        println!(
            "row {} at offset {} of bucket {}",
            record.row().get_long(0),
            record.offset(),
            bucket.bucket_id()
        );
    }
    writing.await??;
    Ok(())
}
