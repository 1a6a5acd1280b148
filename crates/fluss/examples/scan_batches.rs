//! Reads two columns of a log table as Arrow batches: `cargo run --example scan_batches`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;
use futures::TryStreamExt;

const ROWS: i32 = 1000;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .column("score", DataTypes::double())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(2)
        .build()?;
    let table = fresh_table(&connection, "scan_batches", &descriptor).await?;

    let writer = table.new_append()?.create_writer()?;
    for id in 0..ROWS {
        let mut row = GenericRow::new(3);
        row.set_field(0, id);
        row.set_field(1, format!("name-{id}"));
        row.set_field(2, f64::from(id) / 2.0);
        writer.append(&row)?;
    }
    writer.flush().await?;

    // The server leaves out the other columns.
    let scan = table.new_scan().project_by_name(&["score", "id"])?;
    let scanner = scan.create_record_batch_log_scanner()?;
    println!("schema: {}", scanner.schema());
    scanner.subscribe_table(OffsetSpec::Earliest).await?;
    scanner.read_until(OffsetSpec::Latest).await?;
    let mut batches = scanner.into_stream();
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        println!(
            "bucket {} offsets {} to {}: {} rows, {} columns",
            batch.bucket().bucket_id(),
            batch.base_offset(),
            batch.last_offset(),
            batch.num_records(),
            batch.batch().num_columns()
        );
        rows += batch.num_records();
    }
    println!("{rows} rows in total");
    Ok(())
}
