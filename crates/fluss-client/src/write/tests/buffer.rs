//! The bound on memory, on every kind of runtime.

use std::time::Duration;

use tokio::time::Instant;

use super::{Bench, Fault, log_table, row};
use crate::config::{Config, DriverPlacement};
use crate::error::ErrorKind;

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
