//! fluss#3003, fluss#1068, rust#136: scanners that were not read to their end, and connections, left memory behind.

use std::time::Duration;

use allocation_counter::measure;
use fluss::client::EARLIEST_OFFSET;
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::row::GenericRow;
use fluss_mock::{MockCluster, Release};
use tokio::time::sleep;

use crate::{connect, runtime, table};

const ROUNDS: usize = 300;
const SECOND: Duration = Duration::from_secs(1);

async fn prepare() -> (MockCluster, TablePath) {
    let builder = MockCluster::builder().release(Release::V1_0);
    let cluster = builder.in_memory().start().await.unwrap();
    let connection = connect(&cluster).await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string())
        .primary_key(["id"]);
    let table = table(&connection, schema, |builder| builder.bucket_count(2)).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in 0..500 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, "a text of some length");
        writer.upsert(&row).unwrap();
    }
    writer.flush().await.unwrap();
    (cluster, table.table_path().clone())
}

async fn round(cluster: &MockCluster, path: &TablePath) {
    let connection = connect(cluster).await;
    let table = connection.get_table(path).await.unwrap();
    let limited = table.new_scan().limit(400).unwrap();
    let limited = limited.create_batch_scanner().unwrap();
    assert!(limited.next_batch().await.unwrap().is_some());
    drop(limited);
    // A scan of all rows, of which the server holds a part when it is given up.
    let all = table.new_scan().create_batch_scanner().unwrap();
    assert!(all.next_batch().await.unwrap().is_some());
    drop(all);
    let log = table.new_scan().create_log_scanner().unwrap();
    log.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    assert!(!log.poll(SECOND).await.unwrap().is_empty());
    drop(log);
    connection.close(SECOND).await.unwrap();
    drop((table, connection));
    // What ends in the background has ended.
    sleep(Duration::from_secs(120)).await;
    cluster.clear_journal();
}

#[test]
fn what_is_given_up_gives_its_memory_back() {
    let runtime = runtime();
    let (cluster, path) = runtime.block_on(prepare());
    // The first rounds fill what is kept on purpose.
    runtime.block_on(async {
        for _ in 0..50 {
            round(&cluster, &path).await;
        }
    });
    let left = measure(|| {
        runtime.block_on(async {
            for _ in 0..ROUNDS {
                round(&cluster, &path).await;
            }
        });
    });
    println!("{left:?}");
    // A round allocates far more than a megabyte; nothing of it may stay.
    assert!(left.bytes_total > ROUNDS as u64 * 50_000, "{left:?}");
    let each = left.bytes_current / ROUNDS as i64;
    assert!(
        each < 200,
        "{each} bytes stay behind of each round: {left:?}"
    );
}
