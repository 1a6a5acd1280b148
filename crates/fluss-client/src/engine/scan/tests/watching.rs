//! How often buckets at their end are asked for, and with which others.

use std::sync::Arc;

use bytes::Bytes;

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A scan of buckets with one replica that are all at their end, of which the server answers at once unless it holds the fetch.
struct Watched {
    scan: Scan,
    /// Offsets behind the last rows.
    ends: Vec<i64>,
    /// Whether a row ends a fetch that is held.
    wakes: bool,
    asked: Vec<(Duration, FetchPlan)>,
    began: Instant,
    held: Vec<(Instant, FetchPlan)>,
}

impl Watched {
    fn new(buckets: i32, wakes: bool, tail: Tail) -> Self {
        let mut scan = Scan::of(buckets);
        scan.engine.limits.tail = tail;
        scan.engine.limits.prefetch_max_bytes = 1_000_000_000;
        let began = scan.now;
        Self {
            scan,
            ends: vec![0; buckets as usize],
            wakes,
            asked: Vec::new(),
            began,
            held: Vec::new(),
        }
    }

    fn has_news(&self, plan: &FetchPlan) -> bool {
        let behind = |fetch: &FetchBucket| fetch.offset < self.ends[index(fetch)];
        plan.buckets.iter().any(behind)
    }

    fn answer(&mut self, plan: &FetchPlan) {
        let mut same = !self.has_news(plan) && plan.watch.is_some();
        same &= plan
            .watch
            .as_ref()
            .is_some_and(|watch| !watch.nothing.is_empty());
        if same {
            let now = self.scan.now;
            self.scan.engine.on_fetch_end(plan, FetchEnd::Same, now);
            return;
        }
        for fetch in plan.buckets.iter() {
            let end = self.ends[index(fetch)];
            if fetch.offset < end {
                let rows = (end - fetch.offset) as usize;
                self.scan.feed(fetch, batch(fetch.offset, rows), 100, end);
            } else {
                self.scan.answer(fetch, records(0, None, end));
            }
        }
        let end = FetchEnd::Answer(Bytes::from_static(b"nothing"));
        let now = self.scan.now;
        self.scan.engine.on_fetch_end(plan, end, now);
    }

    /// Lets time pass, in which nothing is written. Returns the rows that came.
    fn pass(&mut self, time: Duration) -> Vec<(i32, i64, usize)> {
        let until = self.scan.now + time;
        let mut rows = Vec::new();
        loop {
            for _ in 0..20 {
                let plan = self.scan.plan();
                loop {
                    let taken = self.scan.take();
                    if taken.is_empty() {
                        break;
                    }
                    rows.extend(taken);
                }
                if plan.fetches.is_empty() {
                    break;
                }
                for fetch in plan.fetches {
                    self.asked.push((self.scan.now - self.began, fetch.clone()));
                    match fetch.kind {
                        FetchKind::Held(wait) if !self.has_news(&fetch) => {
                            self.held.push((self.scan.now + wait, fetch));
                        }
                        _ => self.answer(&fetch),
                    }
                }
            }
            let plan = self.scan.plan();
            assert!(plan.fetches.is_empty(), "asks without end");
            let held = self.held.iter().map(|(end, _)| *end).min();
            let next = [held, plan.wake_at].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.scan.now = until;
                return rows;
            };
            self.scan.now = self.scan.now.max(next);
            self.end_held(|(end, _), now| *end <= now);
        }
    }

    fn end_held(&mut self, is_over: impl Fn(&(Instant, FetchPlan), Instant) -> bool) {
        let now = self.scan.now;
        let over: Vec<_> = self
            .held
            .extract_if(.., |held| is_over(held, now))
            .collect();
        for (_, plan) in over {
            self.answer(&plan);
        }
    }

    /// Writes a row, and returns how long it takes until it is read.
    fn row(&mut self, bucket: usize) -> Duration {
        self.ends[bucket] += 1;
        if self.wakes {
            let ends = self.ends.clone();
            self.end_held(|(_, plan), _| {
                let behind = |fetch: &FetchBucket| fetch.offset < ends[index(fetch)];
                plan.buckets.iter().any(behind)
            });
        }
        let written = self.scan.now;
        let mut rows = self.pass(Duration::ZERO);
        while rows.is_empty() {
            assert!(self.scan.now < written + 2 * SECOND, "the row never came");
            rows = self.pass(MS / 4);
        }
        assert_eq!(rows.len(), 1, "{rows:?}");
        self.scan.now - written
    }

    /// Requests from now on, in a while without rows.
    fn requests_in(&mut self, time: Duration) -> Vec<FetchPlan> {
        self.asked.clear();
        assert!(self.pass(time).is_empty());
        self.asked.drain(..).map(|(_, plan)| plan).collect()
    }
}

