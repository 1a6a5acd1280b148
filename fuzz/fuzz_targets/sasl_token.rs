//! Fuzzes the body `sasl_token` of `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::run("sasl_token", bytes));
