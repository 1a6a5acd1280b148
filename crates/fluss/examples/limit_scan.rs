//! Reads a few rows of a table: `cargo run --example limit_scan`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()?;
    let table = fresh_table(&connection, "limit_scan", &descriptor).await?;
    let writer = table.new_upsert()?.create_writer()?;
    for id in 0..1000 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name-{id}"));
        writer.upsert(&row)?;
    }
    writer.flush().await?;

    let scanner = table.new_scan().limit(10)?.create_batch_scanner()?;
    while let Some(batch) = scanner.next_batch().await? {
        println!(
            "{} rows of bucket {}",
            batch.num_records(),
            batch.bucket().bucket_id()
        );
    }
    Ok(())
}