fn index(fetch: &FetchBucket) -> usize {
    fetch.bucket.bucket_id() as usize
}

fn one_replica() -> Tail {
    Tail {
        replicated: false,
        ..LIMITS.tail
    }
}

#[test]
fn a_row_of_a_lively_bucket_waits_for_less_than_the_delay_that_is_wanted() {
    for (pause, most) in [(5 * MS, 9 * MS), (50 * MS, 9 * MS), (500 * MS, 17 * MS)] {
        let mut watched = Watched::new(3, false, one_replica());
        watched.pass(SECOND);
        let mut delays: Vec<_> = (0..200)
            .map(|row| {
                watched.pass(pause + row % 7 * MS);
                watched.row(row as usize % 3)
            })
            .skip(20)
            .collect();
        delays.sort_unstable();
        assert!(delays[delays.len() - 1] <= most, "{pause:?}: {delays:?}");
    }
}

#[test]
fn the_first_row_after_a_long_silence_comes_within_a_tenth_of_a_second() {
    let mut watched = Watched::new(3, false, one_replica());
    for _ in 0..5 {
        watched.pass(60 * SECOND + 13 * MS);
        let delay = watched.row(1);
        assert!(delay <= 100 * MS, "{delay:?}");
    }
}

#[test]
fn silence_costs_few_requests_and_never_more_than_one_for_all_buckets() {
    for (buckets, most) in [(1, 116), (3, 116), (180, 116), (512, 42), (4_096, 22)] {
        let mut watched = Watched::new(buckets, false, one_replica());
        watched.pass(30 * SECOND);
        let asked = watched.requests_in(10 * SECOND);
        assert!(asked.len() <= most, "{buckets}: {}", asked.len());
        assert!(
            asked
                .iter()
                .all(|plan| plan.buckets.len() == buckets as usize)
        );
        let message = &asked[0].watch.as_ref().unwrap().message;
        for plan in &asked {
            let same = &plan.watch.as_ref().unwrap().message;
            assert!(Arc::ptr_eq(message, same), "the request is encoded anew");
        }
    }
}

#[test]
fn a_row_now_and_then_does_not_make_a_scanner_ask_all_the_time() {
    let mut watched = Watched::new(1, false, one_replica());
    watched.pass(30 * SECOND);
    watched.asked.clear();
    for _ in 0..6 {
        watched.row(0);
        watched.pass(10 * SECOND);
    }
    let asked = watched.asked.len();
    assert!(asked < 900, "{asked} requests in a minute");
}

#[test]
fn buckets_with_rows_are_asked_for_apart_from_many_quiet_ones() {
    let mut watched = Watched::new(512, false, one_replica());
    watched.pass(30 * SECOND);
    for _ in 0..40 {
        watched.pass(20 * MS);
        watched.row(7);
    }
    let asked = watched.requests_in(SECOND);
    let (lively, quiet): (Vec<_>, Vec<_>) = asked.iter().partition(|plan| plan.buckets.len() == 1);
    assert!((80..=130).contains(&lively.len()), "{}", lively.len());
    assert!((3..=5).contains(&quiet.len()), "{}", quiet.len());
    assert!(quiet.iter().all(|plan| plan.buckets.len() == 511));
    let asked = watched.requests_in(60 * SECOND);
    assert_eq!(
        asked[asked.len() - 1].buckets.len(),
        512,
        "all are quiet again"
    );
}

