//! Partitioned tables: missing partitions are made while other rows go on; failures stay with their partition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::error::ErrorKind;
use fluss::metadata::{PartitionInfo, PartitionSpec, TableDescriptorBuilder};
use fluss::mock::fault::{self, Fault};
use fluss::mock::{ApiKey, FaultProxy};
use fluss::row::GenericRow;

use super::support::{self, config, connect};
use super::write_support::{log_table, make, read_all};

fn in_partition(i: i64, partition: &str) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, i);
    row.set_field(1, partition.to_owned());
    row
}

async fn table_of(
    connection: &FlussConnection,
    test: &str,
    change: impl FnOnce(TableDescriptorBuilder) -> TableDescriptorBuilder,
) -> FlussTable {
    let database = support::database(connection, test).await;
    let descriptor = change(log_table().partitioned_by(["text"]).bucket_count(2))
        .build()
        .unwrap();
    make(connection, &database, "log", &descriptor).await
}

async fn make_partition(connection: &FlussConnection, table: &FlussTable, name: &str) {
    let admin = connection.get_admin().await.unwrap();
    admin
        .create_partition(
            table.table_path(),
            &PartitionSpec::new([("text", name)]),
            false,
        )
        .await
        .unwrap();
}

pub(crate) async fn missing_partitions_are_made_while_other_rows_go_on() {
    const PARTITIONS: i64 = 12;
    const SLOW: Duration = Duration::from_secs(1);
    let direct = connect().await;
    let table = table_of(&direct, "partitions_made", |table| table).await;
    make_partition(&direct, &table, "there").await;
    // Through a proxy with which whoever waits for a partition waits long.
    let proxy = Arc::new(FaultProxy::new(1));
    let builder = FlussConnection::builder(support::config());
    let dialer = fluss::mock::through(Arc::clone(&proxy));
    let connection = builder.dialer(dialer).connect().await.unwrap();
    let table = connection.get_table(table.table_path()).await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    writer
        .append(&in_partition(0, "there"))
        .unwrap()
        .await
        .unwrap();
    let slow = fault::on(ApiKey::CreatePartition).before(Fault::Delay(SLOW));
    let slow = proxy.inject(slow);
    let mut made = Vec::new();
    let started = Instant::now();
    for i in 0..PARTITIONS {
        for _ in 0..10 {
            made.push(writer.append(&in_partition(i, &format!("new{i}"))).unwrap());
        }
    }
    assert!(
        started.elapsed() < SLOW * PARTITIONS as u32,
        "appending asks no server: {:?}",
        started.elapsed()
    );
    let result = writer
        .append(&in_partition(1, "there"))
        .unwrap()
        .await
        .unwrap();
    assert!(result.offset().is_some());
    for result in made {
        assert!(result.await.unwrap().bucket().partition_id().is_some());
    }
    assert_eq!(slow.hits(), PARTITIONS as u64);
    let read = read_all(&connection, &table, 2 + 10 * PARTITIONS as usize).await;
    for record in &read {
        assert_eq!(record.text.as_deref(), Some(&*record.partition));
    }
    let admin = connection.get_admin().await.unwrap();
    let partitions = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    assert_eq!(partitions.len(), 1 + PARTITIONS as usize);
}

