//! Appends to a partitioned table, whose partitions are created as rows arrive:
//! `cargo run --example partitioned_writes`.

mod common;

use std::time::Duration;

use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> common::Outcome {
    let cluster = common::Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("day", DataTypes::string())
        .column("event", DataTypes::string())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(["day"])
        .bucket_count(2)
        .build()?;
    let table = common::fresh_table(&connection, "partitioned_writes", &descriptor).await?;
    let writer = table.new_append()?.create_writer()?;
    for day in ["20260101", "20260102", "20260103"] {
        for event in ["started", "stopped"] {
            let mut row = GenericRow::new(2);
            row.set_field(0, day);
            row.set_field(1, event);
            writer.append(&row)?;
        }
    }
    writer.flush().await?;
    for partition in connection
        .get_admin()
        .await?
        .list_partition_infos(table.table_path())
        .await?
    {
        println!(
            "{} is partition {}",
            partition.partition_name(),
            partition.partition_id()
        );
    }
    connection.close(Duration::from_secs(30)).await?;
    Ok(())
}
