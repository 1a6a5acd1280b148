//! The metadata crate against the golden data of the official Java classes, against hostile documents, and against itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod golden;
mod hostile;
mod names;
mod options;
mod partitions;
mod remote;
mod schemas;
mod tables;
mod types;
