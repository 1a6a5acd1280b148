//! Tests of the whole crate: golden data of the official Java classes, random messages, hostile bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod enums;
mod example;
mod hostile;
mod memory;
mod predicates;
mod random;
mod records;
mod schema;
mod tables;
mod vectors;
