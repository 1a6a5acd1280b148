//! Tests over the whole crate: golden data of the official Java classes, properties, hostile bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    unreachable_pub,
    reason = "test code"
)]

mod arrow_convert;
mod arrow_log;
mod arrow_log_example;
mod arrow_log_hostile;
mod arrow_log_round_trip;
mod hostile;
mod keys;
mod kv;
mod numbers;
mod properties;
mod rows;
mod support;
mod tables;
