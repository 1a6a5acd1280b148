//! The writers against a server in memory, in paused time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::option_option,
    reason = "test code"
)]

mod batches;
mod buffer;
mod closing;
mod failures;
mod rows;
mod spans;
mod upserts;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_row::kv::KvBatch;
use fluss_row::log::LogBatches;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    InitWriterResponse, PbProduceLogRespForBucket, PbPutKvRespForBucket, ProduceLogRequest,
    ProduceLogResponse, PutKvRequest, PutKvResponse,
};

use crate::config::Config;
use crate::scan::testing::{MemoryServer, Reply, Request, ok, open_table};
use crate::table::{FlussTable, UpsertWriter};

/// What the server does with one batch, instead of what it should.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It answers with this code.
    Code(i32),
    /// It writes the batch; nobody answers the request.
    WriteAndStaySilent,
    /// Nobody answers the request.
    StaySilent,
}

/// Logs as a server keeps them: it takes batches in the order of their sequences and recognizes the last five of a writer.
#[derive(Debug, Default)]
struct Logs {
    /// Per bucket, what was written: (writer id, sequence, rows, base offset).
    batches: HashMap<i32, Vec<(i64, i32, Vec<i64>, i64)>>,
    faults: VecDeque<Fault>,
    writers: i64,
    requests: usize,
    /// Target columns of the requests.
    targets: Vec<Vec<i32>>,
}

impl Logs {
    fn write(
        &mut self,
        bucket: i32,
        writer: i64,
        sequence: i32,
        rows: Vec<i64>,
    ) -> Result<i64, i32> {
        let batches = self.batches.entry(bucket).or_default();
        let mine: Vec<_> = batches.iter().filter(|batch| batch.0 == writer).collect();
        if let Some(known) = mine.iter().rev().take(5).find(|batch| batch.1 == sequence) {
            return Ok(known.3);
        }
        if mine.last().map_or(0, |last| last.1 + 1) != sequence {
            return Err(31);
        }
        let base = batches
            .last()
            .map_or(0, |last| last.3 + last.2.len() as i64);
        batches.push((writer, sequence, rows, base));
        Ok(base)
    }

    /// The rows of all buckets in order of offset, bucket by bucket.
    fn rows(&self) -> Vec<i64> {
        let mut buckets: Vec<_> = self.batches.keys().copied().collect();
        buckets.sort_unstable();
        buckets
            .iter()
            .flat_map(|bucket| {
                self.batches[bucket]
                    .iter()
                    .flat_map(|batch| batch.2.clone())
            })
            .collect()
    }

    fn sorted(&self) -> Vec<i64> {
        let mut rows = self.rows();
        rows.sort_unstable();
        rows
    }
}

struct Bench {
    server: Arc<MemoryServer>,
    logs: Arc<Mutex<Logs>>,
    table: FlussTable,
}

fn log_table(buckets: i32) -> TableDescriptor {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("text", DataTypes::string())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(buckets)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

fn kv_table() -> TableDescriptor {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("text", DataTypes::string())
        .primary_key(["n"])
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap()
}

impl Bench {
    async fn new(buckets: i32) -> Self {
        Self::with(log_table(buckets), |_| ()).await
    }

    async fn with(descriptor: TableDescriptor, change: impl FnOnce(&mut Config)) -> Self {
        let server = MemoryServer::new(descriptor);
        let logs = Arc::new(Mutex::new(Logs::default()));
        server.script({
            let (server, logs) = (Arc::downgrade(&server), Arc::clone(&logs));
            move |request: &Request| {
                let descriptor = server.upgrade()?.descriptor.clone();
                let reply = answer(request, &mut logs.lock().unwrap(), &descriptor)?;
                Some(async move {
                    match reply {
                        Some(reply) => reply,
                        None => std::future::pending().await,
                    }
                })
            }
        });
        let table = open_table(&server, change).await;
        Self {
            server,
            logs,
            table,
        }
    }

    fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.logs().faults.extend(faults);
    }

    fn logs(&self) -> std::sync::MutexGuard<'_, Logs> {
        self.logs.lock().unwrap()
    }

    fn upserts(&self) -> UpsertWriter {
        self.table.new_upsert().unwrap().create_writer().unwrap()
    }
}

