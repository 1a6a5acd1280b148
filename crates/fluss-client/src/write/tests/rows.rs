//! Rows and Arrow batches of log tables.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema};
use fluss_metadata::{LogFormat, TableDescriptor};
use fluss_row::GenericRow;

use super::{Bench, log_table, row};
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn rows_that_do_not_fit_the_table_are_refused_and_leave_nothing_behind() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let narrow = writer.append(&GenericRow::new(1)).unwrap_err();
    assert!(
        narrow
            .to_string()
            .contains("the row has 1 field, the table 2 columns"),
        "{narrow}"
    );
    let mut wrong = GenericRow::new(2);
    wrong.set_field(0, "seven");
    let wrong = writer.append(&wrong).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Usage);
    assert!(wrong.to_string().contains("\"n\""), "{wrong}");
    assert_eq!(
        writer.append(&row(1)).unwrap().await.unwrap().offset(),
        Some(0)
    );
    assert_eq!(bench.logs().rows(), [1]);
}

#[tokio::test(start_paused = true)]
async fn every_log_format_is_written() {
    for format in [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted] {
        let schema = log_table(1).schema().clone();
        let descriptor = TableDescriptor::builder()
            .schema(schema)
            .bucket_count(1)
            .log_format(format)
            .build()
            .unwrap();
        let bench = Bench::with(descriptor, |_| ()).await;
        let writer = bench.table.new_append().unwrap().create_writer().unwrap();
        for n in 0..50 {
            writer.append(&row(n)).unwrap();
        }
        writer.append_arrow_batch(&arrow(50..60)).unwrap();
        writer.flush().await.unwrap();
        assert_eq!(
            bench.logs().rows(),
            (0..60).collect::<Vec<_>>(),
            "{format:?}"
        );
    }
}

fn arrow(numbers: std::ops::Range<i64>) -> RecordBatch {
    let fields = vec![
        Field::new("n", ArrowType::Int64, false),
        Field::new("text", ArrowType::Utf8, true),
    ];
    let texts = StringArray::from_iter_values(numbers.clone().map(|n| format!("text {n}")));
    RecordBatch::try_new(
        Arc::new(ArrowSchema::new(fields)),
        vec![
            Arc::new(Int64Array::from_iter_values(numbers)),
            Arc::new(texts),
        ],
    )
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_arrow_batch_goes_where_its_rows_belong() {
    let schema = log_table(1).schema().clone();
    let keyed = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(3), ["n"])
        .build()
        .unwrap();
    let by_rows = Bench::with(keyed.clone(), |_| ()).await;
    let writer = by_rows.table.new_append().unwrap().create_writer().unwrap();
    for n in 0..300 {
        writer.append(&row(n)).unwrap();
    }
    writer.flush().await.unwrap();
    let by_batch = Bench::with(keyed, |_| ()).await;
    let writer = by_batch
        .table
        .new_append()
        .unwrap()
        .create_writer()
        .unwrap();
    let results = writer
        .append_arrow_batch(&arrow(0..300))
        .unwrap()
        .await
        .unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(by_batch.logs().rows(), by_rows.logs().rows());
    let wrong = RecordBatch::try_from_iter([(
        "n",
        Arc::new(Int64Array::from(vec![1])) as arrow_array::ArrayRef,
    )])
    .unwrap();
    assert!(
        writer
            .append_arrow_batch(&wrong)
            .unwrap_err()
            .to_string()
            .contains("text")
    );
}

#[tokio::test(start_paused = true)]
async fn a_large_arrow_batch_is_cut_and_kept_in_order() {
    let bench = Bench::with(log_table(1), |config| {
        config.writer_buffer_memory_size = 16 * 1024 * 1024;
    })
    .await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(-1)).unwrap();
    let results = writer.append_arrow_batch(&arrow(0..300_000)).unwrap();
    writer.append(&row(300_000)).unwrap();
    let results = results.await.unwrap();
    assert!(results.len() > 3, "{}", results.len());
    assert_eq!(results[0].offset(), Some(1));
    writer.flush().await.unwrap();
    assert_eq!(bench.logs().rows(), (-1..=300_000).collect::<Vec<_>>());
}
