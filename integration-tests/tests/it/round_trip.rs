//! Rows of every scalar type come back as they were written, nulls too.

use std::collections::{BTreeMap, BTreeSet};

use fluss::metadata::TablePath;
use fluss::row::GenericRow;
use integration_tests::rows::{self, Value};
use integration_tests::values::{from_row, schema, to_row};

use super::support::{self, connect, create, read};

const ROWS: i64 = 500;

pub(crate) async fn every_scalar_type_comes_back_from_append_and_scan() {
    let connection = connect().await;
    let database = support::database(&connection, "round_trip_log").await;
    let path = TablePath::new(database.as_str(), "every_type");
    let table = create(
        &connection,
        &path,
        &support::descriptor(schema(false).unwrap(), 3),
    )
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..ROWS {
        writer.append(&to_row(&rows::row(i)).unwrap()).unwrap();
        if i % 50 == 49 {
            // Batches end here, so that the rows spread over the buckets.
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();

    let records = read(&table, ROWS as usize).await;
    assert!(records.len() > 1, "all rows went to one bucket");
    let mut seen = BTreeSet::new();
    for record in records.values().flatten() {
        let values = from_row(record.row()).unwrap();
        let Value::BigInt(i) = values[0] else {
            panic!("{values:?}")
        };
        assert!(seen.insert(i), "row {i} came twice");
        assert_eq!(values, rows::row(i), "row {i}");
    }
    assert_eq!(seen.len(), ROWS as usize);
}

pub(crate) async fn every_scalar_type_comes_back_from_upsert_and_lookup() {
    let connection = connect().await;
    let database = support::database(&connection, "round_trip_pk").await;
    let path = TablePath::new(database.as_str(), "every_type");
    let table = create(
        &connection,
        &path,
        &support::descriptor(schema(true).unwrap(), 3),
    )
    .await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for i in 0..ROWS {
        writer.upsert(&to_row(&rows::row(i)).unwrap()).unwrap();
    }
    writer.flush().await.unwrap();
    for i in 0..10 {
        writer.delete(&to_row(&rows::row(i)).unwrap()).unwrap();
    }
    writer.flush().await.unwrap();

    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for i in 0..ROWS + 10 {
        let mut key = GenericRow::new(2);
        key.set_field(0, i);
        key.set_field(1, format!("key-{i}"));
        let found = lookuper.lookup(&key).await.unwrap();
        let found = found
            .get_single_row()
            .unwrap()
            .map(|row| from_row(&row).unwrap());
        let expected = (10..ROWS).contains(&i).then(|| rows::row(i));
        assert_eq!(found, expected, "row {i}");
    }
}

pub(crate) async fn an_awaited_append_tells_where_the_row_is() {
    let connection = connect().await;
    let database = support::database(&connection, "results").await;
    let path = TablePath::new(database.as_str(), "log");
    let table = create(
        &connection,
        &path,
        &support::descriptor(schema(false).unwrap(), 2),
    )
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let mut written = BTreeMap::new();
    for i in 0..20 {
        let result = writer
            .append(&to_row(&rows::row(i)).unwrap())
            .unwrap()
            .await
            .unwrap();
        written.insert(
            (
                result.bucket().bucket_id(),
                result.offset().expect("an offset"),
            ),
            i,
        );
    }
    for (bucket, records) in read(&table, 20).await {
        for record in records {
            let Value::BigInt(i) = from_row(record.row()).unwrap()[0] else {
                panic!("no id")
            };
            assert_eq!(written[&(bucket, record.offset())], i);
        }
    }
}
