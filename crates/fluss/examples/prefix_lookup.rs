//! Looks up all rows that share the first columns of their key: `cargo run --example prefix_lookup`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("customer", DataTypes::int())
        .column("order", DataTypes::int())
        .column("item", DataTypes::string())
        .primary_key(["customer", "order"])
        .build()?;
    // Rows of one customer are in one bucket: the bucket key is a prefix of the primary key.
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(3), ["customer"])
        .build()?;
    let table = fresh_table(&connection, "prefix_lookup", &descriptor).await?;

    let writer = table.new_upsert()?.create_writer()?;
    for (customer, order, item) in [(1, 1, "apple"), (1, 2, "pear"), (2, 1, "plum")] {
        let mut row = GenericRow::new(3);
        row.set_field(0, customer);
        row.set_field(1, order);
        row.set_field(2, item);
        writer.upsert(&row)?;
    }
    writer.flush().await?;

    let lookup = table.new_lookup()?.lookup_by(vec!["customer".to_owned()]);
    let lookuper = lookup.create_lookuper()?;
    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    for row in lookuper.lookup(&key).await?.rows() {
        println!("order {}: {}", row.get_int(1), row.get_string(2));
    }
    Ok(())
}
