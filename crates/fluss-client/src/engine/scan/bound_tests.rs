//! Reading to an end, and what requests that servers hold may bring.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

use super::tests::{Scan, batch, bucket, records};
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
        for asked in fetch.buckets {
            scan.feed(&asked, batch(0, 2), 100, 100);
        }
    }
    scan.engine.close(&bucket(0));
    let asked: Vec<_> = scan.plan().fetches;
    assert!(
        asked
            .iter()
            .flat_map(|fetch| &fetch.buckets)
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
                FetchKind::Held => held += fetch.max_bytes,
                FetchKind::Immediate => {
                    for asked in &fetch.buckets {
                        scan.answer(asked, records(0, None, 0));
                    }
                }
            }
        }
    }
    assert!((1..=8_000).contains(&held), "{held} bytes may come at once");
}
