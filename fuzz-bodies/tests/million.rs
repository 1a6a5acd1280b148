//! A million seeded mutations of golden data over all bodies: they end, and nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::fs;
use std::time::{Duration, Instant};

use fuzz_bodies::{TARGETS, Target};
use serde_json::Value;

const RUNS: usize = 1_000_000;
/// Far more than a busy machine needs, so that only a body that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(3600);

/// Where the honest bytes of a body come from: a file of golden data and the field of its cases.
fn source(target: &str) -> (&'static str, &'static str) {
    match target {
        "frame" => ("rpc_request", "frame"),
        "response_header" => ("rpc_error", "frame"),
        "request_message" => ("rpc_request", "body_bytes"),
        "response_message" => ("rpc_response", "body_bytes"),
        "sasl_token" => ("sasl", "token"),
        "log_batch_arrow" | "log_batch_every_type" => ("log_arrow", "bytes"),
        "log_batch_indexed" => ("log_indexed", "bytes"),
        "log_batch_compacted" => ("log_compacted", "bytes"),
        "log_batch_projected" | "changelog_batch" => ("log_projection", "bytes"),
        "kv_batch" => ("kv_batch", "bytes"),
        "value_batch" => ("value_batch", "bytes"),
        "row_compacted" => ("row_compacted", "bytes"),
        "row_indexed" => ("row_indexed", "bytes"),
        "row_aligned" => ("row_aligned", "bytes"),
        "array_and_map" => ("binary_array", "compacted"),
        "schema_json" => ("json_schema", "json"),
        "descriptor_json" => ("json_table_descriptor", "json"),
        "manifest_json" => ("json_server", "json"),
        "type_text" => ("types", "type"),
        other => panic!("no golden data for {other}"),
    }
}

fn golden(target: &str) -> Vec<Vec<u8>> {
    let (file, field) = source(target);
    let path = format!(
        "{}/../testdata/vectors/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let is_text = matches!(
        target,
        "schema_json" | "descriptor_json" | "manifest_json" | "type_text"
    );
    let seeds = cases
        .iter()
        .filter_map(|case| case[field].as_str())
        .map(|text| {
            if is_text {
                text.as_bytes().to_vec()
            } else {
                unhex(text)
            }
        })
        .filter(|bytes| bytes.len() <= 4096)
        .collect::<Vec<_>>();
    assert!(!seeds.is_empty(), "{file} has nothing for {target}");
    seeds
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

/// xorshift, seeded: the same run every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }

    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        match self.below(10) {
            0 => bytes.truncate(self.below(seed.len() + 1)),
            1 => {
                let from = self.below(seed.len() + 1);
                bytes.extend_from_slice(&seed[from..]);
            }
            2 => (0..self.below(64)).for_each(|_| bytes.push(self.next() as u8)),
            _ => {
                for _ in 0..=self.below(3) {
                    if !bytes.is_empty() {
                        let at = self.below(bytes.len());
                        bytes[at] = match self.below(4) {
                            0 => 0xff,
                            1 => 0x7f,
                            2 => bytes[at] ^ (1 << self.below(8)),
                            _ => self.next() as u8,
                        };
                    }
                }
            }
        }
        bytes
    }
}

#[test]
fn a_million_mutations_do_no_harm() {
    let started = Instant::now();
    for (number, Target { name, body }) in TARGETS.iter().enumerate() {
        let seeds = golden(name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ number as u64);
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
