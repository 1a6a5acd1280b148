//! Tables that are dropped, made anew or changed under a writer.

use std::time::Instant;

use fluss::client::FlussConnection;
use fluss::config::Config;
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, TableChange};
use fluss::row::GenericRow;

use super::support::{self, PATIENCE, config, connect};
use super::write_support::{expect_rows, kv_table, log_table, make, read_all, row, text};

/// With writers that would try to deliver rows for far longer than these tests wait.
async fn connect_persistent() -> FlussConnection {
    FlussConnection::new(Config {
        writer_delivery_timeout: 10 * PATIENCE,
        ..config()
    })
    .await
    .unwrap()
}

pub(crate) async fn a_dropped_table_fails_its_writers_soon_and_no_others() {
    let connection = connect_persistent().await;
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
                let result = tokio::time::timeout(PATIENCE, result).await;
                if let Err(error) = result.expect("it ends") {
                    break error;
                }
            }
            Err(error) => break error,
        }
        assert!(started.elapsed() < PATIENCE);
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.table(), Some(table.table_path()));
    let refused = writer.append(&row(2)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    others.append(&row(kept)).unwrap().await.unwrap();
    expect_rows(
        &read_all(&connection, &other, kept as usize + 1).await,
        0..=kept,
    );
}

pub(crate) async fn a_column_added_under_writers_is_null_in_their_rows_until_they_are_made_anew() {
    let connection = connect().await;
    let database = support::database(&connection, "column_added").await;
    let admin = connection.get_admin().await.unwrap();
    let log = log_table().bucket_count(1).build().unwrap();
    let old_log = make(&connection, &database, "log", &log).await;
    let kv = kv_table().bucket_count(1).build().unwrap();
    let old_kv = make(&connection, &database, "kv", &kv).await;
    let append = old_log.new_append().unwrap().create_writer().unwrap();
    let upsert = old_kv.new_upsert().unwrap().create_writer().unwrap();
    append.append(&row(0)).unwrap().await.unwrap();
    upsert.upsert(&row(0)).unwrap().await.unwrap();
    for table in [&old_log, &old_kv] {
        let changes = [TableChange::add_column("more", DataTypes::int())];
        admin
            .alter_table(table.table_path(), &changes, false)
            .await
            .unwrap();
    }
    let new_log = connection.get_table(old_log.table_path()).await.unwrap();
    let new_kv = connection.get_table(old_kv.table_path()).await.unwrap();
    let append_new = new_log.new_append().unwrap().create_writer().unwrap();
    let upsert_new = new_kv.new_upsert().unwrap().create_writer().unwrap();
    // Old and new writers in turns: their batches never mix.
    for i in 1..=4 {
        let mut wide = GenericRow::new(3);
        wide.set_field(0, i + 100);
        wide.set_field(1, text(i + 100));
        wide.set_field(2, i as i32);
        append.append(&row(i)).unwrap();
        append_new.append(&wide).unwrap();
        upsert.upsert(&row(i)).unwrap();
        upsert_new.upsert(&wide).unwrap();
    }
    let narrow = append_new.append(&row(9)).unwrap_err();
    assert_eq!(narrow.kind(), ErrorKind::Usage);
    append.flush().await.unwrap();
    append_new.flush().await.unwrap();
    upsert.flush().await.unwrap();
    upsert_new.flush().await.unwrap();
    let expected: Vec<_> = (0..=4).chain(101..=104).collect();
    for table in [&new_log, &new_kv] {
        let records = support::read(table, 9).await;
        let mut seen = Vec::new();
        for record in &records[&0] {
            let (row, id) = (record.row(), record.row().get_long(0));
            assert_eq!(row.get_string(1), text(id));
            let more = (!row.is_null_at(2)).then(|| i64::from(row.get_int(2)));
            assert_eq!(more, (id > 100).then(|| id - 100), "row {id}");
            seen.push(id);
        }
        seen.sort_unstable();
        assert_eq!(seen, expected);
    }
}

pub(crate) async fn a_table_made_anew_gets_no_rows_of_the_old_writers() {
    let connection = connect_persistent().await;
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
                let result = tokio::time::timeout(PATIENCE, result).await;
                if let Err(error) = result.expect("it ends") {
                    break error;
                }
            }
            Err(error) => break error,
        }
        assert!(started.elapsed() < PATIENCE);
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    new_writer.append(&row(200)).unwrap().await.unwrap();
    expect_rows(&read_all(&connection, &new, 101).await, 100..=200);
}
