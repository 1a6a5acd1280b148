//! What a poll takes.

use super::*;

#[test]
fn rows_come_in_order_whatever_is_decoded_first() {
    let mut scan = Scan::of(1);
    let first = scan.plan().fetches[0].buckets[0];
    let one = scan.answer(&first, records(100, Some(5), 100)).unwrap();
    let second = scan.plan().fetches[0].buckets[0];
    assert_eq!(second.offset, 5);
    let two = scan.answer(&second, records(100, Some(10), 100)).unwrap();
    assert!(!scan.engine.on_decoded(&bucket(0), two, batch(5, 5)));
    scan.engine.on_decode_end(&bucket(0), two, Ok(()));
    assert!(scan.take().is_empty());
    assert!(scan.engine.on_decoded(&bucket(0), one, batch(0, 5)));
    scan.engine.on_decode_end(&bucket(0), one, Ok(()));
    assert_eq!(scan.take(), vec![(0, 0, 5), (0, 5, 5)]);
    assert_eq!(scan.engine.position(&bucket(0)), Some(10));
}

#[test]
fn a_poll_takes_no_more_than_its_number_but_no_half_update() {
    let cases = [(false, vec![10, 10, 5]), (true, vec![10, 10, 5])];
    for (changelog, expected) in cases {
        let mut scan = Scan::of(1);
        let fetch = scan.plan().fetches[0].buckets[0];
        scan.feed(
            &fetch,
            Batch {
                changelog,
                ..batch(0, 25)
            },
            100,
            100,
        );
        let taken: Vec<usize> = (0..3)
            .map(|_| scan.take().iter().map(|(_, _, rows)| rows).sum())
            .collect();
        assert_eq!(taken, expected);
    }
    let mut scan = Scan::of(1);
    scan.engine.limits.max_poll_records = 5;
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(
        &fetch,
        Batch {
            changelog: true,
            ..batch(0, 8)
        },
        100,
        100,
    );
    assert_eq!(scan.take(), vec![(0, 0, 6)]);
    assert_eq!(scan.take(), vec![(0, 6, 2)]);
}

#[test]
fn buckets_take_turns_when_a_poll_is_full() {
    let mut scan = Scan::of(2);
    for fetch in scan.plan().fetches {
        scan.feed(&fetch.buckets[0], batch(0, 25), 100, 100);
    }
    let first = scan.take()[0].0;
    let second = scan.take()[0].0;
    assert_ne!(first, second);
}

#[test]
fn empty_batches_move_the_position() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    let ticket = scan.answer(&fetch, records(48, Some(3), 3)).unwrap();
    assert!(!scan.engine.on_decode_end(&bucket(0), ticket, Ok(())));
    assert_eq!(scan.engine.position(&bucket(0)), Some(3));
    assert_eq!(scan.engine.tell_progress(), [(bucket(0), 3)]);
    assert_eq!(scan.engine.tell_progress(), [], "told once");
    assert_eq!(scan.plan().fetches[0].buckets[0].offset, 3);
}

#[test]
fn rows_before_the_wanted_offset_are_left_out() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.feed(
        &fetch,
        Batch {
            skipped: 3,
            ..batch(0, 5)
        },
        100,
        100,
    );
    assert_eq!(scan.take(), vec![(0, 3, 2)]);
}

#[test]
fn an_answer_to_an_older_subscription_is_thrown_away() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].buckets[0];
    scan.engine.subscribe(bucket(0), StartOffset::At(50));
    assert!(scan.answer(&fetch, records(100, Some(5), 100)).is_none());
    let fetch = scan.plan().fetches[0].buckets[0];
    assert_eq!(fetch.offset, 50);
    let ticket = scan.answer(&fetch, records(100, Some(55), 100)).unwrap();
    scan.engine.unsubscribe(&bucket(0));
    assert!(!scan.engine.on_decoded(&bucket(0), ticket, batch(50, 5)));
    assert_eq!(
        (scan.engine.buffered_bytes, scan.engine.reserved_bytes),
        (0, 0)
    );
}
