//! What passes is tried again; what does not is told.

use std::time::Duration;

use fluss_wire::api::ApiKey;
use tokio::time::Instant;

use super::{Bench, Fault, log_table, row};
use crate::error::ErrorKind;
use crate::scan::testing::Request;

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
        text.contains("2 min") && text.contains("LOG_STORAGE_EXCEPTION"),
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
