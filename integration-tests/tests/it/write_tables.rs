//! Tables that are dropped, made anew or changed under a writer.

use std::time::{Duration, Instant};

use fluss::error::ErrorKind;

use super::support::{self, PATIENCE, connect};
use super::write_support::{expect_rows, log_table, make, read_all, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_table_fails_its_writers_soon_and_no_others() {
    let connection = connect().await;
    let database = support::database(&connection, "dropped").await;
    let descriptor = log_table().bucket_count(2).build().unwrap();
    let table = make(&connection, &database, "dropped", &descriptor).await;
    let other = make(&connection, &database, "other", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let others = other.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(0)).unwrap().await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    admin.drop_table(table.table_path(), false).await.unwrap();
    let started = Instant::now();
    let mut kept = 0;
    let error = loop {
        others.append(&row(kept)).unwrap().await.unwrap();
        kept += 1;
        match writer.append(&row(1)) {
            Ok(result) => {
                if let Err(error) = result.await {
                    break error;
                }
            }
            Err(error) => break error,
        }
        assert!(started.elapsed() < PATIENCE);
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.table(), Some(table.table_path()));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let refused = writer.append(&row(2)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    others.append(&row(kept)).unwrap().await.unwrap();
    expect_rows(
        &read_all(&connection, &other, kept as usize + 1).await,
        0..=kept,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_made_anew_gets_no_rows_of_the_old_writers() {
    let connection = connect().await;
    let database = support::database(&connection, "made_anew").await;
    let descriptor = log_table().bucket_count(1).build().unwrap();
    let old = make(&connection, &database, "log", &descriptor).await;
    let old_writer = old.new_append().unwrap().create_writer().unwrap();
    old_writer.append(&row(0)).unwrap().await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    admin.drop_table(old.table_path(), false).await.unwrap();
    let new = make(&connection, &database, "log", &descriptor).await;
    let new_writer = new.new_append().unwrap().create_writer().unwrap();
    for i in 100..200 {
        new_writer.append(&row(i)).unwrap();
    }
    new_writer.flush().await.unwrap();
    let started = Instant::now();
    let error = loop {
        match old_writer.append(&row(1)) {
            Ok(result) => {
                if let Err(error) = result.await {
                    break error;
                }
            }
            Err(error) => break error,
        }
        assert!(started.elapsed() < PATIENCE);
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    new_writer.append(&row(200)).unwrap().await.unwrap();
    expect_rows(&read_all(&connection, &new, 101).await, 100..=200);
}
