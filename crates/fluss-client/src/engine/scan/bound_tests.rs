//! Reading to an end, and what requests that servers hold may bring.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

use super::tests::{Batch, Scan, batch, batch_at as at, bucket, records, unpacked};
use super::*;
use crate::error::Error;

#[test]
fn a_bucket_ends_in_the_middle_of_a_batch() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(&fetch, batch(0, 8), 100, 100);
    scan.engine.stop_at(&bucket(0), 5);
    scan.engine.set_bounded();
    assert!(!scan.engine.is_finished());
    assert_eq!(scan.take(), [(0, 0, 5)]);
    assert!(scan.take().is_empty());
    assert!(scan.engine.is_finished());
    assert!(scan.engine.is_over());
    assert_eq!(scan.engine.position(&bucket(0)), Some(5));
    assert!(scan.plan().fetches.is_empty(), "nothing more is asked for");
}

#[test]
fn a_bucket_is_read_up_to_an_end_that_is_yet_to_come() {
    let mut scan = Scan::of(1);
    scan.engine.stop_at(&bucket(0), 6);
    scan.engine.set_bounded();
    for base in [0, 3] {
        let fetch = scan.plan().fetches[0].buckets[0];
        scan.feed(&fetch, batch(base, 3), 100, base + 3);
        assert_eq!(scan.take(), [(0, base, 3)]);
    }
    assert!(scan.engine.is_finished());
    // A subscription that comes later has no end.
    scan.engine.subscribe(bucket(0), StartOffset::At(0));
    assert!(!scan.engine.is_finished());
}

#[test]
fn an_end_behind_batches_without_rows_is_reached() {
    let mut scan = Scan::of(1);
    scan.engine.stop_at(&bucket(0), 3);
    scan.engine.set_bounded();
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(100, Some(3), 3)).unwrap();
    scan.engine.on_decode_end(&bucket(0), ticket, Ok(()));
    assert!(scan.engine.is_finished());
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
}

#[test]
fn a_bucket_that_is_gone_hands_out_what_was_fetched_and_is_forgotten() {
    let mut scan = Scan::of(2);
    for fetch in scan.plan().fetches {
        for asked in fetch.buckets.iter() {
            scan.feed(asked, batch(0, 2), 100, 100);
        }
    }
    scan.engine.close(&bucket(0));
    let asked: Vec<_> = scan.plan().fetches;
    assert!(
        asked
            .iter()
            .flat_map(|fetch| fetch.buckets.iter())
            .all(|asked| asked.bucket == bucket(1))
    );
    let mut taken = scan.take();
    taken.sort_unstable();
    assert_eq!(taken, [(0, 0, 2), (1, 0, 2)]);
    scan.plan();
    assert_eq!(scan.engine.position(&bucket(0)), None);
    assert_eq!(scan.engine.subscribed().count(), 1);
}

#[test]
fn a_scan_whose_buckets_all_ended_or_failed_is_over() {
    let mut scan = Scan::of(2);
    scan.engine.stop_at(&bucket(0), 0);
    scan.engine.fail(&bucket(1), Error::usage("broken"));
    assert!(!scan.engine.is_over(), "the failure was not told");
    assert!(matches!(scan.engine.take(), Take::Failed(_)));
    assert!(scan.engine.is_over());
    scan.engine.set_discovering(true);
    assert!(!scan.engine.is_over(), "more buckets may be found");
}

#[test]
fn requests_that_the_server_holds_count_within_the_bound() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].clone();
    scan.answer(&fetch.buckets[0], records(0, None, 0));
    for id in 1..20 {
        scan.engine.subscribe(bucket(id), StartOffset::At(0));
    }
    let mut held = 0;
    for _ in 0..40 {
        for fetch in scan.plan().fetches {
            match fetch.kind {
                FetchKind::Held(_) => held += fetch.max_bytes,
                FetchKind::Immediate => {
                    for asked in fetch.buckets.iter() {
                        scan.answer(asked, records(0, None, 0));
                    }
                }
            }
        }
    }
    assert!((1..=8_000).contains(&held), "{held} bytes may come at once");
}

