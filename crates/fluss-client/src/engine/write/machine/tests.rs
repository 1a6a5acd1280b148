//! The engine, step by step.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::time::Duration;

use fluss_wire::error_code::{ErrorCode, ServerError};

use super::super::Limits;
use super::super::answer::Answer;
use super::*;

const LINGER: Duration = Duration::from_millis(100);

fn limits() -> Limits {
    Limits {
        linger: LINGER,
        max_in_flight_per_bucket: 5,
        connections_per_server: 1,
        request_max_size: 1000,
        retries: u32::MAX,
        delivery_timeout: Duration::from_secs(120),
        max_throttle: Duration::from_secs(3),
        idempotence: true,
    }
}

/// An engine with its clock and leaders. Batches are named by their ids; an open batch gets the next one when it is closed.
struct Bench {
    engine: Engine,
    now: Instant,
    leaders: HashMap<TableBucket, ServerId>,
    requests: Vec<Request>,
    log: Vec<String>,
}

impl Bench {
    /// One table (7) of `buckets` buckets, all led by server 1, over one connection.
    fn with(buckets: i32) -> Self {
        let mut engine = Engine::new(limits(), Chance::seeded(1));
        engine.add_partition(0, 7, true, buckets as usize);
        let mut leaders = HashMap::new();
        for bucket in 0..buckets {
            leaders.insert(TableBucket::new(7, bucket), 1);
        }
        Self {
            engine,
            now: Instant::now(),
            leaders,
            requests: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Does what the engine wants until it wants nothing; writer ids are given at once.
    fn run(&mut self) -> Vec<String> {
        loop {
            let leaders = &self.leaders;
            let Some(action) = self
                .engine
                .poll(self.now, &mut |_, bucket| leaders.get(bucket).copied())
            else {
                break;
            };
            match action {
                Action::Close(bucket) => {
                    self.log.push(format!("close {bucket}"));
                    self.engine.on_none_open(bucket);
                    self.full(bucket, 100);
                }
                Action::Resolve(partition) => self.log.push(format!("resolve {partition}")),
                Action::InitWriter(tables) => {
                    self.log.push(format!("init {tables:?}"));
                    self.engine.on_writer_id(Ok(9), self.now);
                }
                Action::Send(request) => {
                    let parts: Vec<String> = request
                        .parts
                        .iter()
                        .map(|part| {
                            format!("{}:{}#{}", part.bucket, part.batch.0, part.stamp.sequence)
                        })
                        .collect();
                    self.log.push(format!(
                        "send {} to {}",
                        parts.join(" "),
                        request.connection.server
                    ));
                    self.requests.push(request);
                }
            }
        }
        for Finished { batch, result, .. } in self.engine.take_finished() {
            self.log.push(match result {
                Ok(offset) => format!("{} at {offset:?}", batch.0),
                Err(error) => format!("{} failed {:?}", batch.0, error.server_code()),
            });
        }
        std::mem::take(&mut self.log)
    }

    /// A batch of the bucket is full and sealed.
    fn full(&mut self, bucket: BucketNumber, bytes: usize) {
        let id = self.engine.push(bucket, 0, self.now);
        self.engine.on_sealed(bucket, id, bytes);
    }

    fn open(&mut self, bucket: BucketNumber) {
        self.engine.on_opened(bucket, self.now);
    }

    /// Answers the oldest request: all batches alike.
    fn answer(&mut self, answer: &Answer) -> Vec<StaleLeader> {
        let request = self.requests.remove(0);
        let answers = match answer {
            Answer::Lost { .. } => HashMap::new(),
            _ => request
                .parts
                .iter()
                .map(|part| (part.table_bucket, answer.clone()))
                .collect(),
        };
        self.engine
            .on_answers(request.id, answers, &lost(), self.now)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
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

fn refused(code: i32) -> Answer {
    Answer::Refused(ServerError {
        code: ErrorCode::new(code),
        message: None,
    })
}

#[test]
fn a_batch_that_nobody_awaits_goes_when_its_linger_is_over() {
    let mut bench = Bench::with(1);
    bench.open(0);
    assert!(bench.run().is_empty());
    assert_eq!(bench.engine.next_wakeup(), Some(bench.now + LINGER));
    bench.pass(LINGER);
    assert_eq!(bench.run(), ["close 0", "init [7]", "send 0:0#0 to 1"]);
    bench.answer(&written(4));
    assert_eq!(bench.run(), ["0 at Some(4)"]);
}

#[test]
fn an_awaited_batch_goes_at_once_and_those_awaited_meanwhile_share_the_next() {
    let mut bench = Bench::with(1);
    bench.engine.on_urgency(0, Urgency::Urgent, bench.now);
    assert_eq!(bench.run(), ["close 0", "init [7]", "send 0:0#0 to 1"]);
    bench.engine.on_urgency(0, Urgency::Urgent, bench.now);
    bench.engine.on_urgency(0, Urgency::Urgent, bench.now);
    assert!(bench.run().is_empty(), "one is on its way");
    bench.answer(&written(0));
    assert_eq!(bench.run(), ["close 0", "send 0:1#1 to 1", "0 at Some(0)"]);
    bench.engine.on_urgency(0, Urgency::Urgent, bench.now);
    bench.pass(LINGER);
    assert_eq!(
        bench.run(),
        ["close 0", "send 0:2#2 to 1"],
        "the linger bounds it all the same"
    );
}

#[test]
fn buckets_share_requests_within_the_size_and_one_batch_a_bucket() {
    let mut bench = Bench::with(3);
    bench.full(0, 400);
    bench.run();
    bench.answer(&written(0));
    bench.run();
    for bucket in [0, 1, 2, 0] {
        bench.full(bucket, 400);
    }
    assert_eq!(
        bench.run(),
        [
            "send 0:1#1 1:2#0 to 1",
            "send 2:3#0 to 1",
            "send 0:4#2 to 1"
        ]
    );
}

#[test]
fn an_oversized_batch_goes_alone() {
    let mut bench = Bench::with(2);
    bench.full(0, 10);
    bench.run();
    bench.answer(&written(0));
    bench.run();
    bench.full(0, 5000);
    bench.full(1, 10);
    assert_eq!(bench.run(), ["send 0:1#1 to 1", "send 1:2#0 to 1"]);
}

#[test]
fn one_request_goes_before_a_connection_has_proved_itself_and_many_after() {
    let mut bench = Bench::with(2);
    for bucket in [0, 0, 1] {
        bench.full(bucket, 10);
    }
    assert_eq!(bench.run(), ["init [7]", "send 0:0#0 1:2#0 to 1"]);
    bench.answer(&written(0));
    assert_eq!(
        bench.run(),
        ["send 0:1#1 to 1", "0 at Some(0)", "2 at Some(0)"]
    );
}

#[test]
fn a_bucket_without_leader_holds_up_no_other_and_is_looked_up_with_growing_pauses() {
    let mut bench = Bench::with(2);
    bench.leaders.remove(&TableBucket::new(7, 0));
    bench.full(0, 10);
    bench.full(1, 10);
    assert_eq!(bench.run(), ["resolve 0", "init [7]", "send 1:1#0 to 1"]);
    bench
        .engine
        .on_resolved(0, Resolution::Known(None), bench.now);
    assert!(bench.run().is_empty(), "still no leader: after a pause");
    let pause = bench.engine.next_wakeup().unwrap() - bench.now;
    assert!(pause <= Duration::from_millis(20));
    bench.pass(pause);
    assert_eq!(bench.run(), ["resolve 0"]);
    bench.leaders.insert(TableBucket::new(7, 0), 2);
    bench
        .engine
        .on_resolved(0, Resolution::Known(None), bench.now);
    assert_eq!(bench.run(), ["send 0:0#0 to 2"]);
}

#[test]
fn a_new_leader_is_told_and_the_batch_sent_there() {
    let mut bench = Bench::with(1);
    bench.full(0, 10);
    bench.run();
    let stale = bench.answer(&refused(12));
    assert_eq!(
        stale,
        [StaleLeader {
            bucket: TableBucket::new(7, 0),
            is_unknown: false
        }]
    );
    bench.leaders.insert(TableBucket::new(7, 0), 2);
    assert!(bench.run().is_empty());
    let wakeup = bench.engine.next_wakeup().unwrap();
    assert!(wakeup - bench.now <= Duration::from_millis(20));
    bench.now = wakeup;
    assert_eq!(bench.run(), ["send 0:0#0 to 2"]);
}

#[test]
fn a_partition_is_looked_for_at_once_and_only_its_rows_fail_with_it() {
    let mut bench = Bench::with(1);
    let (partition, bucket) = (1, 1);
    bench.engine.add_partition(partition, 8, false, 1);
    bench.full(bucket, 10);
    bench.full(0, 10);
    assert_eq!(bench.run(), ["resolve 1", "init [7]", "send 0:1#0 to 1"]);
    bench.engine.on_resolved(
        partition,
        Resolution::Gone(Error::from(ServerError {
            code: ErrorCode::new(45),
            message: None,
        })),
        bench.now,
    );
    bench.answer(&written(3));
    assert_eq!(bench.run(), ["0 failed Some(45)", "1 at Some(3)"]);
}

#[test]
fn a_partition_made_anew_starts_its_sequences_anew() {
    let mut bench = Bench::with(1);
    let (partition, bucket) = (1, 1);
    bench.engine.add_partition(partition, 8, false, 1);
    let (old, new) = (
        TableBucket::new_with_partition(8, Some(1), 0),
        TableBucket::new_with_partition(8, Some(2), 0),
    );
    bench.leaders.extend([(old, 1), (new, 1)]);
    bench.full(bucket, 10);
    bench.run();
    bench
        .engine
        .on_resolved(partition, Resolution::Known(Some(1)), bench.now);
    assert_eq!(bench.run(), ["init [8]", "send 1:0#0 to 1"]);
    bench.answer(&written(0));
    bench.run();
    bench.full(bucket, 10);
    assert_eq!(bench.run(), ["send 1:1#1 to 1"]);
    bench.leaders.remove(&old);
    bench.answer(&refused(21));
    assert_eq!(bench.run(), ["resolve 1"]);
    bench
        .engine
        .on_resolved(partition, Resolution::Known(Some(2)), bench.now);
    bench.run();
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.run(), ["send 1:1#0 to 1"]);
}

#[test]
fn a_missing_writer_id_is_asked_for_again_until_the_time_of_the_rows_is_over() {
    let mut bench = Bench::with(1);
    bench.full(0, 10);
    let leaders = bench.leaders.clone();
    let mut asked = 0;
    let end = bench.now + Duration::from_secs(120);
    loop {
        while let Some(action) = bench
            .engine
            .poll(bench.now, &mut |_, bucket| leaders.get(bucket).copied())
        {
            assert!(matches!(action, Action::InitWriter(_)), "{action:?}");
            asked += 1;
            bench.engine.on_writer_id(
                Err(Error::timeout("init", Duration::from_secs(1))),
                bench.now,
            );
        }
        match bench.engine.next_wakeup() {
            Some(at) => bench.now = at,
            None => break,
        }
    }
    assert!(
        bench.now - end <= Duration::from_secs(1),
        "the last pause may outlast the rows"
    );
    assert!((100..300).contains(&asked), "{asked}");
    assert_eq!(bench.engine.take_finished().len(), 1);
}

#[test]
fn without_the_right_to_write_the_rows_fail() {
    let mut bench = Bench::with(1);
    bench.full(0, 10);
    let leaders = bench.leaders.clone();
    assert!(matches!(
        bench
            .engine
            .poll(bench.now, &mut |_, bucket| leaders.get(bucket).copied()),
        Some(Action::InitWriter(_))
    ));
    bench.engine.on_writer_id(
        Err(Error::from(ServerError {
            code: ErrorCode::new(48),
            message: None,
        })),
        bench.now,
    );
    assert_eq!(bench.run(), ["0 failed Some(48)"]);
}

#[test]
fn waiting_writers_get_open_batches_sent_only_if_nothing_else_frees_memory() {
    let mut bench = Bench::with(2);
    bench.full(1, 10);
    bench.run();
    bench.open(0);
    bench.engine.on_memory_wanted(false);
    assert!(bench.run().is_empty(), "an answer will free memory");
    bench.answer(&written(0));
    bench.engine.on_memory_wanted(true);
    assert_eq!(
        bench.run(),
        ["0 at Some(0)"],
        "a batch being sealed will free memory"
    );
    bench.engine.on_memory_wanted(false);
    assert_eq!(bench.run(), ["close 0", "send 0:1#0 to 1"]);
}

#[test]
fn while_a_bucket_cannot_send_its_batch_goes_on_filling_but_not_past_its_time() {
    let mut bench = Bench::with(1);
    bench.leaders.clear();
    bench.open(0);
    bench.pass(LINGER);
    assert_eq!(bench.run(), ["resolve 0"]);
    bench.pass(Duration::from_secs(120));
    assert_eq!(
        bench.run(),
        ["close 0"],
        "the batch of the test is as young as its closing"
    );
}

#[test]
fn a_connection_that_breaks_is_proved_again_one_request_at_a_time() {
    let mut bench = Bench::with(2);
    bench.full(0, 10);
    bench.run();
    bench.answer(&written(0));
    bench.run();
    bench.full(0, 600);
    bench.full(1, 600);
    assert_eq!(bench.run().len(), 2);
    bench.answer(&lost());
    bench.answer(&lost());
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.run(), ["send 0:1#1 to 1"]);
    bench.answer(&written(1));
    assert_eq!(bench.run(), ["send 1:2#0 to 1", "1 at Some(1)"]);
}
