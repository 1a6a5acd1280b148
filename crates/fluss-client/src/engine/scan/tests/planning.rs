//! Which fetches are made.

use std::collections::VecDeque;

use super::*;

#[test]
fn a_bucket_at_its_end_waits_in_a_request_of_its_own() {
    let mut scan = Scan::of(3);
    let plan = scan.plan();
    assert_eq!(plan.fetches.len(), 3);
    for fetch in plan.fetches.clone() {
        let id = fetch.buckets[0].bucket.bucket_id();
        let mark = if id == 0 { 5 } else { 1_000 };
        scan.feed(&fetch.buckets[0], batch(0, 5), 100, mark);
    }
    let expected = vec![
        (FetchKind::Held(WAIT_MAX), vec![0]),
        (FetchKind::Immediate, vec![1]),
        (FetchKind::Immediate, vec![2]),
    ];
    assert_eq!(scan.fetches(), expected);
    assert!(
        scan.fetches().is_empty(),
        "one request at a time for a bucket"
    );
}

#[test]
fn many_buckets_share_requests_and_a_cut_batch_leads_to_a_request_of_its_own() {
    let mut scan = Scan::of(16);
    scan.engine.limits.prefetch_max_bytes = 100_000;
    let plan = scan.plan();
    assert_eq!(
        plan.fetches
            .iter()
            .map(|fetch| fetch.buckets.len())
            .collect::<Vec<_>>(),
        vec![4; 4]
    );
    let cut = plan.fetches[0].buckets[3];
    assert!(
        scan.answer(
            &cut,
            Answer::Records {
                bytes: 900,
                next_offset: None,
                largest_batch: 2_500,
                high_watermark: Some(9),
                filtered_end: None,
                current_schema: false
            }
        )
        .is_none()
    );
    let again = scan.plan();
    assert_eq!(again.fetches.len(), 1);
    assert_eq!(
        again.fetches[0].buckets[..],
        [FetchBucket {
            max_bytes: 2_500,
            ..cut
        }]
    );
    assert_eq!(again.fetches[0].max_bytes, 2_500);
}

#[test]
fn the_order_of_asking_rotates() {
    let mut scan = Scan::of(8);
    scan.engine.limits.prefetch_max_bytes = 2_000;
    let mut asked = Vec::new();
    for _ in 0..4 {
        let plan = scan.plan();
        for fetch in plan.fetches.iter().flat_map(|fetch| fetch.buckets.iter()) {
            asked.push(fetch.bucket.bucket_id());
            scan.feed(fetch, batch(fetch.offset, 5), 100, 1_000);
        }
        while !scan.take().is_empty() {}
    }
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.len() >= 5, "only {asked:?} were asked");
}

#[test]
fn buffered_and_expected_bytes_stay_within_the_bound() {
    let mut scan = Scan::of(20);
    let fetches = scan.plan().fetches;
    let asked: usize = fetches.iter().map(|fetch| fetch.buckets.len()).sum();
    let expected: usize = fetches.iter().map(|fetch| fetch.max_bytes).sum();
    assert_eq!((asked, expected), (20, 8_000));
    assert!(scan.plan().fetches.is_empty());
}

#[test]
fn so_many_buckets_share_a_request_as_it_has_room_for() {
    for (bytes, most) in [(20, 512), (1_000, 16)] {
        let mut scan = Scan::of(512);
        let mut offset = 0;
        let mut asked = 0;
        for _ in 0..100 {
            let plan = scan.plan();
            let (watches, fetches): (Vec<_>, Vec<_>) =
                plan.fetches.iter().partition(|fetch| fetch.watch.is_some());
            let buckets = fetches.iter().flat_map(|fetch| fetch.buckets.iter());
            asked = buckets.clone().count();
            let expected: usize = fetches.iter().map(|fetch| fetch.max_bytes).sum();
            assert!(expected <= 8_000, "{expected} bytes may come");
            let expected: usize = watches.iter().map(|fetch| fetch.max_bytes).sum();
            assert!(expected <= 2_000, "{expected} bytes may come in addition");
            for fetch in buckets {
                offset += 1;
                let mark = if bytes == 20 {
                    fetch.offset + 5
                } else {
                    i64::MAX
                };
                scan.feed(fetch, batch(fetch.offset, 5), bytes, mark);
            }
            while !scan.take().is_empty() {}
            if bytes == 20 && offset >= 512 {
                break;
            }
        }
        assert!(asked <= most, "{asked} buckets asked for at once");
        assert!(bytes == 1_000 || offset == 512, "{offset}");
    }
}

