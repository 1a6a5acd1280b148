//! One bucket: sequences, repetitions, writer ids, deadlines.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::time::Duration;

use fluss_wire::error_code::{ErrorCode, ServerError};

use super::*;

const LIMITS: Limits = Limits {
    linger: Duration::ZERO,
    max_in_flight_per_bucket: 5,
    connections_per_server: 1,
    request_max_size: 1 << 20,
    retries: 3,
    delivery_timeout: Duration::from_secs(120),
    max_throttle: Duration::from_secs(3),
    idempotence: true,
};

/// A queue with its clock, and batches named by numbers.
struct Bench {
    queue: BucketQueue,
    now: Instant,
    chance: Chance,
    limits: Limits,
}

impl Bench {
    fn with(batches: u64) -> Self {
        let now = Instant::now();
        let mut bench = Self {
            queue: BucketQueue::default(),
            now,
            chance: Chance::seeded(1),
            limits: LIMITS,
        };
        bench.add(0, batches);
        bench
    }

    fn add(&mut self, first: u64, batches: u64) {
        for id in first..first + batches {
            self.queue.push(Batch::new(
                BatchId(id),
                0,
                self.now + self.limits.delivery_timeout,
            ));
            self.queue.sealed(BatchId(id), 100);
        }
    }

    /// Sends all that may be sent; with writer id `id` if one is needed.
    fn send(&mut self, id: i64) -> Vec<(u64, i64, i32)> {
        let mut sent = Vec::new();
        self.now += Duration::from_secs(1);
        while let Some(candidate) = self.queue.candidate(self.now, &self.limits) {
            if candidate.needs_writer_id && !self.queue.adopt_writer_id(id) {
                break;
            }
            let stamp = self.queue.send(candidate.id, &self.limits);
            sent.push((candidate.id.0, stamp.writer_id, stamp.sequence));
        }
        sent
    }

    fn answer(&mut self, id: u64, answer: Answer) -> String {
        match self
            .queue
            .on_answer(BatchId(id), answer, self.now, &self.limits, &self.chance)
        {
            Some(Verdict::Done(offset)) => format!("{id} done {offset:?}"),
            Some(Verdict::Failed(error)) => format!("{id} failed {:?}", error.server_code()),
            Some(Verdict::Again) => "again".into(),
            None => "ignored".into(),
        }
    }
}

fn refused(code: i32) -> Answer {
    Answer::Refused(ServerError {
        code: ErrorCode::new(code),
        message: None,
    })
}

fn lost() -> Answer {
    Answer::Lost {
        error: Error::timeout("an answer", Duration::from_secs(1)),
        sent: true,
    }
}

fn written(offset: i64) -> Answer {
    Answer::Written {
        offset: Some(offset),
        pressure: None,
    }
}

#[test]
fn at_most_five_are_in_flight_and_sequences_count_batches() {
    let mut bench = Bench::with(7);
    assert_eq!(
        bench.send(9),
        [(0, 9, 0), (1, 9, 1), (2, 9, 2), (3, 9, 3), (4, 9, 4)]
    );
    assert_eq!(bench.answer(1, written(10)), "1 done Some(10)");
    assert_eq!(bench.send(9), [(5, 9, 5)]);
    assert_eq!(bench.answer(1, written(10)), "ignored");
}

#[test]
fn a_lost_answer_is_asked_for_again_in_order_with_the_same_sequences() {
    let mut bench = Bench::with(3);
    bench.send(9);
    for id in [1, 0, 2] {
        assert_eq!(bench.answer(id, lost()), "again");
    }
    bench.add(3, 1);
    for (id, answer, expected) in [
        (0, written(1), "0 done Some(1)"),
        (1, refused(32), "1 done None"),
        (2, written(7), "2 done Some(7)"),
    ] {
        assert_eq!(
            bench.send(9),
            [(id, 9, id as i32)],
            "repeated batches go one by one"
        );
        assert_eq!(bench.answer(id, answer), expected);
    }
    assert_eq!(bench.send(9), [(3, 9, 3)]);
}

#[test]
fn a_lost_answer_of_a_batch_that_the_server_forgot_since_counts_as_success() {
    let mut bench = Bench::with(2);
    bench.send(9);
    assert_eq!(bench.answer(0, lost()), "again");
    assert_eq!(bench.answer(1, written(5)), "1 done Some(5)");
    assert_eq!(bench.send(9), [(0, 9, 0)]);
    assert_eq!(bench.answer(0, refused(31)), "0 done None");
}

