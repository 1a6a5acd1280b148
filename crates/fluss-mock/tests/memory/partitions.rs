//! Partitions that were written to and dropped left kilobytes behind, each.

use std::time::Duration;

use allocation_counter::measure;
use fluss::client::{FlussAdmin, FlussTable};
use fluss::metadata::{DataTypes, PartitionSpec, Schema};
use fluss::row::GenericRow;
use fluss_mock::MockCluster;
use tokio::time::sleep;

use crate::{connect, runtime, table};

const PARTITIONS: usize = 400;

/// Writes to partitions and drops them, some at a time, and waits until what ends in the background has ended.
async fn come_and_go(
    cluster: &MockCluster,
    (admin, table): (&FlussAdmin, &FlussTable),
    numbers: std::ops::Range<usize>,
) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for number in numbers {
        let name = format!("partition-{number:06}");
        let mut row = GenericRow::new(2);
        row.set_field(0, number as i32);
        row.set_field(1, &*name);
        writer.append(&row).unwrap().await.unwrap();
        let spec = PartitionSpec::new([("name", name.as_str())]);
        let path = table.table_path();
        admin.drop_partition(path, &spec, false).await.unwrap();
        if number % 50 == 49 {
            sleep(Duration::from_secs(180)).await;
            cluster.clear_journal();
        }
    }
}

#[test]
fn partitions_that_come_and_go_leave_nothing_behind() {
    let runtime = runtime();
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string());
    let (cluster, connection, table) = runtime.block_on(async {
        let cluster = MockCluster::builder().in_memory().start().await.unwrap();
        let connection = connect(&cluster).await;
        let shape = |builder: fluss::metadata::TableDescriptorBuilder| {
            builder.bucket_count(3).partitioned_by(["name"])
        };
        let table = table(&connection, schema, shape).await;
        (cluster, connection, table)
    });
    let admin = runtime.block_on(connection.get_admin()).unwrap();
    // The first ones fill what is kept on purpose.
    runtime.block_on(come_and_go(&cluster, (&admin, &table), 0..100));
    let left = measure(|| {
        let numbers = 100..100 + PARTITIONS;
        runtime.block_on(come_and_go(&cluster, (&admin, &table), numbers));
    });
    println!("{left:?}");
    let each = left.bytes_current / PARTITIONS as i64;
    assert!(
        each < 100,
        "{each} bytes stay behind of each partition: {left:?}"
    );
    // The name is free for another partition, and for rows.
    runtime.block_on(come_and_go(&cluster, (&admin, &table), 0..50));
}
