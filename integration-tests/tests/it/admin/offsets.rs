//! Offsets by what they mean, and how many rows there are.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, OffsetSpec, PartitionSpec, Schema, TableDescriptor, TablePath};
use fluss::row::GenericRow;

use super::{append, keyed_table, log_table, start, support, upsert};

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64
}

pub(crate) async fn offsets_follow_what_was_appended() {
    let (connection, admin, database) = start("admin_offsets").await;
    let path = TablePath::new(database.as_str(), "log");
    let table = log_table(&connection, &path, 3).await;
    let all = [0, 1, 2];
    let zero = HashMap::from([(0, 0), (1, 0), (2, 0)]);
    for spec in [OffsetSpec::Earliest, OffsetSpec::Latest] {
        assert_eq!(admin.list_offsets(&path, &all, spec).await.unwrap(), zero);
    }

    append(&table, 0..100).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let between = now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let first = admin
        .list_offsets(&path, &all, OffsetSpec::Latest)
        .await
        .unwrap();
    assert_eq!(first.values().sum::<i64>(), 100);
    let earliest = admin.list_offsets(&path, &all, OffsetSpec::Earliest).await;
    assert_eq!(earliest.unwrap(), zero);

    append(&table, 100..150).await;
    let second = admin
        .list_offsets(&path, &all, OffsetSpec::Latest)
        .await
        .unwrap();
    assert_eq!(second.values().sum::<i64>(), 150);
    for bucket in all {
        let at = admin
            .list_offsets(&path, &[bucket], OffsetSpec::Timestamp(between))
            .await
            .unwrap();
        assert_eq!(at[&bucket], first[&bucket], "bucket {bucket}");
        let long_ago = OffsetSpec::Timestamp(0);
        let at = admin
            .list_offsets(&path, &[bucket], long_ago)
            .await
            .unwrap();
        assert_eq!(at[&bucket], 0, "bucket {bucket}");
    }
    // Asked twice in one call, answered once.
    let twice = admin.list_offsets(&path, &[1, 1], OffsetSpec::Latest).await;
    assert_eq!(twice.unwrap(), HashMap::from([(1, second[&1])]));
    let none = admin.list_offsets(&path, &[], OffsetSpec::Latest).await;
    assert_eq!(none.unwrap(), HashMap::new());

    let tomorrow = OffsetSpec::Timestamp(now() + 86_400_000);
    let error = admin.list_offsets(&path, &[0], tomorrow).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(38)),
        "{error}"
    );
    for bucket in [-1, 3] {
        let error = admin
            .list_offsets(&path, &[bucket], OffsetSpec::Latest)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    let missing = TablePath::new(database.as_str(), "none");
    let error = admin
        .list_offsets(&missing, &[0], OffsetSpec::Latest)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.operation(), Some("list_offsets"));
}

pub(crate) async fn offsets_and_rows_of_partitions() {
    let (connection, admin, database) = start("admin_part_offsets").await;
    let path = TablePath::new(database.as_str(), "events");
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("region", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(vec!["region"])
        .bucket_count(2)
        .build()
        .unwrap();
    support::create_known(&admin, &path, &descriptor).await;
    for region in ["eu", "us"] {
        let spec = PartitionSpec::new([("region", region)]);
        admin.create_partition(&path, &spec, false).await.unwrap();
    }
    let table = connection.get_table(&path).await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in 0..30 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, if id < 10 { "eu" } else { "us" });
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();

    for (region, rows) in [("eu", 10), ("us", 20)] {
        let offsets = admin
            .list_partition_offsets(&path, region, &[0, 1], OffsetSpec::Latest)
            .await
            .unwrap();
        assert_eq!(offsets.len(), 2);
        assert_eq!(offsets.values().sum::<i64>(), rows, "{region}");
    }
    let stats = admin.get_table_stats(&path).await.unwrap();
    assert_eq!((stats.buckets().len(), stats.row_count()), (4, Some(30)));

    let error = admin
        .list_partition_offsets(&path, "mars", &[0], OffsetSpec::Latest)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = admin
        .list_partition_offsets(&path, "a$b", &[0], OffsetSpec::Latest)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let error = admin
        .list_offsets(&path, &[0], OffsetSpec::Latest)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let plain = TablePath::new(database.as_str(), "plain");
    log_table(&connection, &plain, 1).await;
    let error = admin
        .list_partition_offsets(&plain, "eu", &[0], OffsetSpec::Latest)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}

pub(crate) async fn rows_are_counted_by_key_or_by_offset() {
    let (connection, admin, database) = start("admin_stats").await;
    let path = TablePath::new(database.as_str(), "log");
    let table = log_table(&connection, &path, 3).await;
    assert_eq!(
        admin.get_table_stats(&path).await.unwrap().row_count(),
        Some(0)
    );
    append(&table, 0..70).await;
    let stats = admin.get_table_stats(&path).await.unwrap();
    assert_eq!((stats.buckets().len(), stats.row_count()), (3, Some(70)));

    let path = TablePath::new(database.as_str(), "keyed");
    let table = keyed_table(&connection, &path, 3).await;
    upsert(&table, 0..40).await;
    upsert(&table, 0..25).await;
    let stats = admin.get_table_stats(&path).await.unwrap();
    assert_eq!(stats.row_count(), Some(40), "each key once");

    let missing = TablePath::new(database.as_str(), "none");
    let error = admin.get_table_stats(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

pub(crate) async fn rows_of_a_table_that_nobody_counts_are_an_error_of_the_server() {
    let (connection, admin, database) = start("admin_uncounted").await;
    let path = TablePath::new(database.as_str(), "wal");
    let descriptor = TableDescriptor::builder()
        .schema(super::keyed_schema())
        .bucket_count(1)
        .property("table.changelog.image", "WAL")
        .build()
        .unwrap();
    let table = super::create(&connection, &path, &descriptor).await;
    upsert(&table, 0..3).await;
    match admin.get_table_stats(&path).await {
        Ok(stats) => assert_eq!(stats.row_count(), None),
        Err(error) => assert!(error.server_code().is_some(), "{error}"),
    }
}
