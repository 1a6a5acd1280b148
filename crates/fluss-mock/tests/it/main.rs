//! The mock cluster, driven by a small client of its own: shared code would hide shared bugs. One part is about both together.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod catalog;
mod client;
mod data;
mod faults;
mod filter;
mod filter_vectors;
mod handshake;
mod paused;
mod verbs;