/// Answers a fetch with batches as the scanner does: their headers first, then what is left of them, decoded.
fn feed(scan: &mut Scan, fetch: &FetchBucket, mark: i64, batches: &[Batch]) {
    let next = batches
        .last()
        .map(|last| last.offset_after(last.row_count() - 1));
    let ticket = scan.answer(fetch, records(100, next, mark)).unwrap();
    let mut wanted = batches.to_vec();
    let from = scan
        .engine
        .admit(&fetch.bucket, fetch.offset, &mut wanted, |batch| {
            BatchHeader {
                base_offset: batch.offset_after(0) - 1,
                commit_time: batch.timestamp(),
            }
        });
    for mut batch in wanted {
        let base = batch.offset_after(0) - 1;
        batch.skipped = usize::try_from(from - base).unwrap_or(0);
        scan.engine.on_decoded(&fetch.bucket, ticket, batch);
    }
    scan.engine.on_decode_end(&fetch.bucket, ticket, Ok(()));
}

#[test]
fn a_bucket_ends_before_its_first_batch_of_a_time() {
    for (time, rows, position) in [(10, 0, 0), (15, 3, 3), (20, 3, 3), (21, 6, 6), (99, 9, 9)] {
        let mut scan = Scan::of(1);
        scan.engine.stop_at_time(&bucket(0), 9, time);
        scan.engine.set_bounded();
        let fetch = scan.plan().fetches[0].buckets[0];
        feed(
            &mut scan,
            &fetch,
            9,
            &[at(10, 0, 3), at(20, 3, 3), at(30, 6, 3)],
        );
        let taken: usize = scan.take().iter().map(|(_, _, rows)| rows).sum();
        assert_eq!(taken, rows, "to {time}");
        assert!(scan.engine.is_finished(), "to {time}");
        assert_eq!(scan.engine.position(&bucket(0)), Some(position));
        assert!(scan.plan().fetches.is_empty(), "nothing more is asked for");
    }
}

#[test]
fn an_end_by_time_counts_for_what_was_fetched_before_it_was_given() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    feed(&mut scan, &fetch, 9, &[at(10, 0, 3), at(20, 3, 3)]);
    scan.engine.stop_at_time(&bucket(0), 9, 20);
    scan.engine.set_bounded();
    assert!(scan.plan().fetches.is_empty(), "the end is known");
    assert_eq!(scan.take(), [(0, 0, 3)]);
    assert!(scan.take().is_empty());
    assert!(scan.engine.is_finished());
}

#[test]
fn an_end_by_time_counts_for_a_batch_that_is_being_decoded() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(100, Some(6), 9)).unwrap();
    scan.engine.on_decoded(&bucket(0), ticket, at(10, 0, 3));
    scan.engine.stop_at_time(&bucket(0), 9, 20);
    scan.engine.set_bounded();
    scan.engine.on_decoded(&bucket(0), ticket, at(20, 3, 3));
    scan.engine.on_decode_end(&bucket(0), ticket, Ok(()));
    assert_eq!(scan.take(), [(0, 0, 3)]);
    scan.take();
    assert!(scan.engine.is_finished());
}

/// A scan from a time, of which the server said that it is at an offset.
fn from_time(time: i64, answer: i64) -> (Scan, FetchBucket) {
    let mut scan = Scan::of(0);
    scan.engine
        .subscribe(bucket(0), StartOffset::Timestamp(time));
    let asked = scan.plan().resolve[0];
    let asked = FetchBucket {
        bucket: asked.bucket,
        generation: asked.generation,
        offset: 0,
        max_bytes: 0,
    };
    scan.answer(&asked, Answer::Resolved(answer));
    let fetch = scan.plan().fetches[0].buckets[0];
    assert_eq!(fetch.offset, answer);
    (scan, fetch)
}

