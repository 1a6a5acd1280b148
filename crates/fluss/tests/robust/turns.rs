//! Whoever calls again and again, and never has to wait, lets the other tasks of his thread run: every public asynchronous function takes
//! part in tokio's cooperative budget.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow_array::{Int32Array, RecordBatch, StringArray};
use fluss::client::{EARLIEST_OFFSET, TableScan};
use fluss::metadata::{OffsetSpec, TableBucket};
use fluss_mock::MockCluster;
use futures::StreamExt;
use tokio::task::coop;
use tokio::time::sleep;

use crate::calls::all;
use crate::support::{Bench, connect, key, keyed_row, log_row};

const SECOND: Duration = Duration::from_secs(1);
/// Far more than a busy machine needs.
const HANG: Duration = Duration::from_secs(300);
/// Calls of each test with one worker.
const CALLS: usize = 20_000;

/// Uses up what is left of the task's budget.
fn spend(cx: &mut Context<'_>) {
    while coop::has_budget_remaining() {
        if let Poll::Ready(turn) = coop::poll_proceed(cx) {
            turn.made_progress();
        }
    }
}

/// Makes a call without a budget, which must wait for the next turn, and then waits for it.
async fn waits_for_its_turn<F: Future>(name: &str, call: F) -> F::Output {
    let mut call = pin!(call);
    let at_once = poll_fn(|cx| {
        spend(cx);
        Poll::Ready(call.as_mut().poll(cx).is_ready())
    });
    assert!(!at_once.await, "{name} does not wait for its turn");
    call.await
}

