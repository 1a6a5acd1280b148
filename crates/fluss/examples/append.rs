//! Appends rows to a log table, with and without waiting for them: `cargo run --example append`.

mod common;

use std::time::Duration;

use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> common::Outcome {
    let cluster = common::Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()?;
    let table = common::fresh_table(&connection, "append", &descriptor).await?;
    let writer = table.new_append()?.create_writer()?;
    let mut row = GenericRow::new(2);
    for id in 0..100_000_i64 {
        row.set_field(0, id);
        row.set_field(1, "fire and forget");
        writer.append(&row)?;
    }
    // Returns the first failure, if there was any.
    writer.flush().await?;

    row.set_field(1, "awaited");
    let result = writer.append(&row)?.await?;
    println!(
        "the last row is in bucket {} at offset {:?}",
        result.bucket().bucket_id(),
        result.offset()
    );
    connection.close(Duration::from_secs(30)).await?;
    Ok(())
}
