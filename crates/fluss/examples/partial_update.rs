//! Two writers that each fill some columns of the same rows: `cargo run --example partial_update`.

mod common;

use std::time::Duration;

use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> common::Outcome {
    let cluster = common::Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .column("score", DataTypes::double())
        .primary_key(["id"])
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()?;
    let table = common::fresh_table(&connection, "partial_update", &descriptor).await?;
    let names = table
        .new_upsert()?
        .partial_update_with_column_names(&["id", "name"])?
        .create_writer()?;
    let scores = table
        .new_upsert()?
        .partial_update(Some(vec![0, 2]))?
        .create_writer()?;
    // Rows have all columns; the ones that are not written may be null.
    let mut row = GenericRow::new(3);
    row.set_field(0, 1);
    row.set_field(1, "Alice");
    names.upsert(&row)?.await?;
    let mut row = GenericRow::new(3);
    row.set_field(0, 1);
    row.set_field(2, 95.5);
    scores.upsert(&row)?.await?;

    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    let lookuper = table.new_lookup()?.create_lookuper()?;
    let found = lookuper.lookup(&key).await?;
    let row = found.get_single_row()?.ok_or("the row was not found")?;
    println!("{} has {}", row.get_string(1), row.get_double(2));
    connection.close(Duration::from_secs(30)).await?;
    Ok(())
}