/// The reply of the server; `None` to leave the request to the server in memory, `Some(None)` to leave it without an answer.
fn answer(
    request: &Request,
    logs: &mut Logs,
    descriptor: &TableDescriptor,
) -> Option<Option<Reply>> {
    match request.api {
        ApiKey::InitWriter => {
            logs.writers += 1;
            Some(Some(ok(
                request,
                &InitWriterResponse {
                    writer_id: 100 + logs.writers,
                },
            )))
        }
        ApiKey::ProduceLog => {
            let message: ProduceLogRequest = request.message();
            logs.requests += 1;
            let mut buckets_resp = Vec::new();
            let mut silent = false;
            for part in message.buckets_req {
                let (writer, sequence, rows) = read_log(&part.records, descriptor);
                let result = write(logs, part.bucket_id, writer, sequence, rows, &mut silent);
                buckets_resp.push(PbProduceLogRespForBucket {
                    bucket_id: part.bucket_id,
                    error_code: result.err(),
                    base_offset: result.ok(),
                    ..PbProduceLogRespForBucket::default()
                });
            }
            Some((!silent).then(|| {
                ok(
                    request,
                    &ProduceLogResponse {
                        buckets_resp: buckets_resp.into(),
                    },
                )
            }))
        }
        ApiKey::PutKv => {
            let message: PutKvRequest = request.message();
            logs.requests += 1;
            logs.targets.push(message.target_columns.clone().into());
            let mut silent = false;
            let mut buckets_resp = Vec::new();
            for part in message.buckets_req {
                let batch = KvBatch::parse(part.records).unwrap();
                batch.verify_crc().unwrap();
                let rows: Vec<i64> = batch
                    .records()
                    .map(|record| record.unwrap().row.map_or(-1, |row| row.len() as i64))
                    .collect();
                let count = rows.len() as i64;
                let result = write(
                    logs,
                    part.bucket_id,
                    batch.writer_id(),
                    batch.sequence(),
                    rows,
                    &mut silent,
                );
                buckets_resp.push(PbPutKvRespForBucket {
                    bucket_id: part.bucket_id,
                    error_code: result.err(),
                    log_end_offset: result.ok().map(|base| base + count),
                    ..PbPutKvRespForBucket::default()
                });
            }
            Some((!silent).then(|| {
                ok(
                    request,
                    &PutKvResponse {
                        buckets_resp: buckets_resp.into(),
                    },
                )
            }))
        }
        _ => None,
    }
}

fn write(
    logs: &mut Logs,
    bucket: i32,
    writer: i64,
    sequence: i32,
    rows: Vec<i64>,
    silent: &mut bool,
) -> Result<i64, i32> {
    match logs.faults.pop_front() {
        Some(Fault::Code(0)) | None => logs.write(bucket, writer, sequence, rows),
        Some(Fault::Code(code)) => Err(code),
        Some(Fault::WriteAndStaySilent) => {
            *silent = true;
            logs.write(bucket, writer, sequence, rows)
        }
        Some(Fault::StaySilent) => {
            *silent = true;
            Err(-1)
        }
    }
}

fn read_log(records: &Bytes, descriptor: &TableDescriptor) -> (i64, i32, Vec<i64>) {
    let context = fluss_row::log::ReadContext::new(
        descriptor.log_format().unwrap(),
        descriptor.schema().row_type(),
    )
    .unwrap();
    let batches: Vec<_> = LogBatches::new(records.clone())
        .map(Result::unwrap)
        .collect();
    assert_eq!(batches.len(), 1, "one batch for each bucket of a request");
    batches[0].verify_crc().unwrap();
    let rows = batches[0]
        .read(&context)
        .unwrap()
        .rows()
        .map(|row| row.get_long(0))
        .collect();
    let header = batches[0].header();
    (header.writer_id(), header.sequence(), rows)
}

fn row(n: i64) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, n);
    row.set_field(1, format!("text {n}"));
    row
}

const LINGER: Duration = Duration::from_millis(100);
