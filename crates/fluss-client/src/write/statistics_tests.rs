//! Batches of tables whose columns have statistics, against a server in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::sync::{Arc, Mutex};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use fluss_metadata::{DataTypes, RowType, Schema, TableDescriptor};
use fluss_row::log::{LogBatch, LogMagic};
use fluss_row::{Datum, GenericRow};
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    InitWriterResponse, PbProduceLogRespForBucket, ProduceLogRequest, ProduceLogResponse,
};

use crate::scan::testing::{MemoryServer, Request, ok, open_table};

fn descriptor(statistics: Option<&str>) -> TableDescriptor {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("text", DataTypes::string())
        .column("bytes", DataTypes::bytes())
        .build()
        .unwrap();
    let table = TableDescriptor::builder().schema(schema).bucket_count(1);
    match statistics {
        Some(columns) => table.property("table.statistics.columns", columns),
        None => table,
    }
    .build()
    .unwrap()
}

/// The batches that a table with this property gets for three rows, and for a batch of two.
async fn batches(statistics: Option<&str>) -> (Vec<LogBatch>, RowType) {
    let server = MemoryServer::new(descriptor(statistics));
    let seen: Arc<Mutex<Vec<Bytes>>> = Arc::default();
    let sent = Arc::clone(&seen);
    server.script(move |request: &Request| {
        let answer = match request.api {
            ApiKey::InitWriter => ok(request, &InitWriterResponse { writer_id: 1 }),
            ApiKey::ProduceLog => {
                let message: ProduceLogRequest = request.message();
                let buckets_resp = message.buckets_req.iter().map(|part| {
                    sent.lock().unwrap().push(part.records.clone());
                    PbProduceLogRespForBucket {
                        bucket_id: part.bucket_id,
                        base_offset: Some(0),
                        ..PbProduceLogRespForBucket::default()
                    }
                });
                let buckets_resp = buckets_resp.collect();
                ok(request, &ProduceLogResponse { buckets_resp })
            }
            _ => return None,
        };
        Some(async move { answer })
    });
    let table = open_table(&server, |_| ()).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for (n, text) in [(5_i64, Some("b")), (-3, None), (4, Some("a"))] {
        let row = GenericRow::from_data(vec![Datum::from(n), text.into(), Datum::Null]);
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from(vec![Some(9), None]))),
        ("text", Arc::new(StringArray::from(vec!["z", "y"]))),
        ("bytes", Arc::new(arrow_array::NullArray::new(2))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
    writer.append_arrow_batch(&batch.unwrap()).unwrap();
    writer.flush().await.unwrap();
    let sent = seen.lock().unwrap();
    let batches = sent.iter().map(|bytes| {
        let batch = LogBatch::parse(bytes.clone()).unwrap();
        batch.verify_crc().unwrap();
        batch
    });
    (batches.collect(), table.get_table_info().row_type().clone())
}

#[tokio::test(start_paused = true)]
async fn batches_say_what_lies_in_the_columns_that_the_table_names() {
    let text = |text: &str| Some(Datum::from(text.to_owned()));
    let number = |n: i64| Some(Datum::from(n));
    let n = [(0, number(-3), number(5)), (1, number(9), number(9))];
    let texts = [(1, text("a"), text("b")), (0, text("y"), text("z"))];
    for (columns, expected) in [
        ("*", vec![(0, &n), (1, &texts)]),
        ("text", vec![(1, &texts)]),
        ("text, n", vec![(0, &n), (1, &texts)]),
    ] {
        let (batches, row_type) = batches(Some(columns)).await;
        assert_eq!(batches.len(), 2);
        for (index, batch) in batches.iter().enumerate() {
            assert_eq!(batch.header().magic(), LogMagic::V1);
            let statistics = batch.statistics(&row_type).unwrap().unwrap().columns;
            assert_eq!(statistics.len(), expected.len(), "{columns}");
            for (column, (position, values)) in statistics.iter().zip(&expected) {
                let (nulls, min, max) = &values[index];
                assert_eq!(column.position, *position);
                assert_eq!(column.null_count, *nulls);
                assert_eq!((&column.min, &column.max), (min, max));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn batches_of_other_tables_stay_as_every_server_reads_them() {
    let (batches, row_type) = batches(None).await;
    assert_eq!(batches.len(), 2);
    for batch in batches {
        assert_eq!(batch.header().magic(), LogMagic::V0);
        assert_eq!(batch.statistics(&row_type).unwrap(), None);
    }
}
