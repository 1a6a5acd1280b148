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
        scan.engine.on_fetch_end(&fetch);
        scan.feed(&fetch.buckets[0], batch(0, 5), 100, mark);
    }
    let expected = vec![
        (FetchKind::Held, vec![0]),
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
        again.fetches[0].buckets,
        vec![FetchBucket {
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
        for fetch in plan.fetches.iter().flat_map(|fetch| &fetch.buckets) {
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
    let asked: usize = scan
        .plan()
        .fetches
        .iter()
        .map(|fetch| fetch.buckets.len())
        .sum();
    assert_eq!(asked, 8);
    assert!(scan.plan().fetches.is_empty());
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
    assert_eq!(scan.engine.held_fetches[&1], 8);
}

#[test]
fn buckets_at_their_end_take_no_room_from_those_with_data() {
    let mut scan = Scan::of(16);
    scan.engine.limits.remote_max_bytes = 2_000;
    scan.engine.limits.prefetch_max_bytes = 4_000;
    let server = |bucket: &TableBucket| Some(bucket.bucket_id() % 3);
    let mut under_way = VecDeque::new();
    // All but one bucket are at their end. Requests that are held end one after the other, and never two at once.
    let mut reads = 0;
    for _ in 0..200 {
        let plan = scan.engine.plan(scan.now, server);
        for fetch in plan.fetches {
            if fetch.kind == FetchKind::Held {
                under_way.push_back(fetch);
                continue;
            }
            scan.engine.on_fetch_end(&fetch);
            for bucket in &fetch.buckets {
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
        if let Some(fetch) = under_way.pop_front() {
            scan.engine.on_fetch_end(&fetch);
            for bucket in &fetch.buckets {
                scan.answer(bucket, records(0, None, bucket.offset));
            }
        }
        while !scan.take().is_empty() {}
    }
    assert!(
        under_way.len() >= 2,
        "{} requests are held",
        under_way.len()
    );
    assert!(reads > 150, "{reads} pieces were read in 200 rounds");
}
