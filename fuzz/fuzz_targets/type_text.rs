//! Fuzzes the body `type_text` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("type_text", bytes));