fn arrow() -> RecordBatch {
    let ids = Int32Array::from_iter_values(100..110);
    let texts = StringArray::from_iter_values((100..110).map(|id| format!("row {id}")));
    RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("text", Arc::new(texts) as _)])
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_that_ask_servers_wait_for_their_turn() {
    let bench = Bench::newer().await;
    for call in all() {
        waits_for_its_turn(call.name, (call.make)(bench.clone()))
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_done_at_once_wait_for_their_turn() {
    let bench = Bench::new().await;
    macro_rules! turn {
        ($call:expr) => {
            waits_for_its_turn(stringify!($call), $call).await
        };
    }
    turn!(bench.connection.get_admin()).unwrap();

    let rows = bench.log.new_append().unwrap().create_writer().unwrap();
    turn!(rows.append_async(&log_row(20))).unwrap();
    turn!(rows.append_arrow_batch_async(&arrow())).unwrap();
    let row = rows.append(&log_row(21)).unwrap();
    let batch = rows.append_arrow_batch(&arrow()).unwrap();
    rows.flush().await.unwrap();
    turn!(row).unwrap();
    turn!(batch).unwrap();
    turn!(rows.flush()).unwrap();
    turn!(rows.close(SECOND)).unwrap();

    let keys = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
    turn!(keys.upsert_async(&keyed_row(0, 20, "new"))).unwrap();
    turn!(keys.delete_async(&keyed_row(0, 20, "new"))).unwrap();
    keys.flush().await.unwrap();
    turn!(keys.flush()).unwrap();
    turn!(keys.close(SECOND)).unwrap();

    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    turn!(lookuper.lookup(&key(0, 0))).unwrap();
    turn!(lookuper.lookup(&log_row(0))).unwrap_err();
    turn!(lookuper.lookup_many([key(0, 0), key(1, 1)])).unwrap();
    turn!(lookuper.lookup_many(Vec::<fluss::row::GenericRow<'_>>::new())).unwrap();

    let starts = HashMap::from([(0, EARLIEST_OFFSET)]);
    let bucket = TableBucket::new(bench.log.get_table_info().table_id(), 1);
    macro_rules! scanner {
        ($scanner:expr) => {{
            let scanner = $scanner;
            turn!(scanner.subscribe(0, EARLIEST_OFFSET)).unwrap();
            turn!(scanner.subscribe_buckets(&starts)).unwrap();
            turn!(scanner.subscribe_from(None, 1, OffsetSpec::Earliest)).unwrap();
            turn!(scanner.subscribe_partition(1, 0, 0)).unwrap_err();
            turn!(scanner.subscribe_partition_buckets(&HashMap::new())).unwrap();
            turn!(scanner.subscribe_bucket(bucket, OffsetSpec::Earliest)).unwrap();
            turn!(scanner.unsubscribe_bucket(bucket)).unwrap();
            turn!(scanner.unsubscribe(1)).unwrap();
            turn!(scanner.unsubscribe_partition(1, 0)).unwrap_err();
            turn!(scanner.unsubscribe_all()).unwrap();
            turn!(scanner.poll(SECOND)).unwrap_err();
            turn!(scanner.subscribe_table(OffsetSpec::Earliest)).unwrap();
            turn!(scanner.read_until(OffsetSpec::Latest)).unwrap();
            // Time for the fetches.
            sleep(SECOND).await;
            turn!(scanner.poll(SECOND)).unwrap();
            turn!(scanner.subscribe_from_beginning(0)).unwrap();
            sleep(SECOND).await;
            let mut stream = scanner.into_stream();
            turn!(stream.next()).unwrap().unwrap();
        }};
    }
    scanner!(bench.log.new_scan().create_log_scanner().unwrap());
    scanner!(
        bench
            .log
            .new_scan()
            .create_record_batch_log_scanner()
            .unwrap()
    );

    let limited = bench.log.new_scan().limit(5).unwrap();
    let whole = limited.create_batch_scanner().unwrap();
    whole.collect_all_batches().await.unwrap();
    turn!(whole.next_batch()).unwrap();
    turn!(whole.collect_all_batches()).unwrap();
    let bucket = TableBucket::new(bench.log.get_table_info().table_id(), 0);
    let bucket = limited.create_bucket_batch_scanner(bucket).unwrap();
    bucket.collect_all_batches().await.unwrap();
    turn!(bucket.next_batch()).unwrap();
    turn!(bucket.collect_all_batches()).unwrap();

    turn!(bench.connection.close(SECOND)).unwrap();
    turn!(bench.connection.close(SECOND)).unwrap();
}

/// How often a task beside the calls of a test ran, and how many calls there were without it.
#[derive(Default)]
struct Beside {
    turns: AtomicUsize,
    calls: AtomicUsize,
    /// Turns at the last call, the calls in a row since then, and the most of them.
    seen: AtomicUsize,
    in_a_row: AtomicUsize,
    most_in_a_row: AtomicUsize,
    over: AtomicBool,
}

impl Beside {
    fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let turns = self.turns.load(Ordering::Relaxed);
        if self.seen.swap(turns, Ordering::Relaxed) != turns {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_a_row.fetch_max(in_a_row, Ordering::Relaxed);
    }
}

/// Runs calls on a runtime with one worker, beside a task that yields all the time: it must run as often as tokio's budget lets it.
fn runs_beside<F: Future<Output = ()> + Send + 'static>(
    calls: impl FnOnce(Bench, Arc<Beside>) -> F + Send + 'static,
) {
    /// A task has 128 units for a turn. The other task may be behind others of the client in the queue of the worker.
    const IN_A_ROW: usize = 1000;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = Bench::in_real_time(MockCluster::builder(), 1).await;
        let beside = Arc::new(Beside::default());
        let other = tokio::spawn({
            let beside = Arc::clone(&beside);
            async move {
                while !beside.over.load(Ordering::Relaxed) {
                    beside.turns.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        });
        tokio::spawn(calls(bench, Arc::clone(&beside)))
            .await
            .unwrap();
        beside.over.store(true, Ordering::Relaxed);
        other.await.unwrap();
        let calls = beside.calls.load(Ordering::Relaxed);
        let most = beside.most_in_a_row.load(Ordering::Relaxed);
        println!("at most {most} of {calls} calls in a row");
        assert!(calls >= CALLS, "{calls} calls");
        assert!(most <= IN_A_ROW, "{most} calls in a row");
    });
}

#[test]
fn another_task_runs_beside_append_async() {
    runs_beside(async |bench, beside| {
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        for id in 0..CALLS as i32 {
            writer.append_async(&log_row(id)).await.unwrap();
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_append_arrow_batch_async() {
    runs_beside(async |bench, beside| {
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        let batch = arrow();
        for _ in 0..CALLS {
            writer.append_arrow_batch_async(&batch).await.unwrap();
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_results_that_are_there() {
    runs_beside(async |bench, beside| {
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        let rows = (0..CALLS as i32).map(|id| writer.append(&log_row(id)).unwrap());
        let results: Vec<_> = rows.collect();
        writer.flush().await.unwrap();
        for result in results {
            result.await.unwrap();
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_upsert_async_and_delete_async() {
    runs_beside(async |bench, beside| {
        let writer = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
        for id in 0..CALLS as i32 {
            let row = keyed_row(id % 2, id, "new");
            writer.upsert_async(&row).await.unwrap();
            beside.called();
            writer.delete_async(&row).await.unwrap();
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_lookups() {
    runs_beside(async |bench, beside| {
        let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
        for id in 0..CALLS as i32 / 2 {
            lookuper.lookup(&key(id % 2, id)).await.unwrap();
            beside.called();
        }
        let keys: Vec<_> = (0..CALLS as i32 / 2).map(|id| key(id % 2, id)).collect();
        for keys in keys.chunks(500) {
            lookuper.lookup_many(keys).await.unwrap();
            beside.called();
            beside.calls.fetch_add(keys.len() - 1, Ordering::Relaxed);
        }
    });
}

/// A scanner of the log table after so many rows were appended to it, which hands out one row or batch at a time.
async fn one_by_one(bench: &mut Bench) -> TableScan {
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 20..CALLS as i32 {
        drop(writer.append(&log_row(id)).unwrap());
    }
    writer.flush().await.unwrap();
    bench.config.scanner_max_poll_records = 1;
    let connection = connect(&bench.cluster, &bench.config).await.unwrap();
    let table = connection.get_table(bench.log.table_path()).await;
    table.unwrap().new_scan()
}

#[test]
fn another_task_runs_beside_poll() {
    runs_beside(async |mut bench, beside| {
        let scanner = one_by_one(&mut bench).await.create_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        for _ in 0..CALLS {
            let records = scanner.poll(HANG).await.unwrap();
            assert_eq!(records.count(), 1);
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_poll_of_batches() {
    runs_beside(async |mut bench, beside| {
        let scan = one_by_one(&mut bench).await;
        let scanner = scan.create_record_batch_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        while !scanner.is_finished() {
            scanner.poll(HANG).await.unwrap();
        }
        // Polls of a scan that is finished return at once.
        for _ in 0..CALLS {
            assert!(scanner.poll(HANG).await.unwrap().is_empty());
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_a_stream_of_rows() {
    runs_beside(async |mut bench, beside| {
        let scanner = one_by_one(&mut bench).await.create_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        let mut rows = scanner.into_stream();
        for _ in 0..CALLS {
            rows.next().await.unwrap().unwrap();
            beside.called();
        }
    });
}

#[test]
fn another_task_runs_beside_a_stream_of_batches() {
    runs_beside(async |bench, beside| {
        // A batch for each row.
        let mut config = bench.config.clone();
        config.writer_batch_size = 1;
        let connection = connect(&bench.cluster, &config).await.unwrap();
        let table = connection.get_table(bench.log.table_path()).await.unwrap();
        let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for id in 0..CALLS as i32 {
            drop(writer.append_async(&log_row(id)).await.unwrap());
        }
        writer.flush().await.unwrap();
        let mut batches = scanner.into_stream();
        for _ in 0..CALLS {
            batches.next().await.unwrap().unwrap();
            beside.called();
        }
    });
}
