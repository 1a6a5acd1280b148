//! Appending rows and Arrow batches: where they go, what comes back, what is refused.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, Schema, TableDescriptor};

use super::support::{self, connect};
use super::write_support::{batch, expect_rows, log_table, make, read_all, row};

pub(crate) async fn an_arrow_batch_is_split_by_bucket_as_its_rows_are_one_by_one() {
    const ROWS: i64 = 2000;
    let connection = connect().await;
    let database = support::database(&connection, "append_split").await;
    let descriptor = log_table().distributed_by(Some(3), ["id"]).build().unwrap();
    let by_rows = make(&connection, &database, "by_rows", &descriptor).await;
    let by_batch = make(&connection, &database, "by_batch", &descriptor).await;

    let writer = by_rows.new_append().unwrap().create_writer().unwrap();
    for i in 0..ROWS {
        writer.append(&row(i)).unwrap();
    }
    writer.flush().await.unwrap();
    let writer = by_batch.new_append().unwrap().create_writer().unwrap();
    let results = writer
        .append_arrow_batch(&batch(0..ROWS))
        .unwrap()
        .await
        .unwrap();
    let mut buckets: Vec<_> = results
        .iter()
        .map(|result| (result.bucket().bucket_id(), result.offset()))
        .collect();
    buckets.sort_unstable();
    assert_eq!(buckets, [(0, Some(0)), (1, Some(0)), (2, Some(0))]);

    let rows = read_all(&connection, &by_rows, ROWS as usize).await;
    expect_rows(&rows, 0..ROWS);
    assert_eq!(rows, read_all(&connection, &by_batch, ROWS as usize).await);
}

pub(crate) async fn an_arrow_batch_is_split_by_partition_and_bucket() {
    const ROWS: i64 = 1000;
    let connection = connect().await;
    let database = support::database(&connection, "append_partitions").await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .column("day", DataTypes::int())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(["day"])
        .distributed_by(Some(2), ["id"])
        .build()
        .unwrap();
    let table = make(&connection, &database, "days", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let two = batch(0..ROWS);
    let days = Int32Array::from_iter_values((0..ROWS).map(|i| (i % 3) as i32));
    let columns: Vec<(&str, ArrayRef)> = vec![
        // In another order than the table's.
        ("day", Arc::new(days)),
        ("text", Arc::clone(two.column(1))),
        ("id", Arc::clone(two.column(0))),
    ];
    let whole = RecordBatch::try_from_iter(columns).unwrap();
    let results = writer.append_arrow_batch(&whole).unwrap().await.unwrap();
    assert_eq!(results.len(), 6, "three partitions of two buckets");
    assert!(
        results
            .iter()
            .all(|result| result.bucket().partition_id().is_some() && result.offset() == Some(0))
    );
    let read = read_all(&connection, &table, ROWS as usize).await;
    expect_rows(&read, 0..ROWS);
    assert!(
        read.iter()
            .all(|record| record.partition == (record.id % 3).to_string())
    );
    let mut places: Vec<_> = read
        .iter()
        .map(|record| (record.partition.clone(), record.bucket))
        .collect();
    places.dedup();
    assert_eq!(places.len(), 6);
}

/// A case: what it is, the columns of the batch, the column that the error names.
type Refused = (&'static str, Vec<(&'static str, ArrayRef)>, &'static str);

pub(crate) async fn what_does_not_fit_the_table_is_refused_by_the_name_of_the_column() {
    let connection = connect().await;
    let database = support::database(&connection, "append_refused").await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint().as_non_nullable())
        .column("text", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = support::descriptor(schema, 1);
    let table = make(&connection, &database, "log", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["one"]));
    let no_ids: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let fraction: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let cases: [Refused; 4] = [
        ("a column is missing", vec![("id", ids.clone())], "text"),
        (
            "one too many",
            vec![
                ("id", ids.clone()),
                ("text", texts.clone()),
                ("more", texts.clone()),
            ],
            "more",
        ),
        (
            "another type",
            vec![("id", fraction), ("text", texts.clone())],
            "id",
        ),
        (
            "a null that may not be",
            vec![("id", no_ids), ("text", texts.clone())],
            "id",
        ),
    ];
    for (name, columns, column) in cases {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let error = writer.append_arrow_batch(&batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{name}: {error}");
        assert!(
            error.to_string().contains(&format!("{column:?}")),
            "{name}: {error}"
        );
        assert_eq!(error.table(), Some(table.table_path()));
    }
    // Nullable columns for a table's that are not, without a null: nothing but a label.
    let fits =
        RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("text", texts, false)])
            .unwrap();
    let results = writer.append_arrow_batch(&fits).unwrap().await.unwrap();
    assert_eq!(results[0].offset(), Some(0));
    let error = table.new_upsert().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

pub(crate) async fn rows_and_batches_of_several_writers_keep_their_order_in_a_bucket() {
    let connection = connect().await;
    let database = support::database(&connection, "append_order").await;
    let descriptor = log_table().bucket_count(1).build().unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    let rows = table.new_append().unwrap().create_writer().unwrap();
    let batches = table.new_append().unwrap().create_writer().unwrap();
    let mut next = 0;
    for round in 0..20 {
        for _ in 0..round {
            rows.append(&row(next)).unwrap();
            next += 1;
        }
        // Some are collected with rows, others large enough to go without a copy.
        let many = if round % 4 == 0 { 6000 } else { 10 };
        batches
            .append_arrow_batch(&batch(next..next + many))
            .unwrap();
        next += many;
    }
    rows.flush().await.unwrap();
    batches.flush().await.unwrap();
    let read = read_all(&connection, &table, next as usize).await;
    let ids: Vec<_> = read.iter().map(|record| record.id).collect();
    assert_eq!(ids, (0..next).collect::<Vec<_>>());
    expect_rows(&read, 0..next);
}

pub(crate) async fn every_way_to_call_writes_the_same() {
    let connection = connect().await;
    let database = support::database(&connection, "append_calls").await;
    let descriptor = log_table().bucket_count(1).build().unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(0)).unwrap();
    writer.append_async(&row(1)).await.unwrap();
    let last = writer.try_append(&row(2)).unwrap();
    let pieces = writer.append_arrow_batch_async(&batch(3..9)).await.unwrap();
    let offsets: Vec<_> = pieces
        .await
        .unwrap()
        .iter()
        .map(fluss::client::WriteResult::offset)
        .collect();
    assert_eq!(offsets, [Some(3)]);
    assert_eq!(last.await.unwrap().offset(), Some(2));
    let read = read_all(&connection, &table, 9).await;
    let ids: Vec<_> = read.iter().map(|record| record.id).collect();
    assert_eq!(ids, (0..9).collect::<Vec<_>>());
}
