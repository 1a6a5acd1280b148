//! A million seeded mutations of golden data over all bodies: they end, and nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

#[path = "mutations/mod.rs"]
mod mutations;

use std::fs;
use std::time::{Duration, Instant};

use fuzz_bodies::{TARGETS, Target};
use mutations::{Random, golden};

const RUNS: usize = 1_000_000;
/// Far more than a busy machine needs, so that only a body that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(3600);

#[test]
fn a_million_mutations_do_no_harm() {
    let started = Instant::now();
    for (number, Target { name, body }) in TARGETS.iter().enumerate() {
        let seeds = golden(name);
        let mut random = Random::new(number as u64);
        for _ in 0..RUNS.div_ceil(TARGETS.len()) {
            let seed = random.below(seeds.len());
            let bytes = random.mutate(&seeds[seed]);
            body(&bytes);
        }
        assert!(
            started.elapsed() < LIMIT,
            "{name} took until {:?}",
            started.elapsed()
        );
    }
    println!(
        "{RUNS} mutations over {} bodies took {:?}",
        TARGETS.len(),
        started.elapsed()
    );
}

#[test]
fn every_body_has_a_fuzz_target() {
    for Target { name, .. } in TARGETS {
        let path = format!(
            "{}/../fuzz/fuzz_targets/{name}.rs",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(
            text.contains(&format!("\"{name}\"")),
            "{path} calls another body"
        );
    }
}
