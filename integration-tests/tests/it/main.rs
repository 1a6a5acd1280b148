//! Tests against a real Fluss cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

mod documented;
mod interop;
mod round_trip;
mod sasl;
mod support;
