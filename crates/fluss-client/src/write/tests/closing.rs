//! The ends of writers and connections.

use std::time::Duration;

use super::{Bench, Fault, LINGER, row};
use crate::error::ErrorKind;

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
async fn very_many_failures_that_nobody_awaited_are_told() {
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let mut results = Vec::new();
    for n in 0..200 {
        bench.fault([Fault::Code(48)]);
        results.push(writer.append(&row(n)).unwrap());
        tokio::time::sleep(LINGER * 2).await;
    }
    // Nobody asks for the last ones.
    results.truncate(150);
    for result in results {
        result.await.unwrap_err();
    }
    let error = writer.close(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(error.server_code(), Some(48));
}
