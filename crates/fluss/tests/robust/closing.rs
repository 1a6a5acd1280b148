//! What closing tells: failures that nobody was told of, and no others.

use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode};
use tokio::time::sleep;

use crate::museum::SECOND;
use crate::support::{Bench, log_row};

const ONE: ErrorCode = ErrorCode::AUTHORIZATION_EXCEPTION;
const OTHER: ErrorCode = ErrorCode::RECORD_TOO_LARGE_EXCEPTION;

/// Appends five rows, of which the second and the fourth are refused, asks for the results of these rows, and closes. Returns the code
/// that closing tells.
async fn close_after_asking_for(asked: &[i32], of_connection: bool) -> Option<i32> {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 0..5 {
        let code = [(1, ONE), (3, OTHER)];
        let code = code.iter().find(|(row, _)| *row == id);
        if let Some((_, code)) = code {
            let refuse = fault::on(ApiKey::ProduceLog).times(1);
            bench
                .cluster
                .inject(refuse.before(Fault::BucketError(*code)));
        }
        let result = writer.append(&log_row(id)).unwrap();
        sleep(SECOND).await;
        match (asked.contains(&id), id) {
            (true, 1) => drop(result.await.unwrap_err()),
            (true, _) => drop(result.try_result().unwrap().unwrap_err()),
            // Who logs a future has not asked.
            (false, _) => println!("{result:?}"),
        }
    }
    let closed = if of_connection {
        bench.connection.close(SECOND).await
    } else {
        writer.close(SECOND).await
    };
    closed.err().map(|error| error.server_code().unwrap())
}

#[tokio::test(start_paused = true)]
async fn closing_tells_of_no_failure_that_the_result_of_a_row_told() {
    for of_connection in [false, true] {
        for (asked, expected) in [
            (&[][..], Some(ONE)),
            (&[1], Some(OTHER)),
            (&[3], Some(ONE)),
            (&[1, 3], None),
        ] {
            let told = close_after_asking_for(asked, of_connection).await;
            let expected = expected.map(fluss_mock::ErrorCode::value);
            assert_eq!(told, expected, "{asked:?}, connection: {of_connection}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn closing_tells_of_no_failure_that_a_flush_told() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let refuse = fault::on(ApiKey::ProduceLog).times(1);
    bench.cluster.inject(refuse.before(Fault::BucketError(ONE)));
    drop(writer.append(&log_row(1)).unwrap());
    assert!(writer.flush().await.is_err());
    writer.close(SECOND).await.unwrap();
    bench.connection.close(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_reports_a_failure_that_only_another_writer_was_told() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let other = bench.log.new_append().unwrap().create_writer().unwrap();
    let refuse = fault::on(ApiKey::ProduceLog);
    bench.cluster.inject(refuse.before(Fault::BucketError(ONE)));
    // Rows of both writers share a batch.
    let mut told = Vec::new();
    for id in 0..4 {
        drop(writer.append(&log_row(id)).unwrap());
        told.push(other.append(&log_row(id)).unwrap());
    }
    for result in told {
        result.await.unwrap_err();
    }
    let error = writer.close(SECOND).await.unwrap_err();
    assert_eq!(error.server_code(), Some(ONE.value()));
}
