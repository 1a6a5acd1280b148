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

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema};
use bytes::Bytes;
use fluss_metadata::{DataTypes, LogFormat, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_row::kv::KvBatch;
use fluss_row::log::LogBatches;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    InitWriterResponse, PbProduceLogRespForBucket, PbPutKvRespForBucket, ProduceLogRequest,
    ProduceLogResponse, PutKvRequest, PutKvResponse,
};
use tokio::time::Instant;

use crate::config::{Config, DriverPlacement};
use crate::error::ErrorKind;
use crate::scan::testing::{MemoryServer, Reply, Request, ok, open_table};
use crate::table::{FlussTable, UpsertWriter, WriteResultFuture};

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

/// Logs as a server keeps them: it takes batches in the order of their sequences and recognises the last five of a writer.
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
            Some((!silent).then(|| ok(request, &ProduceLogResponse { buckets_resp })))
        }
        ApiKey::PutKv => {
            let message: PutKvRequest = request.message();
            logs.requests += 1;
            logs.targets.push(message.target_columns.clone());
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
            Some((!silent).then(|| ok(request, &PutKvResponse { buckets_resp })))
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

#[tokio::test(start_paused = true)]
async fn an_awaited_row_does_not_wait_out_the_linger_and_tells_where_it_is() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    for n in 0..3 {
        let started = Instant::now();
        let result = writer.append(&row(n)).unwrap().await.unwrap();
        assert_eq!((result.bucket().bucket_id(), result.offset()), (0, Some(n)));
        assert!(
            started.elapsed() < Duration::from_millis(5),
            "{:?}",
            started.elapsed()
        );
    }
    assert_eq!(bench.logs().rows(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn rows_that_nobody_awaits_go_together_after_the_linger() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let results: Vec<WriteResultFuture> =
        (0..100).map(|n| writer.append(&row(n)).unwrap()).collect();
    tokio::time::sleep(LINGER / 2).await;
    assert_eq!(bench.logs().requests, 0);
    tokio::time::sleep(LINGER).await;
    assert_eq!(bench.logs().requests, 1);
    for (n, result) in results.iter().enumerate() {
        assert_eq!(
            result.try_result().unwrap().unwrap().offset(),
            Some(n as i64)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_linger_of_a_batch_does_not_delay_the_next_one() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    for n in 0..3 {
        let started = Instant::now();
        writer.append(&row(n)).unwrap();
        while bench.logs().rows().len() <= n as usize {
            assert!(started.elapsed() < LINGER * 2, "row {n} is not sent");
            tokio::time::sleep(LINGER / 10).await;
        }
        tokio::time::sleep(LINGER * 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rows_awaited_by_many_tasks_share_batches() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|task| {
            let writer = writer.clone();
            tokio::spawn(async move {
                for n in 0..10 {
                    writer.append(&row(task * 10 + n)).unwrap().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let logs = bench.logs();
    assert_eq!(logs.sorted(), (0..1000).collect::<Vec<_>>());
    assert!(logs.requests <= 40, "{}", logs.requests);
}

#[tokio::test(start_paused = true)]
async fn flush_sends_at_once_and_waits_for_all_buckets() {
    let bench = Bench::with(log_table(3), |config| config.writer_batch_size = 2000).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    for n in 0..1000 {
        writer.append(&row(n)).unwrap();
    }
    writer.flush().await.unwrap();
    assert!(started.elapsed() < LINGER);
    let logs = bench.logs();
    assert_eq!(logs.sorted(), (0..1000).collect::<Vec<_>>());
    assert_eq!(logs.batches.len(), 3, "full batches go round the buckets");
    assert!(
        logs.batches
            .values()
            .all(|batches| batches.iter().all(|batch| batch.2.is_sorted()))
    );
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_for_a_while_loses_nothing_writes_nothing_twice_and_keeps_the_order() {
    let cases: [(&str, &[Fault]); 9] = [
        ("answer lost", &[Fault::WriteAndStaySilent]),
        ("request lost", &[Fault::StaySilent]),
        (
            "lost three times",
            &[
                Fault::WriteAndStaySilent,
                Fault::StaySilent,
                Fault::WriteAndStaySilent,
            ],
        ),
        ("leader moved", &[Fault::Code(12)]),
        (
            "written, but not replicated in time",
            &[Fault::Code(25), Fault::Code(12)],
        ),
        (
            "storage fails",
            &[Fault::Code(10), Fault::Code(26), Fault::Code(29)],
        ),
        ("the writer is forgotten", &[Fault::Code(33)]),
        ("out of order", &[Fault::Code(31)]),
        (
            "one of several in flight",
            &[
                Fault::Code(0),
                Fault::Code(0),
                Fault::WriteAndStaySilent,
                Fault::Code(0),
                Fault::Code(12),
            ],
        ),
    ];
    for (name, faults) in cases {
        let bench = Bench::with(log_table(1), |config| config.writer_batch_size = 1000).await;
        let writer = bench.table.new_append().unwrap().create_writer().unwrap();
        // The first batch makes the connection ready for several requests at once.
        writer.append(&row(0)).unwrap().await.unwrap();
        bench.fault(faults.iter().copied());
        for n in 1..500 {
            writer.append(&row(n)).unwrap();
        }
        writer
            .flush()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(bench.logs().rows(), (0..500).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_failure_is_told_to_its_rows_and_once_to_flush() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    bench.fault([Fault::Code(48)]);
    let awaited = writer.append(&row(0)).unwrap();
    let error = awaited.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code(), error.operation()),
        (ErrorKind::Authorization, Some(48), Some("append"))
    );
    assert!(error.to_string().contains("db.t"), "{error}");
    assert_eq!(writer.flush().await.unwrap_err().server_code(), Some(48));
    writer.flush().await.unwrap();
    assert_eq!(
        writer.append(&row(1)).unwrap().await.unwrap().offset(),
        Some(0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_costs_the_delivery_timeout() {
    let bench = Bench::new(1).await;
    bench.server.script(|request: &Request| {
        (request.api == ApiKey::ProduceLog || request.api == ApiKey::InitWriter)
            .then(std::future::pending)
    });
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let error = writer.append(&row(0)).unwrap().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        started.elapsed() >= Duration::from_secs(120)
            && started.elapsed() <= Duration::from_secs(151),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(writer.flush().await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_could_not_be_delivered_in_time_tells_why_its_last_attempt_failed() {
    let bench = Bench::new(1).await;
    bench.fault(std::iter::repeat_n(Fault::Code(10), 10_000));
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let error = writer.append(&row(0)).unwrap().await.unwrap_err();
    assert!(started.elapsed() >= Duration::from_secs(120));
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Timeout, Some(10))
    );
    assert!(error.attempts().is_some_and(|attempts| attempts > 50));
    let text = error.to_string();
    assert!(
        text.contains("120s") && text.contains("LOG_STORAGE_EXCEPTION"),
        "{text}"
    );
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(
        cause
            .downcast_ref::<crate::error::Error>()
            .and_then(crate::error::Error::server_code),
        Some(10)
    );
}

#[tokio::test(start_paused = true)]
async fn rows_that_no_writer_id_was_given_for_tell_why() {
    let bench = Bench::new(1).await;
    bench.server.script(|request: &Request| {
        (request.api == ApiKey::InitWriter)
            .then(|| std::future::ready(crate::scan::testing::refused(request, 25)))
    });
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let error = writer.append(&row(0)).unwrap().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Timeout, Some(25)),
        "{error}"
    );
    assert!(error.to_string().contains("init_writer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_is_told_or_waited_for() {
    let small = |config: &mut Config| {
        config.writer_buffer_memory_size = 64 * 1024;
        config.writer_batch_size = 16 * 1024;
        config.writer_buffer_wait_timeout = Duration::from_secs(5);
    };
    let bench = Bench::with(log_table(1), small).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let mut written = 0;
    let full = loop {
        match writer.try_append(&row(written)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::BufferFull);
    assert!(full.is_retriable());
    assert!((500..5000).contains(&written), "{written}");
    assert_eq!(
        writer.append(&row(0)).unwrap_err().kind(),
        ErrorKind::BufferFull,
        "a thread that drives the sender never waits for it"
    );
    for n in written..written + 3000 {
        writer.append_async(&row(n)).await.unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(bench.logs().rows(), (0..written + 3000).collect::<Vec<_>>());

    bench.fault(std::iter::repeat_n(Fault::StaySilent, 1000));
    let started = Instant::now();
    let full = loop {
        if let Err(error) = writer.append_async(&row(0)).await {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::BufferFull);
    assert!(started.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_room_that_is_dropped_leaves_room_for_others() {
    let bench = Bench::with(log_table(1), |config| {
        config.writer_buffer_memory_size = 64 * 1024;
        config.writer_batch_size = 16 * 1024;
    })
    .await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let mut written = 0;
    for n in 0..20_000 {
        let large = row(n);
        tokio::select! {
            biased;
            result = writer.append_async(&large) => { result.unwrap(); written += 1; }
            () = tokio::task::yield_now() => {}
        }
    }
    writer.flush().await.unwrap();
    assert_eq!(bench.logs().rows().len(), written);
}

#[tokio::test(start_paused = true)]
async fn close_tells_what_was_not_sent_and_refuses_later_rows() {
    let bench = Bench::new(1).await;
    bench.fault(std::iter::repeat_n(Fault::StaySilent, 1000));
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(0)).unwrap();
    let error = writer.close(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        writer.append(&row(1)).unwrap_err().kind(),
        ErrorKind::Closed
    );
    bench.logs().faults.clear();
    let other = bench.table.new_append().unwrap().create_writer().unwrap();
    other.append(&row(2)).unwrap();
    other.close(Duration::from_secs(200)).await.unwrap();
    assert_eq!(
        bench.logs().sorted(),
        [0, 2],
        "closed too early, and sent all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_ends_every_wait() {
    let bench = Bench::new(1).await;
    bench.fault(std::iter::repeat_n(Fault::StaySilent, 1000));
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let sent = tokio::spawn(writer.append(&row(0)).unwrap());
    tokio::time::sleep(LINGER).await;
    let open = writer.append(&row(1)).unwrap();
    let Bench { table, .. } = bench;
    drop((writer, table));
    assert_eq!(sent.await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(open.await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_dropped_writer_are_still_sent() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(7)).unwrap();
    drop(writer);
    tokio::time::sleep(LINGER * 2).await;
    assert_eq!(bench.logs().rows(), [7]);
}

#[tokio::test(start_paused = true)]
async fn rows_that_do_not_fit_the_table_are_refused_and_leave_nothing_behind() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let narrow = writer.append(&GenericRow::new(1)).unwrap_err();
    assert!(narrow.to_string().contains("1 fields"), "{narrow}");
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

#[tokio::test(start_paused = true)]
async fn upserts_and_deletes_of_several_writers_keep_their_order_and_never_share_a_request() {
    let bench = Bench::with(kv_table(), |_| ()).await;
    let whole = bench.upserts();
    let partial = bench
        .table
        .new_upsert()
        .unwrap()
        .partial_update_with_column_names(&["n"])
        .unwrap()
        .create_writer()
        .unwrap();
    let same = bench.upserts();
    let first = whole.upsert(&row(1)).unwrap();
    same.upsert(&row(22)).unwrap();
    let mut key_only = GenericRow::new(2);
    key_only.set_field(0, 1_i64);
    partial.upsert(&key_only).unwrap();
    let last = whole.delete(&row(1)).unwrap();
    whole.flush().await.unwrap();
    partial.flush().await.unwrap();
    assert_eq!(
        first.await.unwrap().offset(),
        Some(2),
        "where the changelog ends after the batch"
    );
    assert_eq!(last.await.unwrap().offset(), Some(4));
    let logs = bench.logs();
    assert_eq!(logs.targets, [vec![], vec![0], vec![]]);
    let rows = logs.rows();
    assert_eq!((rows.len(), rows[3]), (4, -1));
    assert!(rows[0] < rows[1] && rows[2] < rows[0], "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_would_refuse_of_a_partial_update_is_refused_here() {
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column("a", DataTypes::int())
        .column("id", DataTypes::bigint())
        .primary_key(["k"])
        .enable_auto_increment("id")
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap();
    let bench = Bench::with(descriptor, |_| ()).await;
    let new = || bench.table.new_upsert().unwrap();
    let cases = [
        (
            "the auto-increment column is not left out",
            new().create_writer().map(|_| ()),
            "\"id\"",
        ),
        (
            "it is named",
            new().partial_update(Some(vec![0, 2])).map(|_| ()),
            "\"id\"",
        ),
        (
            "no key",
            new().partial_update_with_column_names(&["a"]).map(|_| ()),
            "\"k\"",
        ),
        (
            "no such column",
            new()
                .partial_update_with_column_names(&["k", "z"])
                .map(|_| ()),
            "\"z\"",
        ),
        (
            "no such position",
            new().partial_update(Some(vec![0, 9])).map(|_| ()),
            "position 9",
        ),
        (
            "nothing to write past",
            new()
                .partial_update(Some(vec![0, 1]))
                .unwrap()
                .merge_mode(crate::table::MergeMode::Overwrite)
                .create_writer()
                .map(|_| ()),
            "merge engine",
        ),
    ];
    for (name, result, expected) in cases {
        let error = result.expect_err(name);
        assert!(
            error.kind() == ErrorKind::Usage && error.to_string().contains(expected),
            "{name}: {error}"
        );
    }
    assert!(
        new()
            .partial_update(Some(vec![0, 1]))
            .unwrap()
            .create_writer()
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn overwriting_is_refused_before_it_is_sent_to_a_server_that_would_merge() {
    let overwrite = |most: i32| async move {
        let descriptor = TableDescriptor::builder()
            .schema(kv_table().schema().clone())
            .bucket_count(1)
            .property("table.merge-engine", "first_row")
            .build()
            .unwrap();
        let server = MemoryServer::new(descriptor.clone());
        let logs = Mutex::new(Logs::default());
        server.script(move |request: &Request| {
            let reply = if request.api == ApiKey::ApiVersions {
                let mut versions = crate::scan::testing::versions(false);
                for api in &mut versions.api_versions {
                    if api.api_key == i32::from(ApiKey::PutKv.code()) {
                        api.max_version = most;
                    }
                }
                ok(request, &versions)
            } else {
                answer(request, &mut logs.lock().unwrap(), &descriptor)??
            };
            Some(std::future::ready(reply))
        });
        let table = open_table(&server, |_| ()).await;
        let writer = table.new_upsert().unwrap();
        let writer = writer.merge_mode(crate::table::MergeMode::Overwrite);
        let writer = writer.create_writer().unwrap();
        let result = writer.upsert(&row(1)).unwrap().await;
        (result, server.count(ApiKey::PutKv))
    };
    let (result, sent) = overwrite(1).await;
    assert_eq!((result.unwrap().offset(), sent), (Some(1), 1));
    let (result, sent) = overwrite(0).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), sent), (ErrorKind::Unsupported, 0), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("too old") && text.contains("version 1"),
        "{text}"
    );
}

/// A tight loop of appends over a buffer that is much smaller than its rows.
fn tight_loop(runtime: &tokio::runtime::Runtime, how: &str) {
    const ROWS: i64 = 60_000;
    async fn run() {
        let bench = Bench::with(log_table(3), |config| {
            config.driver_placement = DriverPlacement::Auto;
            config.writer_buffer_memory_size = 256 * 1024;
            config.writer_batch_size = 32 * 1024;
        })
        .await;
        let writer = bench.table.new_append().unwrap().create_writer().unwrap();
        for n in 0..ROWS {
            writer.append(&row(n)).unwrap();
        }
        writer.flush().await.unwrap();
        assert_eq!(bench.logs().sorted(), (0..ROWS).collect::<Vec<_>>());
    }
    let limit = Duration::from_secs(120);
    runtime.block_on(async {
        match how {
            "block_on" => run().await,
            "spawn" => tokio::spawn(run()).await.unwrap(),
            _ => {
                tokio::select! {
                    () = run() => {}
                    () = tokio::time::sleep(limit) => panic!("it hangs"),
                }
            }
        }
    });
}

#[test]
fn a_tight_loop_over_a_small_buffer_ends_on_every_runtime() {
    for workers in [0, 1, 2, 4] {
        let runtime = match workers {
            0 => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            _ => tokio::runtime::Builder::new_multi_thread()
                .worker_threads(workers)
                .enable_all()
                .build()
                .unwrap(),
        };
        for how in ["block_on", "spawn", "select"] {
            tight_loop(&runtime, how);
        }
    }
}
