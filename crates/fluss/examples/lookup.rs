//! Looks up rows by key, one and many: `cargo run --example lookup`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

fn key(id: i32) -> GenericRow<'static> {
    let mut key = GenericRow::new(1);
    key.set_field(0, id);
    key
}

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
    let table = fresh_table(&connection, "lookup", &descriptor).await?;

    let writer = table.new_upsert()?.create_writer()?;
    for id in 0..100 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, format!("name-{id}"));
        writer.upsert(&row)?;
    }
    writer.flush().await?;

    let lookuper = table.new_lookup()?.create_lookuper()?;
    match lookuper.lookup(&key(42)).await?.get_single_row()? {
        Some(row) => println!("42 is {}", row.get_string(1)),
        None => return Err("the row that was just written was not found".into()),
    }
    println!(
        "found 101: {}",
        !lookuper.lookup(&key(101)).await?.is_empty()
    );

    // All at once; they share requests.
    let results = lookuper.lookup_many((90..110).map(key)).await?;
    println!(
        "found {} of 20 keys",
        results.iter().filter(|result| !result.is_empty()).count()
    );
    let batch = lookuper.to_record_batch(&results)?;
    println!(
        "as an Arrow batch: {} rows, {} columns",
        batch.num_rows(),
        batch.num_columns()
    );
    Ok(())
}
