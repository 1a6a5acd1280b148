//! Each call dropped after its first, second, third … poll.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use fluss::client::EARLIEST_OFFSET;
use fluss::metadata::OffsetSpec;
use tokio::time::timeout;

use crate::calls::{Call, Outcome, all};
use crate::support::{Bench, key, log_row};

/// Far more polls than any call takes.
const MOST: usize = 10_000;
/// Drops in all, at least. Calls that take few polls are dropped at each of them again and again, from another state of the connection.
const POINTS: usize = 10_000;
const HANG: Duration = Duration::from_secs(60);

/// Polls a call `count` times at most, each time when it is woken. True if it ended.
async fn poll_times(mut call: Outcome, count: usize) -> bool {
    let mut polls = 0;
    poll_fn(|cx| {
        if polls == count {
            return Poll::Ready(false);
        }
        polls += 1;
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready(outcome) => {
                outcome.expect("nothing is wrong with the cluster");
                Poll::Ready(true)
            }
            Poll::Pending if polls == count => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops the call at each of its polls. Returns how many there were.
async fn drop_everywhere(bench: &Bench, call: &Call) -> usize {
    for count in 0..MOST {
        let step = poll_times((call.make)(bench.clone()), count);
        let ended = timeout(HANG, step).await;
        if ended.unwrap_or_else(|_| panic!("{} hangs when polled {count} times", call.name)) {
            return count;
        }
    }
    panic!("{} does not end", call.name);
}

/// The connection does what it always did.
async fn still_works(bench: &Bench, written: &mut i64) {
    let works = async {
        let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
        let found = lookuper.lookup(&key(1, 1)).await.unwrap();
        let row = found.get_single_row().unwrap().unwrap();
        assert_eq!(row.get_string(2), "first");
        let writer = bench.log.new_append().unwrap().create_writer().unwrap();
        let at = writer.append(&log_row(7_000)).unwrap().await.unwrap();
        let scanner = bench.log.new_scan().create_log_scanner().unwrap();
        let (bucket, offset) = (at.bucket().bucket_id(), at.offset().unwrap());
        scanner.subscribe(bucket, offset).await.unwrap();
        let records = scanner.poll(Duration::from_secs(5)).await.unwrap();
        let first = records.into_iter().next().unwrap();
        assert_eq!((first.offset(), first.row().get_int(0)), (offset, 7_000));
        *written += 1;
    };
    timeout(HANG, works).await.expect("the next calls work");
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_disturbs_nothing() {
    let bench = Bench::newer().await;
    let tasks = tokio::runtime::Handle::current().metrics();
    let mut written = 20;
    let mut points = 0;
    let mut rounds = 0;
    while points < POINTS {
        rounds += 1;
        for call in all() {
            points += drop_everywhere(&bench, call).await;
        }
        still_works(&bench, &mut written).await;
        assert!(rounds < 2_000, "{points} points after {rounds} rounds");
    }
    println!("{points} points in {rounds} rounds");

    // Everything acknowledged is there, and there is nothing that was never written.
    let path = bench.log.table_path();
    let ends = bench
        .admin
        .list_offsets(path, &[0, 1], OffsetSpec::Latest)
        .await
        .unwrap();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let (mut rows, mut acknowledged) = (0, 20);
    while rows < ends.values().sum::<i64>() {
        for record in scanner.poll(Duration::from_secs(5)).await.unwrap() {
            rows += 1;
            let id = record.row().get_int(0);
            assert!(
                (0..20).contains(&id) || (100..110).contains(&id) || id == 7_000,
                "{id}"
            );
            acknowledged += i64::from(id == 7_000);
        }
    }
    assert_eq!(acknowledged, written, "rows that were acknowledged");
    drop(scanner);

    // Handles of a connection share its tasks; what the dropped calls began has ended.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let alive = tasks.num_alive_tasks();
    assert!(
        alive < 50,
        "{alive} tasks are alive after {points} dropped calls"
    );
}
