//! Connections made with the keys of the Java client: from a map, a properties file, the environment.

use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, FlussConnection};
use fluss::config::{Acks, Config};
use fluss::error::ErrorKind;
use integration_tests::cluster::{bootstrap_servers, unique_database};

use super::support;
use super::write_support::{expect_rows, log_table, make, read_all, row};

/// Writes rows over a connection, reads them back, and tells how many rows the first batch has.
async fn first_batch(config: Config) -> usize {
    let connection = FlussConnection::new(config).await.unwrap();
    let database = support::database(&connection, "config").await;
    let descriptor = log_table()
        .bucket_count(1)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..2000 {
        writer.append(&row(i)).unwrap();
    }
    writer.flush().await.unwrap();
    expect_rows(&read_all(&connection, &table, 2000).await, 0..2000);
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    loop {
        let batches = scanner.poll(Duration::from_secs(1)).await.unwrap();
        if let Some(first) = batches.first() {
            return first.num_records();
        }
    }
}

pub(crate) async fn keys_of_the_java_client_do_what_they_say() {
    let servers = bootstrap_servers();
    let entries = [
        ("bootstrap.servers", servers.as_str()),
        ("client.id", "a test"),
        ("client.writer.batch-size", "4kb"),
        ("client.writer.batch-timeout", "10 s"),
        ("client.writer.acks", "1"),
        ("client.writer.enable-idempotence", "false"),
        ("client.writer.buffer.memory-size", "8mb"),
        ("client.request-timeout", "PT20S"),
        ("client.writer.buffer.page-size", "64kb"),
    ];
    let config = Config::from_map(entries).unwrap();
    assert_eq!(config.writer_acks, Acks::Leader);
    assert_eq!(config.request_timeout, Duration::from_secs(20));
    // About 31 bytes a row.
    let rows = first_batch(config).await;
    assert!((80..=160).contains(&rows), "{rows} rows in 4 KiB");

    let path = std::env::temp_dir().join(format!("{}.properties", unique_database("config")));
    let text = format!(
        "# Two servers, the first of which nobody is at.\nbootstrap.servers = localhost:1, {servers}\n\
         client.writer.batch-size: 8kb\nclient.writer.batch-timeout=10s\n"
    );
    std::fs::write(&path, text).unwrap();
    let config = Config::from_properties(&path);
    std::fs::remove_file(&path).unwrap();
    let rows = first_batch(config.unwrap()).await;
    assert!((160..=320).contains(&rows), "{rows} rows in 8 KiB");
}

/// Not on the mock, which the environment doesn't name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_may_name_the_cluster() {
    let servers = bootstrap_servers();
    // The tests are told in the environment where the cluster is.
    let config = Config::from_env().unwrap();
    assert_eq!(config.bootstrap_server, servers);
    let connection = FlussConnection::new(config).await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    assert!(!admin.get_server_nodes().await.unwrap().is_empty());
}

pub(crate) async fn wrong_keys_and_values_are_told_before_anybody_is_asked() {
    let unknown = Config::from_map([("client.writer.batch-sise", "2mb")]).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Config);
    assert!(
        unknown.to_string().contains("client.writer.batch-size"),
        "{unknown}"
    );
    let bad = Config::from_map([("client.writer.batch-timeout", "soon")]).unwrap_err();
    let text = bad.to_string();
    assert!(
        text.contains("client.writer.batch-timeout")
            && text.contains("soon")
            && text.contains("expected"),
        "{text}"
    );
    let mut config = support::config();
    config.writer_batch_size = 0;
    let error = FlussConnection::new(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

pub(crate) async fn a_cluster_that_is_not_there_is_an_error_within_the_time_of_a_call() {
    let mut config = support::config();
    "localhost:1".clone_into(&mut config.bootstrap_server);
    config.call_timeout = Duration::from_secs(3);
    let started = std::time::Instant::now();
    let error = FlussConnection::new(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    // Less than it would take without that setting.
    let usual = Config::default().call_timeout;
    assert!(started.elapsed() < usual, "{:?}", started.elapsed());
}
