//! Simulation: the client against the mock cluster in one thread, under paused time, with random work and random faults that all follow from
//! a seed. What fails prints its seed, and the seed does the same again:
//!
//! ```text
//! cargo xtask sim --seeds 10000
//! cargo xtask sim --seed 4711
//! ```
//!
//! Each seed does more than 2,000 operations over a log table and a primary-key table: several writers, scanners and lookups, while
//! servers die, leaders move, and answers get lost. Then the faults stop, and everything must finish. What must hold is what the oracle
//! says: nothing acknowledged is lost, nothing is there twice, out of order or invented, lookups give the last acknowledged value,
//! scanners skip and repeat nothing, and no call outlives its deadline. Fewer seeds write to a table of release 1.0 that is rescaled
//! while its partitions are made.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod dice;
mod faults;
mod readers;
mod rescaled;
mod run;
mod world;
mod writers;

use world::Kind;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Seeds of a normal run.
const SEEDS: u64 = 300;

/// At least so many operations has each.
const OPERATIONS: u64 = 2000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

#[test]
fn every_seed_keeps_what_was_promised() {
    let started = Instant::now();
    let (first, count) = match number("FLUSS_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("FLUSS_SIM_SEEDS").unwrap_or(SEEDS)),
    };
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut operations, mut refused, mut failed) = (0, 0, Vec::new());
    thread::scope(|scope| {
        let work = || {
            let (mut operations, mut refused, mut failed) = (0, 0, Vec::new());
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return (operations, refused, failed);
                }
                let outcome = run::seed(seed, Kind::Usual);
                operations += outcome.operations;
                refused += outcome.failures;
                assert!(outcome.operations >= OPERATIONS, "{outcome:?}");
                if !outcome.wrong.is_empty() {
                    println!("seed {seed} failed; again with `cargo xtask sim --seed {seed}`");
                    for wrong in outcome.wrong.iter().take(10) {
                        println!("  {wrong}");
                    }
                    failed.push(seed);
                }
            }
        };
        let threads = (0..threads).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        for thread in threads {
            let (done, errors, wrong) = thread.join().unwrap();
            operations += done;
            refused += errors;
            failed.extend(wrong);
        }
    });
    println!(
        "sim: {count} seeds, {operations} operations, {refused} of them told of an error, in {:.1?} on {threads} threads",
        started.elapsed()
    );
    assert!(failed.is_empty(), "failed seeds: {failed:?}");
}

/// Whoever finds nothing has to show that there would be something to find.
#[test]
fn rows_are_there_twice_if_nobody_weeds_them_out() {
    let wrong = (0..4).flat_map(|seed| run::seed(seed, Kind::WithoutIdempotence).wrong);
    let wrong = wrong.collect::<Vec<_>>();
    let twice = wrong.iter().any(|wrong| wrong.contains("Duplicated"));
    assert!(twice, "{wrong:?}");
}

/// A writer that the servers forgot after its last batch was lost wrote nothing to that bucket any more.
#[test]
fn writers_that_servers_forget_go_on() {
    for seed in 0..12 {
        let outcome = run::seed(seed, Kind::ForgetfulServers);
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:?}", outcome.wrong);
    }
}

/// Readers at the end of such a table ask again and again, and miss nothing whatever happens to the servers.
#[test]
fn every_seed_keeps_what_was_promised_of_tables_with_one_replica() {
    for seed in 0..30 {
        let outcome = run::seed(seed, Kind::OneReplica);
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:?}", outcome.wrong);
    }
}

#[test]
fn rows_of_rescaled_tables_find_their_buckets() {
    let (first, count) = match number("FLUSS_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("FLUSS_SIM_SEEDS").unwrap_or(SEEDS) / 6),
    };
    for seed in first..first + count {
        let outcome = rescaled::seed(seed);
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:?}", outcome.wrong);
        assert!(outcome.operations >= 800, "{outcome:?}");
    }
}

#[test]
fn a_seed_does_the_same_each_time() {
    let seed = number("FLUSS_SIM_SEED").unwrap_or(3);
    let (one, other) = (run::seed(seed, Kind::Usual), run::seed(seed, Kind::Usual));
    assert_eq!(one, other);
    assert_ne!(one.requests, run::seed(seed + 1, Kind::Usual).requests);
    assert_eq!(rescaled::seed(seed), rescaled::seed(seed));
}