#[test]
fn batches_that_are_older_than_the_start_are_passed_over() {
    let (mut scan, fetch) = from_time(25, 2);
    feed(&mut scan, &fetch, 12, &[at(10, 0, 3), at(20, 3, 3)]);
    assert!(scan.take().is_empty());
    assert_eq!(scan.engine.position(&bucket(0)), Some(6));
    let fetch = scan.plan().fetches[0].buckets[0];
    feed(&mut scan, &fetch, 12, &[at(30, 6, 3), at(30, 9, 3)]);
    assert_eq!(scan.take(), [(0, 6, 3), (0, 9, 3)]);
}

#[test]
fn the_first_batch_of_a_time_is_whole_if_the_answer_of_the_server_lies_inside() {
    let (mut scan, fetch) = from_time(20, 4);
    feed(&mut scan, &fetch, 9, &[at(20, 3, 3)]);
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
    let fetch = scan.plan().fetches[0].buckets[0];
    feed(&mut scan, &fetch, 9, &[at(30, 6, 3)]);
    assert_eq!(scan.take(), [(0, 3, 3), (0, 6, 3)]);
}

#[test]
fn a_scan_with_a_later_end_goes_on_where_the_former_one_ended() {
    let mut scan = Scan::of(1);
    scan.engine.stop_at(&bucket(0), 5);
    scan.engine.set_bounded();
    let fetch = scan.plan().fetches[0].buckets[0];
    feed(
        &mut scan,
        &fetch,
        8,
        &[at(10, 0, 3), at(20, 3, 3), at(30, 6, 2)],
    );
    assert_eq!(scan.take(), [(0, 0, 3), (0, 3, 2)]);
    scan.take();
    assert!(scan.engine.is_finished());

    scan.engine.stop_at(&bucket(0), 8);
    assert!(!scan.engine.is_finished());
    let fetch = scan.plan().fetches[0].buckets[0];
    assert_eq!(fetch.offset, 5, "what was thrown away is fetched once more");
    feed(&mut scan, &fetch, 8, &[at(20, 3, 3), at(30, 6, 2)]);
    assert_eq!(scan.take(), [(0, 5, 1), (0, 6, 2)]);
    scan.take();
    assert!(scan.engine.is_finished());
}

#[test]
fn a_broken_batch_behind_the_end_does_not_matter() {
    for (stop, ended) in [(3, true), (6, true), (7, false)] {
        let mut scan = Scan::of(1);
        scan.engine.stop_at(&bucket(0), stop);
        scan.engine.set_bounded();
        let fetch = scan.plan().fetches[0].buckets[0];
        let ticket = scan.answer(&fetch, records(100, Some(6), 9)).unwrap();
        let mut batches = vec![(0, 10), (3, 20)];
        scan.engine
            .admit(&bucket(0), 0, &mut batches, |(base, time)| BatchHeader {
                base_offset: *base,
                commit_time: *time,
            });
        assert_eq!(batches.len(), if stop == 3 { 1 } else { 2 });
        let error = Error::corrupt("what follows is no batch");
        scan.engine.on_broken(&bucket(0), ticket, error, 6);
        assert_eq!(scan.engine.is_finished(), ended, "to {stop}");
        let told = matches!(scan.engine.take(), Take::Failed(_));
        assert_eq!(told, !ended, "to {stop}");
    }
}

/// A bucket of which an answer of two batches came, the second of which cannot be read.
fn half_read(stop: i64) -> Scan {
    let mut scan = Scan::of(1);
    scan.engine.stop_at(&bucket(0), stop);
    scan.engine.set_bounded();
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(200, Some(6), 6)).unwrap();
    scan.engine.on_decoded(&bucket(0), ticket, batch(0, 3));
    let outcome = Err(Error::corrupt("checksum"));
    scan.engine.on_decode_end(&bucket(0), ticket, outcome);
    scan
}