#[test]
fn many_buckets_with_rows_are_asked_for_less_often_each() {
    let mut watched = Watched::new(512, false, one_replica());
    watched.pass(SECOND);
    for round in 0..3 {
        for bucket in 0..512 {
            watched.ends[bucket] += 1;
        }
        watched.pass(300 * MS);
        assert!(watched.scan.engine.subscribed().count() == 512, "{round}");
    }
    let asked = watched.requests_in(SECOND);
    let visits: usize = asked.iter().map(|plan| plan.buckets.len()).sum();
    assert!(visits <= 11_000, "{visits} buckets asked for in a second");
}

#[test]
fn where_rows_end_a_held_fetch_it_is_held_and_nothing_is_asked_in_vain() {
    let mut watched = Watched::new(3, true, LIMITS.tail);
    watched.pass(SECOND);
    for row in 0..50 {
        watched.pass(33 * MS);
        assert_eq!(watched.row(row % 3), Duration::ZERO);
    }
    watched.pass(30 * SECOND);
    let asked = watched.requests_in(10 * SECOND);
    assert!((20..=21).contains(&asked.len()), "{}", asked.len());
    assert!(
        asked
            .iter()
            .all(|plan| plan.kind == FetchKind::Held(WAIT_MAX))
    );
    assert_eq!(watched.row(1), Duration::ZERO);
}

#[test]
fn a_bucket_always_finds_a_place_soon_where_fetches_are_held() {
    let mut watched = Watched::new(40, true, LIMITS.tail);
    watched.pass(SECOND);
    for row in 0..400_usize {
        watched.pass(3 * MS);
        let delay = watched.row(row * 7 % 40);
        assert!(delay <= 32 * MS, "row {row}: {delay:?}");
    }
    watched.pass(30 * SECOND);
    let asked = watched.requests_in(10 * SECOND);
    assert!(
        asked.len() <= 45,
        "{} requests though all is quiet",
        asked.len()
    );
}

#[test]
fn what_a_server_does_is_learned_from_its_answers() {
    // It has several replicas and still ends no fetch, say because the others are gone.
    let mut watched = Watched::new(3, false, LIMITS.tail);
    watched.pass(SECOND);
    let delays: Vec<_> = (0..40)
        .map(|row| {
            watched.pass(50 * MS);
            watched.row(row % 3)
        })
        .collect();
    assert!(delays[0] > 300 * MS, "{delays:?}");
    assert!(
        delays[10..].iter().all(|delay| *delay <= 9 * MS),
        "{delays:?}"
    );

    // It has one replica and ends a fetch all the same.
    let mut watched = Watched::new(3, true, one_replica());
    for row in 0..60 {
        watched.pass(10 * SECOND + row * 37 % 360 * MS);
        watched.row(0);
    }
    watched.pass(30 * SECOND);
    let asked = watched.requests_in(10 * SECOND);
    assert!(asked.len() <= 21, "{}", asked.len());
    assert_eq!(watched.row(0), Duration::ZERO);
}

#[test]
fn fetches_are_held_as_the_java_client_has_it_where_that_is_asked_for() {
    let waits = [
        Tail {
            always_held: true,
            ..one_replica()
        },
        Tail {
            latency: WAIT_MAX,
            ..one_replica()
        },
    ];
    for tail in waits {
        let mut watched = Watched::new(3, false, tail);
        watched.pass(10 * SECOND);
        let asked = watched.requests_in(10 * SECOND);
        assert!((19..=21).contains(&asked.len()), "{}", asked.len());
        assert!(
            asked
                .iter()
                .all(|plan| plan.kind == FetchKind::Held(WAIT_MAX))
        );
    }
}

