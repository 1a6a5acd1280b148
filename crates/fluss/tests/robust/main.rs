//! What must hold whatever the servers and the callers do, shown on a cluster inside the process and in paused time: no call hangs, a
//! dropped future disturbs nothing, nothing leaks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod bounded;
mod calls;
mod cancellation;
mod closing;
mod dropped;
mod endurance;
mod liveness;
mod messages;
mod museum;
mod newer;
mod newer_tables;
mod passing;
mod rescaled;
mod runtimes;
mod segments;
mod stalled;
mod support;
mod surface;
mod time;
mod turns;