#[test]
fn a_writer_that_the_server_forgot_gets_a_new_id_and_loses_nothing() {
    for code in [31, 33] {
        let mut bench = Bench::with(1);
        bench.send(9);
        bench.answer(0, written(0));
        bench.add(1, 2);
        assert_eq!(bench.send(9), [(1, 9, 1), (2, 9, 2)]);
        assert_eq!(bench.answer(1, refused(code)), "again");
        assert!(
            bench.send(10).is_empty(),
            "the bucket waits for what is in flight"
        );
        assert_eq!(bench.answer(2, refused(code)), "again");
        assert_eq!(
            bench.send(9),
            [],
            "the id that was given up is not taken again"
        );
        assert_eq!(bench.send(10), [(1, 10, 0)]);
        assert_eq!(bench.answer(1, written(1)), "1 done Some(1)");
        assert_eq!(bench.send(10), [(2, 10, 1)]);
    }
}

#[test]
fn an_out_of_order_answer_to_a_later_batch_resets_nothing() {
    let mut bench = Bench::with(2);
    bench.send(9);
    assert_eq!(bench.answer(1, refused(31)), "again");
    assert_eq!(bench.answer(0, written(0)), "0 done Some(0)");
    assert_eq!(bench.send(9), [(1, 9, 1)]);
}

#[test]
fn a_batch_that_may_be_written_is_never_sent_under_another_id() {
    let mut bench = Bench::with(1);
    bench.send(9);
    assert_eq!(bench.answer(0, lost()), "again");
    bench.send(9);
    assert_eq!(bench.answer(0, refused(31)), "0 failed Some(31)");
    bench.add(1, 1);
    assert_eq!(bench.send(9), []);
    assert_eq!(bench.send(10), [(1, 10, 0)]);
}