#[test]
fn who_leaves_a_watch_is_asked_for_no_more_and_others_are() {
    let mut watched = Watched::new(4, false, one_replica());
    watched.pass(30 * SECOND);
    watched.scan.engine.unsubscribe(&bucket(0));
    watched.scan.engine.stop_at(&bucket(1), 0);
    watched.scan.engine.fail(&bucket(2), Error::usage("broken"));
    assert!(matches!(watched.scan.engine.take(), Take::Failed(_)));
    let asked = watched.requests_in(SECOND);
    assert!(asked.len() >= 10);
    for plan in asked {
        assert_eq!(sorted(&plan), [3]);
    }
    watched.scan.engine.subscribe(bucket(0), StartOffset::At(0));
    watched.row(0);
    watched.row(3);
}

#[test]
fn a_subscription_made_anew_while_a_fetch_is_under_way_gets_its_own_answer() {
    let mut scan = Scan::of(1);
    let fetch = scan.plan().fetches[0].clone();
    scan.answer(&fetch.buckets[0], records(0, None, 0));
    let held = scan.plan().fetches[0].clone();
    scan.engine.subscribe(bucket(0), StartOffset::At(0));
    let anew = scan.plan().fetches[0].clone();
    assert_eq!(anew.kind, FetchKind::Immediate);
    scan.engine.on_fetch_end(&held, FetchEnd::Same, scan.now);
    scan.feed(&anew.buckets[0], batch(0, 5), 100, 5);
    assert_eq!(scan.take(), [(0, 0, 5)]);
    let held = scan.plan().fetches[0].clone();
    assert_eq!((held.buckets.len(), held.buckets[0].offset), (1, 5));
}

#[test]
fn a_bucket_that_another_server_leads_now_is_asked_for_there() {
    let mut scan = Scan::of(2);
    scan.engine.limits.tail = one_replica();
    for fetch in scan.plan().fetches {
        for asked in fetch.buckets.iter() {
            scan.answer(asked, records(0, None, 0));
        }
    }
    scan.now += 10 * MS;
    scan.plan();
    scan.now += 100 * MS;
    let leader = |bucket: &TableBucket| Some(1 + bucket.bucket_id());
    let mut servers: Vec<_> = Vec::new();
    for _ in 0..20 {
        scan.now += 20 * MS;
        let plan = scan.engine.plan(scan.now, 1, leader);
        for fetch in plan.fetches {
            servers.push((fetch.server, sorted(&fetch)));
            let end = FetchEnd::Answer(Bytes::new());
            for asked in fetch.buckets.iter() {
                scan.answer(asked, records(0, None, 0));
            }
            scan.engine.on_fetch_end(&fetch, end, scan.now);
        }
    }
    assert!(servers.contains(&(1, vec![0])), "{servers:?}");
    assert!(servers.contains(&(2, vec![1])), "{servers:?}");
    assert!(!servers.contains(&(1, vec![0, 1])), "{servers:?}");
}

#[test]
fn a_server_that_answers_slowly_is_given_time() {
    let mut scan = Scan::of(1);
    scan.engine.limits.tail = one_replica();
    let fetch = scan.plan().fetches[0].clone();
    scan.answer(&fetch.buckets[0], records(0, None, 0));
    let mut asked = 0;
    let until = scan.now + SECOND;
    while scan.now < until {
        let plan = scan.plan();
        for fetch in plan.fetches {
            asked += 1;
            scan.now += 40 * MS;
            scan.answer(&fetch.buckets[0], records(0, None, 0));
            let end = FetchEnd::Answer(Bytes::new());
            scan.engine.on_fetch_end(&fetch, end, scan.now);
        }
        scan.now += MS;
    }
    assert!(
        (8..=13).contains(&asked),
        "{asked} requests of 40 ms in a second"
    );
}
