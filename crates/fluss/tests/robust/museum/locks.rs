//! Locks: nobody waits for a lock that somebody holds while he waits for the cluster.

use std::sync::Arc;

use fluss::client::EARLIEST_OFFSET;
use fluss::config::{Config, DriverPlacement};
use fluss::metadata::OffsetSpec;
use fluss_mock::MockCluster;
use fluss_mock::fault::{self, Fault};
use tokio::time::{Instant, sleep, timeout};

use super::{HANG, SECOND};
use crate::support::{Bench, connect, key, log_row};

/// rust#164: two polls of one scanner waited for each other.
#[tokio::test(start_paused = true)]
async fn polls_from_several_tasks_share_the_rows() {
    let bench = Bench::new().await;
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    let scanner = Arc::new(scanner);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let scanner = Arc::clone(&scanner);
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..20 {
                    let records = scanner.poll(SECOND).await.unwrap();
                    ids.extend(records.into_iter().map(|record| record.row().get_int(0)));
                }
                ids
            })
        })
        .collect();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 20..40 {
        sleep(SECOND / 10).await;
        writer.append(&log_row(id)).unwrap().await.unwrap();
    }
    let mut ids = Vec::new();
    for reader in readers {
        ids.extend(timeout(HANG, reader).await.expect("it ends").unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
}

/// rust#145: a lock was held while a request was on its way, and every other call waited for it.
#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_holds_nobody_up() {
    let bench = Bench::new().await;
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    let scanner = Arc::new(scanner);
    // There is nothing to read.
    let latest = OffsetSpec::Latest;
    scanner.subscribe_from(None, 0, latest).await.unwrap();
    let poll = tokio::spawn({
        let scanner = Arc::clone(&scanner);
        async move { scanner.poll(HANG).await }
    });
    sleep(SECOND).await;
    assert!(!poll.is_finished());
    let began = Instant::now();
    scanner.subscribe_from(None, 1, latest).await.unwrap();
    scanner.unsubscribe(0).await.unwrap();
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    assert_eq!(lookuper.lookup(&key(1, 1)).await.unwrap().len(), 1);
    bench
        .connection
        .get_table(bench.log.table_path())
        .await
        .unwrap();
    assert!(began.elapsed() < SECOND / 10, "{:?}", began.elapsed());
    assert!(!poll.is_finished());
    scanner.wakeup();
    let polled = timeout(SECOND, poll).await.expect("it ends").unwrap();
    assert!(polled.unwrap().is_empty());
}

/// fluss#1545, fluss#2209: threads that dialed, closed and sent waited for each other's locks in a circle.
#[test]
fn threads_that_call_while_connections_break_do_not_block_each_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let builder = MockCluster::builder().tablet_servers(2).seed(7);
        let bench = Bench::in_real_time(builder, 2).await;
        let config = Config {
            driver_placement: DriverPlacement::OwnThread,
            connections_per_server: 2,
            ..bench.config.clone()
        };
        let connection = connect(&bench.cluster, &config).await.unwrap();
        let table = connection.get_table(bench.keyed.table_path()).await;
        let lookuper = table.unwrap().new_lookup().unwrap();
        let lookuper = lookuper.create_lookuper().unwrap();
        let log = connection.get_table(bench.log.table_path()).await.unwrap();
        let writer = log.new_append().unwrap().create_writer().unwrap();
        // One request in twenty breaks its connection.
        let broken = fault::on_any().probability(1.0 / 20.0).before(Fault::Close);
        let broken = bench.cluster.inject(broken);
        let callers: Vec<_> = (0..16)
            .map(|caller| {
                let (lookuper, writer) = (lookuper.clone(), writer.clone());
                let (connection, path) = (connection.clone(), log.table_path().clone());
                tokio::spawn(async move {
                    for turn in 0..90 {
                        let found = lookuper.lookup(&key(turn % 2, turn % 20)).await.unwrap();
                        assert_eq!(found.len(), usize::from((turn % 20) % 2 == turn % 2));
                        let id = 1_000 + caller * 100 + turn;
                        writer.append(&log_row(id)).unwrap().await.unwrap();
                        if turn % 10 == 0 {
                            connection.get_table(&path).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            timeout(5 * HANG, caller).await.expect("it ends").unwrap();
        }
        assert!(broken.hits() > 20, "{}", broken.hits());
        timeout(2 * HANG, connection.close(HANG))
            .await
            .expect("it ends")
            .unwrap();
    });
}