pub(crate) async fn many_clients_may_make_the_same_partition() {
    let connection = connect().await;
    let table = table_of(&connection, "partitions_race", |table| table).await;
    let mut tasks = Vec::new();
    for client in 0..4 {
        let path = table.table_path().clone();
        tasks.push(integration_tests::cluster::spawn(async move {
            let connection = connect().await;
            let table = connection.get_table(&path).await.unwrap();
            let writer = table.new_append().unwrap().create_writer().unwrap();
            for i in 0..10 {
                writer
                    .append(&in_partition(client * 100 + i, &format!("p{}", i % 3)))
                    .unwrap();
            }
            writer.flush().await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut ids: Vec<_> = read_all(&connection, &table, 40)
        .await
        .iter()
        .map(|record| record.id)
        .collect();
    ids.sort_unstable();
    let expected: Vec<_> = (0..4)
        .flat_map(|client| (0..10).map(move |i| client * 100 + i))
        .collect();
    assert_eq!(ids, expected);
}

pub(crate) async fn a_partition_that_is_not_made_fails_its_own_rows_alone() {
    let connection = FlussConnection::new(Config {
        writer_dynamic_create_partition: false,
        ..config()
    })
    .await
    .unwrap();
    let table = table_of(&connection, "partitions_off", |table| table).await;
    make_partition(&connection, &table, "there").await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let there = writer.append(&in_partition(1, "there")).unwrap();
    let missing = writer.append(&in_partition(2, "missing")).unwrap();
    let error = missing.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
    there.await.unwrap();
    assert_eq!(
        writer.flush().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // Made meanwhile by someone else: the next row finds it.
    make_partition(&connection, &table, "missing").await;
    writer
        .append(&in_partition(3, "missing"))
        .unwrap()
        .await
        .unwrap();
    writer
        .append(&in_partition(4, "there"))
        .unwrap()
        .await
        .unwrap();
    writer.flush().await.unwrap();
    let read = read_all(&connection, &table, 3).await;
    let ids: Vec<_> = read
        .iter()
        .map(|record| (&*record.partition, record.id))
        .collect();
    assert_eq!(ids.iter().filter(|(name, _)| *name == "missing").count(), 1);
    assert!(ids.contains(&("missing", 3)), "{ids:?}");
}

pub(crate) async fn values_that_name_no_partition_are_refused_at_once() {
    let connection = connect().await;
    let table = table_of(&connection, "partitions_names", |table| table).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for name in ["a/b", "", "a b", "__x", "x$", "a$b", "$", &"x".repeat(300)] {
        let error = writer.append(&in_partition(1, name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{name}: {error}");
        assert!(error.to_string().contains("\"text\""), "{name}: {error}");
    }
    let mut null = GenericRow::new(2);
    null.set_field(0, 1_i64);
    assert_eq!(writer.append(&null).unwrap_err().kind(), ErrorKind::Usage);
    writer
        .append(&in_partition(1, "a-b_c"))
        .unwrap()
        .await
        .unwrap();
    let admin = connection.get_admin().await.unwrap();
    let partitions = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    let names = partitions.iter().map(PartitionInfo::partition_name);
    assert_eq!(names.collect::<Vec<_>>(), ["a-b_c"], "and no others");
}

/// A writer makes the partitions that the server lets anybody make, and no others: releases differ in that.
pub(crate) async fn partitions_by_time_keep_to_the_rules_of_the_server() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    for unit in ["YEAR", "QUARTER"] {
        let by_time = |table: TableDescriptorBuilder| {
            table
                .property("table.auto-partition.enabled", "true")
                .property("table.auto-partition.time-unit", unit)
                .property("table.auto-partition.num-precreate", "0")
                .property("table.auto-partition.num-retention", "2")
        };
        let table = table_of(&connection, "partitions_time", by_time).await;
        let twin = table_of(&connection, "partitions_twin", by_time).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        let strategy = table.auto_partition().unwrap();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis() as i64;
        let at = |offset| strategy.partition_time(now, offset).unwrap();
        let mut written = 0;
        for name in [&*at(-1), &at(0), &at(10), &at(-3), "19984", "20261x"] {
            let spec = PartitionSpec::new([("text", name)]);
            let made = admin.create_partition(twin.table_path(), &spec, true).await;
            let appended = writer.append(&in_partition(1, name)).unwrap().await;
            match (made, appended) {
                (Ok(()), Ok(_)) => written += 1,
                (Err(refused), Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Usage, "{unit} {name}: {error}");
                    assert_eq!(error.server_code(), refused.server_code(), "{error}");
                }
                (made, appended) => panic!("{unit} {name}: {made:?}, but {appended:?}"),
            }
        }
        assert_eq!(read_all(&connection, &table, written).await.len(), written);
    }
}

pub(crate) async fn a_partition_dropped_under_a_writer_is_made_anew() {
    let connection = connect().await;
    let table = table_of(&connection, "partitions_dropped", |table| table).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let first = writer.append(&in_partition(1, "p")).unwrap().await.unwrap();
    writer.append(&in_partition(1, "q")).unwrap().await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    admin
        .drop_partition(
            table.table_path(),
            &PartitionSpec::new([("text", "p")]),
            false,
        )
        .await
        .unwrap();
    // While its servers learn of it, rows may still go to the old one.
    let started = Instant::now();
    loop {
        let result = writer.append(&in_partition(2, "p")).unwrap().await.unwrap();
        writer.append(&in_partition(2, "q")).unwrap().await.unwrap();
        if result.bucket().partition_id() != first.bucket().partition_id() {
            break;
        }
        assert!(started.elapsed() < support::PATIENCE);
    }
    let partitions = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    assert_eq!(partitions.len(), 2);
}
