//! When batches go, and what they share.

use std::time::Duration;

use tokio::time::Instant;

use super::{Bench, LINGER, log_table, row};
use crate::table::WriteResultFuture;

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
async fn a_table_with_few_rows_gets_smaller_batches_for_its_next_burst() {
    for (dynamic, expected) in [(true, 4..20), (false, 1..2)] {
        let bench = Bench::with(log_table(1), |config| {
            config.writer_dynamic_batch_size = dynamic;
        })
        .await;
        let writer = bench.table.new_append().unwrap().create_writer().unwrap();
        for n in 0..60 {
            writer.append(&row(n)).unwrap();
            tokio::time::sleep(LINGER * 2).await;
        }
        let quiet = bench.logs().batches[&0].len();
        assert_eq!(quiet, 60);
        for n in 60..60_000 {
            writer.append_async(&row(n)).await.unwrap();
        }
        writer.flush().await.unwrap();
        let logs = bench.logs();
        assert_eq!(logs.rows(), (0..60_000).collect::<Vec<_>>());
        let burst = logs.batches[&0].len() - quiet;
        assert!(expected.contains(&burst), "dynamic {dynamic}: {burst}");
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
