//! Golden data for the bodies, and seeded mutations of it.

use std::fs;

use serde_json::Value;

/// Where the valid bytes of a body come from: a file of golden data and the field of its cases.
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

pub(crate) fn golden(target: &str) -> Vec<Vec<u8>> {
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
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }

    pub(crate) fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
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
