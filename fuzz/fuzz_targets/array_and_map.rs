//! Fuzzes the body `array_and_map` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("array_and_map", bytes));
