//! Fuzzes the body `changelog_batch` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("changelog_batch", bytes));