#[test]
fn a_scan_is_finished_only_when_its_error_was_handed_out() {
    let mut scan = half_read(6);
    assert!(!scan.engine.is_finished() && !scan.engine.is_over());
    assert_eq!(scan.take(), [(0, 0, 3)]);
    assert!(!scan.engine.is_finished() && !scan.engine.is_over());
    assert!(matches!(scan.engine.take(), Take::Failed(_)));
    assert!(scan.engine.is_finished() && scan.engine.is_over());
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
}

#[test]
fn an_error_behind_the_end_is_none_of_the_scan() {
    let mut scan = half_read(3);
    assert_eq!(scan.take(), [(0, 0, 3)]);
    assert!(scan.engine.is_finished());
    assert!(matches!(scan.engine.take(), Take::Nothing));
    // With a later end it is.
    scan.engine.stop_at(&bucket(0), 6);
    assert!(!scan.engine.is_finished());
    let fetch = scan.plan().fetches[0].buckets[0];
    assert_eq!(fetch.offset, 3);
}

#[test]
fn a_bucket_that_fails_before_its_end_is_finished_once_that_was_told() {
    let mut scan = Scan::of(2);
    for id in 0..2 {
        scan.engine.stop_at(&bucket(id), 5);
    }
    scan.engine.set_bounded();
    scan.engine.fail(&bucket(1), Error::usage("no right"));
    for fetch in scan.plan().fetches {
        for asked in fetch.buckets.iter() {
            scan.feed(asked, batch(0, 5), 100, 5);
        }
    }
    assert!(matches!(scan.engine.take(), Take::Failed(_)));
    assert!(!scan.engine.is_finished());
    assert_eq!(scan.take(), [(0, 0, 5)]);
    assert!(scan.engine.is_finished());
}

#[test]
fn a_later_answer_that_cannot_be_read_does_not_move_the_position_back() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(&fetch, batch(0, 3), 100, 100);
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(100, Some(6), 100)).unwrap();
    let outcome = Err(Error::corrupt("checksum"));
    scan.engine.on_decode_end(&bucket(0), ticket, outcome);
    assert_eq!(scan.take(), [(0, 0, 3)]);
    assert!(matches!(scan.engine.take(), Take::Failed(_)));
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
}

#[test]
fn a_bucket_that_is_gone_is_not_finished_while_an_answer_may_come() {
    let mut scan = Scan::of(1);
    scan.engine.stop_at(&bucket(0), 3);
    scan.engine.set_bounded();
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.engine.close(&bucket(0));
    assert!(!scan.engine.is_finished());
    scan.feed(&fetch, batch(0, 3), 100, 3);
    assert_eq!(scan.take(), [(0, 0, 3)]);
    assert!(scan.engine.is_finished());
}

/// Prefetching stops at 8,000 bytes, and one request asks for 1,000.
#[test]
fn what_batches_take_when_they_are_decompressed_counts_within_the_bound() {
    let mut scan = Scan::of(4);
    let asked: Vec<_> = scan
        .plan()
        .fetches
        .iter()
        .flat_map(|fetch| fetch.buckets.to_vec())
        .collect();
    assert_eq!(asked.len(), 4);
    let large = unpacked(&batch(0, 2), 3_500);
    scan.feed(&asked[0], large.clone(), 100, 100);
    scan.feed(&asked[1], large.clone(), 100, 100);
    scan.feed(&asked[2], batch(0, 2), 100, 100);
    assert!(
        scan.plan().fetches.is_empty(),
        "7,300 bytes, and one answer to come"
    );
    // The rows of all three are handed out.
    let taken = scan.take();
    assert_eq!(taken.len(), 3);
    let more: usize = scan
        .plan()
        .fetches
        .iter()
        .map(|fetch| fetch.buckets.len())
        .sum();
    assert_eq!(more, 3);
    // Discarded answers no longer count.
    let larger = unpacked(&large, 9_000);
    scan.feed(&asked[3], larger, 100, 100);
    scan.engine.unsubscribe(&asked[3].bucket);
    scan.engine.subscribe(asked[3].bucket, StartOffset::At(0));
    assert_eq!(scan.plan().fetches.len(), 1);
}
