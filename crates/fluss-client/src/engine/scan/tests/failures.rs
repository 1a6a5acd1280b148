//! What failures of a bucket do.

use super::*;

#[test]
fn a_failure_comes_after_the_rows_before_it_and_is_not_silent_afterwards() {
    let mut scan = Scan::of(2);
    let plan = scan.plan();
    let (bad, good) = (plan.fetches[0].buckets[0], plan.fetches[1].buckets[0]);
    let ticket = scan.answer(&bad, records(100, Some(10), 100)).unwrap();
    scan.engine.on_decoded(&bad.bucket, ticket, batch(0, 5));
    scan.engine
        .on_decode_end(&bad.bucket, ticket, Err(Error::corrupt("crc")));
    assert_eq!(scan.take(), vec![(bad.bucket.bucket_id(), 0, 5)]);
    let Take::Failed(error) = scan.engine.take() else {
        panic!("no failure")
    };
    assert_eq!(
        (error.kind(), error.bucket()),
        (ErrorKind::Corrupt, Some(bad.bucket))
    );
    assert_eq!(
        scan.engine.position(&bad.bucket),
        Some(5),
        "nothing is skipped"
    );
    scan.feed(&good, batch(0, 5), 100, 5);
    assert_eq!(
        scan.take(),
        vec![(good.bucket.bucket_id(), 0, 5)],
        "the other bucket goes on"
    );
    assert!(scan.take().is_empty());
    assert!(scan.engine.standing_failure(scan.now).is_some());
    assert!(
        scan.plan()
            .fetches
            .iter()
            .all(|fetch| fetch.buckets.iter().all(|b| b.bucket != bad.bucket))
    );
    scan.engine.subscribe(bad.bucket, StartOffset::At(10));
    assert!(scan.engine.standing_failure(scan.now).is_none());
}

#[test]
fn an_offset_that_only_the_lake_has_ends_in_an_error() {
    let mut scan = Scan::of(1);
    let mut answers = 0;
    let error = loop {
        let plan = scan.plan();
        if let Some(fetch) = plan.fetches.first() {
            answers += 1;
            assert!(answers < 20, "asked for ever");
            scan.answer(&fetch.buckets[0], records(0, None, 100));
        }
        if let Take::Failed(error) = scan.engine.take() {
            break error;
        }
        scan.now += Duration::from_secs(1);
    };
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange);
    assert!(error.to_string().contains("offset 0"), "{error}");
}

#[test]
fn an_earliest_offset_that_brings_nothing_is_asked_for() {
    let mut scan = Scan::of(0);
    scan.engine
        .subscribe(bucket(0), StartOffset::At(EARLIEST_OFFSET));
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.answer(&fetch, records(0, None, 70));
    let resolve = scan.plan().resolve[0];
    assert_eq!(resolve.start, StartOffset::EarliestResolved);
    scan.engine.on_answer(
        &resolve.bucket,
        resolve.generation,
        Answer::Resolved(70),
        scan.now,
    );
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 70);
    assert_eq!(scan.engine.position(&bucket(0)), Some(70));
}

#[test]
fn a_passing_failure_pauses_one_bucket_only() {
    let mut scan = Scan::of(2);
    let plan = scan.plan();
    let (bad, good) = (plan.fetches[0].buckets[0], plan.fetches[1].buckets[0]);
    let until = scan.now + Duration::from_millis(50);
    scan.answer(
        &bad,
        Answer::Retry {
            until,
            error: Error::corrupt("passing"),
        },
    );
    scan.feed(&good, batch(0, 5), 100, 100);
    let plan = scan.plan();
    assert_eq!(plan.fetches.len(), 1);
    assert_eq!(plan.wake_at, Some(until));
    assert_eq!(scan.engine.failures(&bad.bucket), 1);
    assert!(scan.engine.standing_failure(scan.now).is_some());
    assert!(
        scan.engine
            .standing_failure(scan.now.checked_sub(Duration::from_millis(1)).unwrap())
            .is_none(),
        "not for long enough"
    );
    scan.now = until;
    assert_eq!(scan.plan().fetches[0].buckets[0].bucket, bad.bucket);
}

#[test]
fn a_refused_projection_leads_to_a_fetch_without_until_the_batches_are_new_enough() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.answer(&fetch, Answer::Unproject);
    for (current, expected) in [(false, true), (true, false)] {
        let plan = scan.plan();
        assert!(plan.fetches[0].unprojected);
        let fetch = plan.fetches[0].buckets[0];
        let next = fetch.offset + 5;
        let ticket = scan
            .answer(
                &fetch,
                Answer::Records {
                    bytes: 10,
                    next_offset: Some(next),
                    largest_batch: 10,
                    high_watermark: Some(99),
                    filtered_end: None,
                    current_schema: current,
                },
            )
            .unwrap();
        scan.engine.on_decode_end(&bucket(0), ticket, Ok(()));
        assert_eq!(scan.engine.buckets[&bucket(0)].unprojected, expected);
    }
}

#[test]
fn bucket_errors_lead_to_what_the_table_says() {
    use FetchFault::{Fail, RefreshAndRetry, Reset, Retry, Unproject};
    let error = OffsetReset::Error;
    let cases = [
        (
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::LOG_STORAGE_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::KV_STORAGE_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (ErrorCode::STORAGE_EXCEPTION, true, error, RefreshAndRetry),
        (
            ErrorCode::FENCED_LEADER_EPOCH_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (
            ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
            true,
            error,
            RefreshAndRetry,
        ),
        (ErrorCode::UNKNOWN_SERVER_ERROR, true, error, Retry),
        (ErrorCode::CORRUPT_MESSAGE, true, error, Fail),
        (ErrorCode::AUTHORIZATION_EXCEPTION, true, error, Fail),
        (ErrorCode::INVALID_COLUMN_PROJECTION, true, error, Unproject),
        (ErrorCode::INVALID_COLUMN_PROJECTION, false, error, Fail),
        (
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            true,
            error,
            Fail,
        ),
        (
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
            true,
            OffsetReset::Latest,
            Reset(OffsetReset::Latest),
        ),
        (ErrorCode::TABLE_NOT_EXIST, true, error, Fail),
    ];
    for (code, projected, reset, expected) in cases {
        assert_eq!(judge(code, projected, reset), expected, "{code:?}");
    }
}