#[test]
fn a_bucket_that_others_left_no_room_for_is_asked_for_again_and_in_the_end_alone() {
    let mut scan = Scan::of(16);
    let mut passed_over = 0;
    for _ in 0..40 {
        let fetches = scan.plan().fetches;
        for fetch in &fetches {
            for asked in fetch.buckets.iter() {
                if asked.bucket != bucket(5) {
                    scan.feed(asked, batch(asked.offset, 5), 100, i64::MAX);
                } else if fetch.buckets.len() > 1 {
                    let high_watermark = Some(i64::MAX);
                    scan.answer(asked, Answer::PassedOver { high_watermark });
                    passed_over += 1;
                } else {
                    assert_eq!(passed_over, 8);
                    return;
                }
            }
        }
        while !scan.take().is_empty() {}
    }
    panic!("it was never asked for alone");
}

#[test]
fn a_batch_larger_than_the_bound_is_still_fetched() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(&fetch, batch(0, 5), 50_000, 100);
    assert!(
        scan.plan().fetches.is_empty(),
        "nothing more while it is buffered"
    );
    assert_eq!(scan.take().len(), 1);
    assert!(scan.engine.plan_is_due());
    assert_eq!(scan.plan().fetches.len(), 1);
}

#[test]
fn no_more_than_a_few_requests_are_held_by_one_server() {
    let mut scan = Scan::of(0);
    for id in 0..20 {
        scan.engine.subscribe(bucket(id), StartOffset::At(0));
        for fetch in scan.plan().fetches {
            if fetch.kind == FetchKind::Immediate {
                scan.answer(&fetch.buckets[0], records(0, None, 0));
            }
        }
        scan.plan();
    }
    assert_eq!(scan.engine.asked_watches(1), 8);
}

#[test]
fn buckets_at_their_end_take_no_room_from_those_with_data() {
    let mut scan = Scan::of(16);
    scan.engine.limits.remote_max_bytes = 2_000;
    scan.engine.limits.prefetch_max_bytes = 4_000;
    let server = |bucket: &TableBucket| Some(bucket.bucket_id() % 3);
    let mut held = VecDeque::new();
    // All but one bucket are at their end. Requests that are held end one after the other, and never two at once.
    let mut reads = 0;
    for _ in 0..200 {
        let plan = scan.engine.plan(scan.now, 0, server);
        for fetch in plan.fetches {
            if fetch.watch.is_some() {
                held.push_back(fetch);
                continue;
            }
            for bucket in fetch.buckets.iter() {
                if bucket.bucket.bucket_id() > 0 {
                    scan.answer(bucket, records(0, None, bucket.offset));
                    continue;
                }
                let segment = RemoteSegment {
                    id: "s".into(),
                    start_offset: 0,
                    end_offset: 1_000_000,
                    size: 1_000_000,
                };
                let cursor = RemoteCursor {
                    dir: "/remote".into(),
                    segments: [segment].into(),
                    position: 0,
                };
                scan.answer(bucket, Answer::Remote(cursor));
            }
        }
        for read in plan.remote {
            reads += 1;
            let answer = Answer::RemoteRead {
                bytes: 2_000,
                next_offset: Some(read.offset + 5),
                cursor: read.cursor.advance(2_000),
            };
            let ticket = scan
                .engine
                .on_answer(&read.bucket, read.generation, answer, scan.now)
                .unwrap();
            scan.engine
                .on_decoded(&read.bucket, ticket, batch(read.offset, 5));
            scan.engine.on_decode_end(&read.bucket, ticket, Ok(()));
        }
        if let Some(fetch) = held.pop_front() {
            for bucket in fetch.buckets.iter() {
                scan.answer(bucket, records(0, None, bucket.offset));
            }
            let nothing = FetchEnd::Answer(bytes::Bytes::new());
            scan.now += WAIT_MAX;
            scan.engine.on_fetch_end(&fetch, nothing, scan.now);
        }
        while !scan.take().is_empty() {}
    }
    assert!(held.len() >= 2, "{} requests are held", held.len());
    assert!(reads > 150, "{reads} pieces were read in 200 rounds");
}
