//! Fuzzes the body `manifest_json` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("manifest_json", bytes));
