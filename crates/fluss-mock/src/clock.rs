//! The time of a cluster: the wall clock at its start, and tokio's clock from there on, so that paused time holds for it too.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_millis: i64,
}

impl Clock {
    /// One that shows so many milliseconds now, or what that of the machine shows.
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
