//! Reads what happened to the rows of a primary-key table: `cargo run --example changelog`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;
use futures::TryStreamExt;

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
        .bucket_count(1)
        .build()?;
    let table = fresh_table(&connection, "changelog", &descriptor).await?;

    let writer = table.new_upsert()?.create_writer()?;
    for (id, name) in [(1, "Alice"), (2, "Bob"), (1, "Alicia")] {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, name);
        writer.upsert(&row)?;
    }
    let mut key = GenericRow::new(2);
    key.set_field(0, 2);
    writer.delete(&key)?;
    writer.flush().await?;

    let scanner = table.new_scan().create_log_scanner()?;
    scanner.subscribe_table(OffsetSpec::Earliest).await?;
    scanner.read_until(OffsetSpec::Latest).await?;
    let mut changes = scanner.into_stream();
    while let Some((_, record)) = changes.try_next().await? {
        let row = record.row();
        println!(
            "{} {} {}",
            record.change_type().short_string(),
            row.get_int(0),
            row.get_string(1)
        );
    }
    Ok(())
}
