//! Fuzzes the body `row_aligned` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("row_aligned", bytes));
