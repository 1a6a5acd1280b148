//! What a writer tells: where rows are, the first failure, what was not sent.

use std::time::{Duration, Instant};

use fluss::client::FlussConnection;
use fluss::config::Config;
use fluss::error::ErrorKind;

use super::support::{self, PATIENCE, config, connect};
use super::write_support::{expect_rows, kv_table, log_table, make, read_all, row};

pub(crate) async fn an_awaited_append_tells_bucket_partition_and_offset() {
    let connection = connect().await;
    let database = support::database(&connection, "results_partition").await;
    let descriptor = log_table()
        .partitioned_by(["text"])
        .bucket_count(2)
        .build()
        .unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    let admin = connection.get_admin().await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let mut told = Vec::new();
    for i in 0..12 {
        let mut row = row(i);
        row.set_field(1, format!("p{}", i % 3));
        let result = writer.append(&row).unwrap().await.unwrap();
        let bucket = result.bucket();
        told.push((
            i,
            bucket.partition_id().unwrap(),
            bucket.bucket_id(),
            result.offset().unwrap(),
        ));
    }
    let partitions = admin
        .list_partition_infos(table.table_path())
        .await
        .unwrap();
    let read = read_all(&connection, &table, 12).await;
    for (i, partition, bucket, offset) in told {
        let name = partitions
            .iter()
            .find(|info| info.partition_id() == partition)
            .unwrap()
            .partition_name();
        let record = read
            .iter()
            .find(|record| {
                (&record.partition, record.bucket, record.offset) == (&name, bucket, offset)
            })
            .unwrap();
        assert_eq!((record.id, &*name), (i, &*format!("p{}", i % 3)));
    }
}

pub(crate) async fn an_awaited_upsert_or_delete_tells_where_the_changelog_ends() {
    let connection = connect().await;
    let database = support::database(&connection, "results_kv").await;
    let table = make(
        &connection,
        &database,
        "kv",
        &kv_table().bucket_count(1).build().unwrap(),
    )
    .await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let first = writer.upsert(&row(1)).unwrap().await.unwrap();
    assert_eq!(
        (first.bucket().bucket_id(), first.offset()),
        (0, Some(1)),
        "one insert"
    );
    let second = writer.upsert(&row(1)).unwrap().await.unwrap();
    assert_eq!(second.offset(), Some(3), "before and after");
    let third = writer.delete(&row(1)).unwrap().await.unwrap();
    assert_eq!(third.offset(), Some(4), "one delete");
}

pub(crate) async fn flush_tells_the_first_failure_once() {
    let connection = connect().await;
    let database = support::database(&connection, "results_flush").await;
    let descriptor = kv_table()
        .bucket_count(1)
        .property("table.delete.behavior", "DISABLE")
        .build()
        .unwrap();
    let table = make(&connection, &database, "kv", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row(1)).unwrap();
    writer.flush().await.unwrap();
    // Fire and forget: nobody awaits the result.
    drop(writer.delete(&row(1)).unwrap());
    let error = writer.flush().await.unwrap_err();
    assert_eq!(error.server_code(), Some(57), "{error}");
    assert_eq!(error.table(), Some(table.table_path()));
    assert_eq!(error.bucket().map(|bucket| bucket.bucket_id()), Some(0));
    writer.flush().await.unwrap();
    // The sequence goes on after the refused batch.
    assert_eq!(
        writer.upsert(&row(2)).unwrap().await.unwrap().offset(),
        Some(2)
    );
}

/// A connection whose rows wait for an hour, unless someone asks for them.
fn patient() -> Config {
    Config {
        writer_batch_timeout: Duration::from_secs(3600),
        ..config()
    }
}

pub(crate) async fn closing_sends_what_is_left_and_refuses_what_comes_after() {
    let connection = FlussConnection::new(patient()).await.unwrap();
    let database = support::database(&connection, "results_close").await;
    let table = make(
        &connection,
        &database,
        "log",
        &log_table().bucket_count(2).build().unwrap(),
    )
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let clone = writer.clone();
    for i in 0..100 {
        writer.append(&row(i)).unwrap();
    }
    writer.close(Duration::from_secs(30)).await.unwrap();
    assert_eq!(
        clone.append(&row(100)).unwrap_err().kind(),
        ErrorKind::Closed
    );
    expect_rows(&read_all(&connection, &table, 100).await, 0..100);
    // Other writers of the connection go on, until the connection itself is closed.
    let other = table.new_append().unwrap().create_writer().unwrap();
    other.append(&row(200)).unwrap();
    connection.close(Duration::from_secs(30)).await.unwrap();
    assert_eq!(
        other.append(&row(201)).unwrap_err().kind(),
        ErrorKind::Closed
    );
    let again = connect().await;
    let table = again.get_table(table.table_path()).await.unwrap();
    expect_rows(&read_all(&again, &table, 101).await, (0..100).chain([200]));
}

pub(crate) async fn closing_with_too_little_time_tells_how_much_was_not_sent() {
    let connection = FlussConnection::new(patient()).await.unwrap();
    let database = support::database(&connection, "results_close_late").await;
    let table = make(
        &connection,
        &database,
        "log",
        &log_table().bucket_count(1).build().unwrap(),
    )
    .await;
    // A cluster may write them in less than no time, while this thread is not running: then once more.
    let mut written = 0;
    let error = loop {
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in written..written + 10 {
            writer.append(&row(i)).unwrap();
        }
        written += 10;
        match writer.close(Duration::ZERO).await {
            Err(error) => break error,
            Ok(()) => assert!(written < 200, "closing waits"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    assert!(
        text.contains("10 rows") && text.contains("1 batch"),
        "{text}"
    );
    // They are on their way all the same.
    let count = usize::try_from(written).unwrap();
    expect_rows(&read_all(&connection, &table, count).await, 0..written);
}

pub(crate) async fn rows_of_a_dropped_writer_and_of_dropped_results_are_still_written() {
    let connection = connect().await;
    let database = support::database(&connection, "results_drop").await;
    let table = make(
        &connection,
        &database,
        "log",
        &log_table().bucket_count(1).build().unwrap(),
    )
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..50 {
        drop(writer.append(&row(i)).unwrap());
    }
    drop(writer);
    expect_rows(&read_all(&connection, &table, 50).await, 0..50);

    // Rows that wait a long time for others: whoever drops their writer does not wait with them.
    let patient = FlussConnection::new(Config {
        writer_batch_timeout: 10 * PATIENCE,
        ..config()
    })
    .await
    .unwrap();
    let same = patient.get_table(table.table_path()).await.unwrap();
    let writer = same.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let last = writer.append(&row(50)).unwrap();
    drop(writer);
    assert!(started.elapsed() < PATIENCE, "dropping does not wait");
    assert!(last.try_result().is_none(), "and does not send");
    drop(last);
    patient.close(PATIENCE).await.unwrap();
    expect_rows(&read_all(&connection, &table, 51).await, 0..51);
}
