//! Fuzzes the body `row_indexed` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("row_indexed", bytes));
