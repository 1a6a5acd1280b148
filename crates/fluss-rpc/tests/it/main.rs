//! The RPC client against scripted servers: in memory with paused time, and over TCP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod bad_server;
mod cluster;
mod connection;
mod fake_cluster;
mod handshake;
mod net;
mod pool;
mod regressions;
mod tcp;