#[test]
fn a_refused_batch_leaves_no_gap() {
    // (name, code, batches behind it, what is sent next)
    type Sent<'a> = &'a [(u64, i64, i32)];
    let cases: [(&str, i32, Sent<'_>); 2] = [
        (
            "certainly not written: its number is free",
            57,
            &[(1, 9, 0)],
        ),
        ("perhaps written: a new writer id", -1, &[(1, 10, 0)]),
    ];
    for (name, code, expected) in cases {
        let mut bench = Bench::with(1);
        bench.send(9);
        assert_eq!(
            bench.answer(0, refused(code)),
            format!("0 failed Some({code})"),
            "{name}"
        );
        bench.add(1, 1);
        let mut sent = bench.send(9);
        sent.extend(bench.send(10));
        assert_eq!(sent, expected, "{name}");
    }
    let mut bench = Bench::with(2);
    bench.send(9);
    assert_eq!(bench.answer(0, refused(57)), "0 failed Some(57)");
    assert_eq!(
        bench.answer(1, refused(31)),
        "again",
        "what was sent behind it"
    );
    assert_eq!(bench.send(10), [(1, 10, 0)]);
}

#[test]
fn a_batch_behind_one_of_unknown_fate_is_asked_for_under_its_old_number_first() {
    let mut bench = Bench::with(2);
    bench.limits.retries = 0;
    bench.send(9);
    assert_eq!(bench.answer(0, lost()), "0 failed None");
    bench.limits.retries = 3;
    assert_eq!(bench.answer(1, lost()), "again");
    assert_eq!(bench.send(10), [(1, 9, 1)]);
    assert_eq!(bench.answer(1, refused(32)), "1 done None");
    bench.add(2, 1);
    assert_eq!(bench.send(10), [(2, 10, 0)]);
}

#[test]
fn retries_and_time_are_bounded() {
    let mut bench = Bench::with(1);
    for attempt in 1..=4 {
        assert_eq!(bench.send(9), [(0, 9, 0)]);
        let expected = if attempt <= 3 {
            "again"
        } else {
            "0 failed Some(10)"
        };
        assert_eq!(bench.answer(0, refused(10)), expected, "{attempt}");
    }
    let mut bench = Bench::with(2);
    bench.send(9);
    bench.add(2, 1);
    assert_eq!(bench.answer(1, lost()), "again");
    bench.now += Duration::from_secs(119);
    let expired = bench.queue.expire(bench.now, LIMITS.delivery_timeout, None);
    assert_eq!(
        expired.iter().map(|(batch, _)| batch.0).collect::<Vec<_>>(),
        [1],
        "one is in flight, one is younger"
    );
    assert_eq!(bench.answer(0, lost()), "0 failed None", "no more time");
}

#[test]
fn pressure_and_back_pressure_pause_the_bucket() {
    let cases = [
        (
            Answer::Written {
                offset: None,
                pressure: Some(0.5),
            },
            750,
        ),
        (refused(72), 3000),
    ];
    for (answer, pause) in cases {
        let mut bench = Bench::with(2);
        bench.limits.max_in_flight_per_bucket = 1;
        bench.send(9);
        bench.answer(0, answer);
        let until = bench.queue.paused_until().unwrap();
        assert_eq!(until - bench.now, Duration::from_millis(pause));
        assert!(
            bench
                .queue
                .candidate(bench.now + Duration::from_millis(pause - 1), &bench.limits)
                .is_none()
        );
        assert!(bench.queue.candidate(until, &bench.limits).is_some());
    }
}

#[test]
fn the_newest_answer_decides_how_long_the_bucket_rests() {
    let took = |pressure| Answer::Written {
        offset: None,
        pressure,
    };
    let mut bench = Bench::with(6);
    assert_eq!(bench.send(9).len(), 5);
    let cases = [
        (0, Some(1.0), Some(3_000)),
        (1, Some(0.5), Some(750)),
        (2, Some(1.0), Some(3_000)),
        (3, None, None),
        (4, Some(0.0), None),
    ];
    for (id, pressure, pause) in cases {
        bench.answer(id, took(pressure));
        let rest = bench.queue.paused_until().map(|until| until - bench.now);
        assert_eq!(rest, pause.map(Duration::from_millis), "answer {id}");
    }
    assert_eq!(bench.send(9), [(5, 9, 5)]);
}

#[test]
fn a_refused_bucket_goes_on_with_one_batch_at_a_time_until_its_storage_has_recovered() {
    for idempotence in [true, false] {
        let mut bench = Bench::with(2);
        bench.limits.idempotence = idempotence;
        bench.send(9);
        assert_eq!(bench.answer(0, refused(72)), "again");
        let second = if idempotence {
            refused(31)
        } else {
            refused(72)
        };
        assert_eq!(bench.answer(1, second), "again");
        bench.add(2, 6);
        bench.now += bench.limits.max_throttle;
        let ids = |sent: Vec<(u64, i64, i32)>| sent.into_iter().map(|sent| sent.0);
        for id in 0..4 {
            assert_eq!(ids(bench.send(9)).collect::<Vec<_>>(), [id]);
            let is_recovered = id == 3;
            let answer = Answer::Written {
                offset: None,
                pressure: (!is_recovered).then_some(0.1),
            };
            bench.answer(id, answer);
        }
        assert_eq!(ids(bench.send(9)).collect::<Vec<_>>(), [4, 5, 6, 7]);
    }
}

#[test]
fn without_idempotence_batches_carry_no_numbers() {
    let mut bench = Bench::with(2);
    bench.limits.idempotence = false;
    assert_eq!(bench.send(9), [(0, -1, -1), (1, -1, -1)]);
    assert_eq!(bench.answer(0, refused(31)), "0 failed Some(31)");
    assert_eq!(bench.answer(1, lost()), "again");
    assert_eq!(bench.send(9), [(1, -1, -1)]);
}

#[test]
fn sequences_go_round_after_the_largest_number() {
    assert_eq!(after(i32::MAX), 0);
    for (sequence, last, expected) in [
        (3, 3, true),
        (3, 4, true),
        (4, 3, false),
        (i32::MAX, 1, true),
        (1, i32::MAX, false),
    ] {
        assert_eq!(
            is_at_or_before(sequence, last),
            expected,
            "{sequence} {last}"
        );
    }
}

/// The rows behind it stayed in the open batch until their time was over, one delivery timeout after the other.
#[test]
fn a_bucket_whose_last_batch_failed_for_good_takes_the_next_one() {
    let mut bench = Bench::with(2);
    assert_eq!(bench.send(7), [(0, 7, 0), (1, 7, 1)]);
    assert_eq!(bench.answer(0, written(0)), "0 done Some(0)");
    assert_eq!(bench.answer(1, lost()), "again");
    assert_eq!(bench.send(7), [(1, 7, 1)]);
    // The server has forgotten the writer: nobody can tell whether the batch is written.
    assert_eq!(bench.answer(1, refused(31)), "1 failed Some(31)");
    assert!(bench.queue.has_room(bench.now, &bench.limits));
    bench.add(2, 1);
    assert_eq!(bench.send(7), []);
    assert_eq!(bench.send(8), [(2, 8, 0)]);
}
