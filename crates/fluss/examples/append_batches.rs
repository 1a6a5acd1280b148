//! Appends an Arrow batch, which is split by bucket: `cargo run --example append_batches`.

mod common;

use std::sync::Arc;
use std::time::Duration;

use fluss::arrow::arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};

#[tokio::main]
async fn main() -> common::Outcome {
    let cluster = common::Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("sensor", DataTypes::bigint())
        .column("value", DataTypes::double())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(3), ["sensor"])
        .build()?;
    let table = common::fresh_table(&connection, "append_batches", &descriptor).await?;

    let sensors: ArrayRef = Arc::new(Int64Array::from_iter_values((0..10_000).map(|i| i % 50)));
    let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..10_000).map(f64::from)));
    let batch = RecordBatch::try_from_iter([("sensor", sensors), ("value", values)])?;

    let writer = table.new_append()?.create_writer()?;
    for piece in writer.append_arrow_batch(&batch)?.await? {
        println!(
            "rows in bucket {} from offset {:?}",
            piece.bucket().bucket_id(),
            piece.offset()
        );
    }
    connection.close(Duration::from_secs(30)).await?;
    Ok(())
}
