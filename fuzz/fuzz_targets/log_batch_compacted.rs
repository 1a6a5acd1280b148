//! Fuzzes the body `log_batch_compacted` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("log_batch_compacted", bytes));
