//! Runs every body for some seconds, two at a time, with mutations of golden data: `smoke [SECONDS [SEED]]`.
//!
//! The seed is that of the time unless given. A body that panics, or takes longer than a few seconds for one input, ends the program with the
//! input and the seed in its last lines.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

#[path = "../tests/mutations/mod.rs"]
mod mutations;

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::exit;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fuzz_bodies::{TARGETS, Target};
use mutations::{Random, golden};

/// Far more than any input needs.
const SLOW: Duration = Duration::from_secs(10);

/// What a thread is at: since when, which body, with which bytes.
type Current = Mutex<Option<(Instant, &'static str, Vec<u8>)>>;

fn main() {
    let mut args = env::args().skip(1);
    let seconds = args.next().map_or(5, |text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = args
        .next()
        .map_or(now.as_nanos() as u64, |text| text.parse().unwrap());
    println!(
        "fuzz: seed {seed}, {seconds} s for each of {} bodies",
        TARGETS.len()
    );
    // Panics are reported below.
    panic::set_hook(Box::new(|_| {}));
    let waiting = Mutex::new(TARGETS.iter().enumerate());
    let currents: &'static [Current; 2] = Box::leak(Box::default());
    thread::spawn(move || watch(currents, seed));
    thread::scope(|scope| {
        for current in currents {
            let waiting = &waiting;
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((number, target)) = next else { return };
                    let time = Duration::from_secs(seconds);
                    run(*target, seed ^ number as u64, time, current);
                }
            });
        }
    });
    println!("fuzz: no body panicked or hung");
}

fn run(Target { name, body }: Target, seed: u64, time: Duration, current: &Current) {
    let seeds = golden(name);
    let mut random = Random::new(seed);
    let until = Instant::now() + time;
    let mut inputs = 0_u64;
    while Instant::now() < until {
        let place = random.below(seeds.len());
        let bytes = random.mutate(&seeds[place]);
        *current.lock().unwrap() = Some((Instant::now(), name, bytes.clone()));
        let result = panic::catch_unwind(AssertUnwindSafe(|| body(&bytes)));
        *current.lock().unwrap() = None;
        inputs += 1;
        if result.is_err() {
            println!("fuzz: {name} panicked, seed {seed}, input {inputs}: {bytes:02x?}");
            exit(1);
        }
    }
    println!("fuzz: {name}: {inputs} inputs");
}

/// Ends the program when a body takes too long for one input.
fn watch(currents: &[Current], seed: u64) {
    loop {
        thread::sleep(Duration::from_secs(1));
        for current in currents {
            if let Some((since, name, bytes)) = &*current.lock().unwrap()
                && since.elapsed() > SLOW
            {
                println!("fuzz: {name} hangs, seed {seed}: {bytes:02x?}");
                exit(1);
            }
        }
    }
}
