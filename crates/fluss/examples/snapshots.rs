//! Leases the snapshots of a primary-key table while it lists their files: `cargo run --example snapshots`.
//!
//! Servers take snapshots every few minutes, or every two seconds with `cargo xtask cluster up --tiered`.

#[allow(dead_code, reason = "this example has a mock of its own kind")]
mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;
use fluss_mock::MockCluster;

#[tokio::main]
async fn main() -> Outcome {
    let mock = MockCluster::builder().config("kv.snapshot.interval", "1s");
    let cluster = Cluster::from_arguments_or(mock).await?;
    let connection = cluster.connect().await?;
    let admin = connection.get_admin().await?;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .primary_key(vec!["id"])
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()?;
    let table = fresh_table(&connection, "snapshotted", &descriptor).await?;
    let writer = table.new_upsert()?.create_writer()?;
    let mut row = GenericRow::new(1);
    row.set_field(0, 1);
    writer.upsert(&row)?;
    writer.flush().await?;

    let started = Instant::now();
    let (bucket, snapshot) = loop {
        let latest = admin
            .get_latest_kv_snapshots(table.table_path(), None)
            .await?;
        if let Some(id) = latest
            .of_bucket(0)
            .and_then(fluss::metadata::KvSnapshot::snapshot_id)
        {
            break (TableBucket::new(latest.table_id(), 0), id);
        }
        if started.elapsed() > Duration::from_secs(60) {
            println!("no snapshot within a minute: the servers take them less often");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let lease = admin.create_kv_snapshot_lease("an-example", Duration::from_secs(60))?;
    lease
        .acquire_snapshots(&BTreeMap::from([(bucket, snapshot)]))
        .await?;
    let metadata = admin.get_kv_snapshot_metadata(bucket, snapshot).await?;
    for file in metadata.files() {
        println!("{} is {}", file.local_file_name(), file.remote_path());
    }
    println!("taken at log offset {}", metadata.log_offset());
    lease.close().await?;
    Ok(())
}
