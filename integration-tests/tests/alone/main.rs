//! Tests that take a cluster, or this process, for themselves: they run one after another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use integration_tests::support;

mod buffer;
mod coordinator;
mod failover;
mod failover_scans;
mod hdfs;
mod rebalance;
mod s3;

/// Held by the one test that runs.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
