//! Upserts and deletes rows of a primary-key table, and looks them up: `cargo run --example upsert`.

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
        .primary_key(["id"])
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()?;
    let table = common::fresh_table(&connection, "upsert", &descriptor).await?;
    let writer = table.new_upsert()?.create_writer()?;
    let person = |id: i32, name: &'static str| {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, name);
        row
    };
    writer.upsert(&person(1, "Alice"))?;
    writer.upsert(&person(2, "Bob"))?;
    writer.upsert(&person(1, "Alicia"))?;
    let deleted = writer.delete(&person(2, ""))?.await?;
    writer.flush().await?;
    println!(
        "the changelog of Bob's bucket ends at {:?}",
        deleted.offset()
    );

    let lookuper = table.new_lookup()?.create_lookuper()?;
    for id in [1, 2] {
        let mut key = GenericRow::new(1);
        key.set_field(0, id);
        let found = lookuper.lookup(&key).await?;
        match found.get_single_row()? {
            Some(row) => println!("{id}: {}", row.get_string(1)),
            None => println!("{id}: not found"),
        }
    }
    connection.close(Duration::from_secs(30)).await?;
    Ok(())
}
