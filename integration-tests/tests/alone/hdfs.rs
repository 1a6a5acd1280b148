//! Log segments in a file system that the client does not read.

use std::time::{Duration, Instant};

use fluss::client::EARLIEST_OFFSET;
use fluss::error::ErrorKind;
use fluss::metadata::OffsetSpec;
use integration_tests::own_cluster::OwnCluster;

use super::alone;
use super::s3::{count_logs, moved_table, write};
use super::support::{PATIENCE, connect, database};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what keeps tests apart, and no task of this test takes it"
)]
async fn segments_in_a_file_system_that_is_not_read_are_an_error_that_names_it() {
    let _alone = alone();
    let cluster = OwnCluster::start(&["--hdfs"]).await;
    cluster.run(write_and_read(&cluster)).await;
}

async fn write_and_read(cluster: &OwnCluster) {
    let connection = connect().await;
    let database = database(&connection, "hdfs").await;
    let table = moved_table(&connection, &database).await;
    write(&table).await;
    let started = Instant::now();
    let kept = || count_logs(&cluster.data_of(0).join(&database));
    while kept() > 3 {
        assert!(started.elapsed() < PATIENCE * 2, "{} segments kept", kept());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let error = loop {
        assert!(started.elapsed() < PATIENCE * 2, "no error");
        match scanner.poll(Duration::from_secs(1)).await {
            Ok(records) => assert!(records.is_empty(), "rows without their segments"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let text = error.to_string();
    assert!(text.contains("hdfs://"), "{text}");
    assert!(text.contains("file://") && text.contains("`s3`"), "{text}");

    // What is still with the server is read.
    let scanner = table.new_scan().create_log_scanner().unwrap();
    let latest = scanner.subscribe_from(None, 0, OffsetSpec::Latest);
    latest.await.unwrap();
    write(&table).await;
    let first = scanner.poll(PATIENCE).await.unwrap();
    assert!(!first.is_empty());
}
