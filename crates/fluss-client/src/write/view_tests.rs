//! Arrow batches of users that wait for their turn, against a server in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::sync::{Arc, Weak};
use std::time::Duration;

use arrow_array::{Array, Int64Array, RecordBatch};
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    InitWriterResponse, PbProduceLogRespForBucket, ProduceLogRequest, ProduceLogResponse,
};
use tokio::sync::watch;

use super::sender::READY;
use super::table::TableWrites;
use crate::config::Config;
use crate::error::ErrorKind;
use crate::scan::testing::{MemoryServer, Request, ok, open_table, refused};

/// Batches that are appended while the server answers nothing.
const BATCHES: usize = 20;
const ROWS: usize = 50_000;

fn single_column() -> TableDescriptor {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn arrow_batches_far_from_their_turn_stay_where_the_user_had_them() {
    let in_flight = Config::default().writer_max_inflight_requests_per_bucket;
    copies_are_at_most(in_flight + READY, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn copies_of_arrow_batches_stay_within_their_share_of_the_write_buffer() {
    // Batches of 400 kB: five in 2 MiB, two in an eighth of 9 MiB.
    copies_are_at_most(5, |config| config.writer_buffer_memory_size = 16 << 20).await;
    copies_are_at_most(2, |config| config.writer_buffer_memory_size = 9 << 20).await;
}

/// While the server answers nothing.
async fn copies_are_at_most(copies: usize, configure: impl FnOnce(&mut Config)) {
    let server = MemoryServer::new(single_column());
    let (open, is_open) = watch::channel(false);
    server.script(move |request: &Request| {
        let answer = match request.api {
            ApiKey::InitWriter => ok(request, &InitWriterResponse { writer_id: 1 }),
            ApiKey::ProduceLog => {
                let message: ProduceLogRequest = request.message();
                let buckets_resp = message.buckets_req.iter().map(|part| {
                    assert!(part.records.len() > ROWS * 8, "the rows are all there");
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
        let mut is_open = is_open.clone();
        Some(async move {
            is_open.wait_for(|open| *open).await.unwrap();
            answer
        })
    });
    let table = open_table(&server, configure).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();

    let column: Arc<dyn Array> = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let batch = RecordBatch::try_from_iter([("n", Arc::clone(&column))]).unwrap();
    let values = column.to_data().buffers()[0].clone();
    let unshared = values.strong_count();
    for _ in 0..BATCHES {
        writer.append_arrow_batch(&batch).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = BATCHES - copies;
    assert!(
        values.strong_count() >= unshared + waiting,
        "{waiting} batches wait, and {} are held",
        values.strong_count() - unshared
    );
    assert!(values.strong_count() < unshared + BATCHES, "some are ready");

    open.send(true).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(values.strong_count(), unshared, "nothing is held any more");
}

#[tokio::test(start_paused = true)]
async fn writers_of_a_table_that_is_gone_leave_nothing_behind() {
    let server = MemoryServer::new(single_column());
    let table = open_table(&server, |_| ()).await;
    server.script(|request: &Request| {
        let answer = match request.api {
            ApiKey::InitWriter => ok(request, &InitWriterResponse { writer_id: 1 }),
            ApiKey::ProduceLog | ApiKey::GetMetadata => refused(request, 7),
            _ => return None,
        };
        Some(std::future::ready(answer))
    });
    let mut tables: Vec<Weak<TableWrites>> = Vec::new();
    for n in 0..50_i64 {
        let writer = table.new_append().unwrap().create_writer().unwrap();
        let row = GenericRow::from_data(vec![n]);
        let error = writer.append(&row).unwrap().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        let held = Arc::downgrade(writer.table());
        if !tables.iter().any(|table| table.ptr_eq(&held)) {
            tables.push(held);
        }
    }
    assert!(tables.len() > 10, "{} tables were opened", tables.len());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let kept = tables.iter().filter(|table| table.strong_count() > 0);
    // The last one answers the next writer.
    assert!(kept.count() <= 1);
}
