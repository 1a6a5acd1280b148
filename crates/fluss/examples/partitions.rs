//! Reads a partitioned table, including partitions created during the scan: `cargo run --example partitions`.

mod common;

use std::time::{Duration, Instant};

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, PartitionSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("region", DataTypes::string())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .partitioned_by(["region"])
        .build()?;
    let table = fresh_table(&connection, "partitioned", &descriptor).await?;
    let admin = connection.get_admin().await?;
    // Coordinators of 0.9.1 may miss a partition that is created while its table is being registered.
    tokio::time::sleep(Duration::from_secs(1)).await;

    // No partition exists yet. New ones are looked for every `Config::scanner_partition_discovery_interval`, 10
    // seconds by default.
    let scanner = table.new_scan().create_log_scanner()?;
    scanner.subscribe_table(OffsetSpec::Latest).await?;

    let writer = table.new_append()?.create_writer()?;
    for (id, region) in [(1, "north"), (2, "south")] {
        let spec = PartitionSpec::new([("region", region)]);
        admin
            .create_partition(table.table_path(), &spec, true)
            .await?;
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, region);
        writer.append(&row)?;
    }
    writer.flush().await?;

    let started = Instant::now();
    let mut rows = 0;
    while rows < 2 {
        if started.elapsed() > Duration::from_secs(60) {
            return Err(format!("only {rows} of 2 rows arrived").into());
        }
        for record in scanner.poll(Duration::from_secs(1)).await? {
            println!(
                "{} in the {}",
                record.row().get_int(0),
                record.row().get_string(1)
            );
            rows += 1;
        }
    }
    println!("buckets read: {:?}", scanner.get_subscribed_buckets());
    Ok(())
}
