//! The clock of a cluster: the wall clock at its start, advanced by tokio's clock, so that it can be paused.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A clock in Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_millis: i64,
}

impl Clock {
    /// A clock that starts at `millis`, or at the time of the machine.
    pub(crate) fn new(millis: Option<i64>) -> Self {
        let machine = || {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
            since_epoch.map_or(0, |time| time.as_millis() as i64)
        };
        Self {
            start: Instant::now(),
            start_millis: millis.unwrap_or_else(machine),
        }
    }

    pub(crate) fn now_millis(&self) -> i64 {
        self.start_millis + self.start.elapsed().as_millis() as i64
    }
}
